package samples

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// What is running is shown as the report does.
func TestRunningSessionsAreThoseOfTheReport(t *testing.T) {
	store := sampled()
	reader := NewReader(store, NewRolling(), Prover{})
	store.close(t, "a", always)
	running, err := reader.Running(t.Context(), 9)
	if err != nil || len(running) != 2 || running[0].Report.ID != id("b") || running[1].Report.ID != id("c") || running[1].Members != 2 {
		t.Fatalf("running %+v, %v", running, err)
	}
	for _, session := range running {
		report, err := reader.Report(t.Context(), ReportFilter{SessionID: session.Report.ID})
		if err != nil || !reflect.DeepEqual(report.Sessions[0], session.Report) {
			t.Errorf("running %+v, in the report %+v, %v", session.Report, report.Sessions, err)
		}
	}
	store.close(t, "b", always)
	store.close(t, "c", always, late)
	if running, err := reader.Running(t.Context(), 9); err != nil || len(running) != 0 {
		t.Errorf("after the end: %+v, %v", running, err)
	}
}

// However many sessions there are, rounds are read only until there are enough servicers.
func TestRunningSessionsAreReadWithinBounds(t *testing.T) {
	store := sampled()
	big := &types.QoSSession{Header: &types.SessionHeader{Id: id("0"), RelayChain: "0001", Application: always}, ChecksPlanned: 4, Blocks: 10}
	for i := range 256 {
		big.Servicers = append(big.Servicers, &types.QoSServicer{Address: fmt.Sprintf("%040x", i), ServiceUrl: "http://127.0.0.1:1"})
	}
	store.sessions = append([]*types.QoSSession{big}, store.sessions...)
	running, err := NewReader(store, NewRolling(), Prover{}).Running(t.Context(), 256)
	if err != nil || len(running) != 4 {
		t.Fatalf("%d sessions, %v", len(running), err)
	}
	members, planned := 0, 0
	for _, session := range running {
		members += session.Members
		planned += session.Report.ChecksPlanned
	}
	if len(store.read) != 1 || members != 256+4 || planned != 7 {
		t.Errorf("read %d sessions; %d members, %d checks", len(store.read), members, planned)
	}
}

func TestRunningSessionsThatCannotBeRead(t *testing.T) {
	store := sampled()
	store.broken[id("b")] = errCorrupt
	reader := NewReader(store, NewRolling(), Prover{})
	running, err := reader.Running(t.Context(), 9)
	if err != nil || len(running) != 3 || len(running[1].Report.Servicers) != 0 || running[1].Members != 1 || len(running[2].Report.Servicers) != 2 {
		t.Errorf("running %+v, %v", running, err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := reader.Running(stopped, 9); !errors.Is(err, context.Canceled) {
		t.Errorf("asked in vain: %v", err)
	}
}
