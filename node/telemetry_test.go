package node

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/telemetry"
)

// Metrics show the sessions that are not closed, as the API's report does.
func TestCurrentSessionsAreThoseOfTheReport(t *testing.T) {
	reader, store := sampledStore(t)
	n := &Node{fisherman: reader.fisherman}
	closeSession(t, store, "a", always)
	current, err := n.currentSessions(t.Context())
	if err != nil || len(current) != 2 || current[0].Report.ID != id("b") || current[1].Report.ID != id("c") || current[1].Members != 2 {
		t.Fatalf("current %+v, %v", current, err)
	}
	for _, session := range current {
		report, err := reader.Report(t.Context(), rpc.QoSFilter{SessionID: session.Report.ID})
		if err != nil || !reflect.DeepEqual(report.Sessions[0], session.Report) {
			t.Errorf("metrics show %+v, the report %+v, %v", session.Report, report.Sessions, err)
		}
	}
	closeSession(t, store, "b", always)
	closeSession(t, store, "c", always, late)
	if current, err := n.currentSessions(t.Context()); err != nil || len(current) != 0 {
		t.Errorf("after the end: %+v, %v", current, err)
	}
}

// counted is a store that counts which rounds were read.
type counted struct {
	fisherman.Store
	read *[]string
}

func (c counted) Rounds(ctx context.Context, id string) ([]*types.QoSRound, error) {
	*c.read = append(*c.read, id)
	return c.Store.Rounds(ctx, id)
}

// However many sessions there are, rounds are read only of as many as have servicers with series.
func TestCurrentSessionsAreReadWithinBounds(t *testing.T) {
	var read []string
	reader, store := sampledIn(t, func(store fisherman.Store) fisherman.Store { return counted{store, &read} })
	big := &types.QoSSession{Header: &types.SessionHeader{Id: id("0"), RelayChain: "0001", Application: always}, ChecksPlanned: 4, Blocks: 10}
	for i := range telemetry.MostServicers {
		big.Servicers = append(big.Servicers, &types.QoSServicer{Address: fmt.Sprintf("%040x", i), ServiceUrl: "http://127.0.0.1:1"})
	}
	if err := store.PutSession(t.Context(), big); err != nil {
		t.Fatal(err)
	}
	n := &Node{fisherman: reader.fisherman}
	current, err := n.currentSessions(t.Context())
	if err != nil || len(current) != 4 {
		t.Fatalf("%d sessions, %v", len(current), err)
	}
	members, planned := 0, 0
	for _, session := range current {
		members += session.Members
		planned += session.Report.ChecksPlanned
	}
	if len(read) == 4 || members != telemetry.MostServicers+4 || planned != 7 {
		t.Errorf("read %d sessions; %d members, %d checks", len(read), members, planned)
	}
}

func TestCurrentSessionsThatCannotBeRead(t *testing.T) {
	reader, _ := sampledIn(t, func(store fisherman.Store) fisherman.Store { return unreadableRounds{store, id("b")} })
	n := &Node{fisherman: reader.fisherman}
	current, err := n.currentSessions(t.Context())
	if err != nil || len(current) != 3 || len(current[1].Report.Servicers) != 0 || current[1].Members != 1 || len(current[2].Report.Servicers) != 2 {
		t.Errorf("current %+v, %v", current, err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := n.currentSessions(stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("asked in vain: %v", err)
	}
}
