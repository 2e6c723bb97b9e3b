package samples

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// What is closed, at the start or later, is summed up before anybody asks for it, the newest first; what is running, old or cannot
// be read is not, and is not tried again and again.
func TestNewestSessionsAreKeptReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const old = 3
		store := newMemory()
		name := func(i int) string { return fmt.Sprintf("%064x", i) }
		for i := range readySessions + old {
			store.sessions = append(store.sessions, &types.QoSSession{Closed: true, ChecksPlanned: 1, JoinedHeight: int64(10 * i), JoinedUnixNano: int64(i),
				Header: &types.SessionHeader{Id: name(i), StartHeight: int64(10 * i), RelayChain: "0001", GeoZone: "local"}})
		}
		last := len(store.sessions) - 1
		running, broken := store.sessions[last], name(last-1)
		running.Closed = false
		store.broken[broken] = errors.New("bad sector")
		reader := NewReader(store, NewRolling(), Prover{})
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { reader.KeepReady(ctx); close(ended) }()
		read := func() []string {
			synctest.Wait()
			store.mu.Lock()
			defer store.mu.Unlock()
			read := store.read
			store.read = nil
			return read
		}
		first := read()
		if len(first) != readySessions-1 || first[0] != broken || first[1] != name(last-2) || slices.Contains(first, name(old-1)) {
			t.Fatalf("%d sessions were read, the first %v", len(first), first[:min(3, len(first))])
		}
		for range 3 {
			<-time.After(readyEvery)
			if again := read(); len(again) > 0 {
				t.Fatalf("%v were read again", again)
			}
		}
		store.mu.Lock()
		running.Closed = true
		store.mu.Unlock()
		<-time.After(readyEvery)
		if got := read(); !slices.Equal(got, []string{name(last)}) {
			t.Errorf("of what was closed %v were read", got)
		}
		end()
		<-ended
		windows, err := reader.Windows(t.Context(), WindowFilter{Span: qos.Span{Starts: readySessions}})
		if err != nil || windows.Windows[0].Sessions != readySessions-1 || windows.Windows[0].SessionsLeftOut != 1 {
			t.Fatalf("%+v, %v", windows, err)
		}
		report, err := reader.Report(t.Context(), ReportFilter{Last: readySessions})
		if got := read(); err != nil || len(report.Sessions) != readySessions-1 || slices.ContainsFunc(got, func(id string) bool { return id != broken }) {
			t.Errorf("%d sessions, %v; %v were read by those who asked", len(report.Sessions), err, got)
		}
	})
}
