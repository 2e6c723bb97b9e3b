package fisherman

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// observedBy collects what the hooks tell, from the goroutines of the rounds.
func observedBy(n *network) <-chan Observed {
	told := make(chan Observed, 1000)
	n.hooks.Round = func(observed Observed) { told <- observed }
	return told
}

// causesOf counts what was told.
func causesOf(told <-chan Observed) map[types.Cause]int {
	counted := make(map[types.Cause]int)
	for len(told) > 0 {
		counted[(<-told).Round.Why()]++
	}
	return counted
}

func TestObserverIsToldOfEveryCheckOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		told := observedBy(n)
		n.while(t, func() { n.blocks(15, 20, time.Second) })
		_, rounds := n.record(t, 10)
		seen := make(map[uint32]bool)
		for len(told) > 0 {
			observed := <-told
			if observed.Session.GetId() == idOf(20) {
				continue // that one has just begun
			}
			index := observed.Round.GetIndex()
			if seen[index] || observed.Session.GetId() != idOf(10) || observed.Session.GetRelayChain() != chain || !observed.Stored ||
				observed.Round.GetStatus() != rounds[index].GetStatus() || observed.Round.Why() != rounds[index].Why() {
				t.Errorf("told %+v", observed)
			}
			seen[index] = true
		}
		if len(seen) != n.policy.Checks {
			t.Errorf("told of %d of %d checks", len(seen), n.policy.Checks)
		}
	})
}

func TestObserverIsToldOfRoundsThatAreNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		told := observedBy(n)
		n.store.setFail(func(_ context.Context, operation string) error {
			if operation == "PutRound" {
				return errors.New("disk")
			}
			return nil
		})
		n.while(t, func() { n.blocks(10, 14, time.Second) })
		if len(told) < 4 {
			t.Fatalf("told of %d rounds", len(told))
		}
		for len(told) > 0 {
			if observed := <-told; observed.Stored {
				t.Errorf("stored: %+v", observed)
			}
		}
	})
}

// An observer that never returns holds up no check: all others are released when they are due.
func TestSlowObserverDelaysNoRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		release := make(chan struct{})
		n.hooks.Round = func(Observed) { <-release }
		n.while(t, func() {
			n.blocks(10, 20, time.Second)
			close(release)
			n.blocks(21, 22, time.Second)
		})
		_, rounds := n.record(t, 10)
		if got := statuses(rounds); got != "dddddddddd" {
			t.Fatalf("%s", got)
		}
		for _, round := range rounds {
			if late := time.Duration(round.GetReleasedUnixNano() - round.GetPlannedUnixNano()); late != 0 {
				t.Errorf("check %d was released %v late", round.GetIndex(), late)
			}
		}
	})
}

// Every reason that the loop and a round can give is counted as what it is.
func TestCauses(t *testing.T) {
	hang := func(ctx context.Context, _ string) (*wire.Conn, error) { <-ctx.Done(); return nil, refused() }
	for want, test := range map[types.Cause]struct {
		harm   func(*network)
		script func(*network)
	}{
		types.Cause_CAUSE_UNSPECIFIED:  {harm: func(*network) {}},
		types.Cause_CAUSE_JOINED_LATE:  {func(*network) {}, func(n *network) { n.blocks(17, 20, time.Second) }},
		types.Cause_CAUSE_SESSION_OVER: {func(n *network) { n.interval = time.Minute }, func(n *network) { n.head(11); time.Sleep(time.Second); n.head(21); time.Sleep(time.Second) }},
		types.Cause_CAUSE_LEFT: {func(n *network) {
			n.members = func(height int64) []*types.Actor {
				if height > 12 {
					return nil
				}
				return []*types.Actor{actor("a")}
			}
		}, nil},
		types.Cause_CAUSE_NO_SERVICERS: {func(n *network) { n.members = func(int64) []*types.Actor { return []*types.Actor{} } }, nil},
		types.Cause_CAUSE_NO_QUESTION:  {func(n *network) { n.catalogues = nil }, nil},
		types.Cause_CAUSE_OVERLOAD: {func(n *network) { n.mostRequests, n.policy.Timeout, n.dial = 2, 5*time.Second, hang }, func(n *network) {
			n.blocks(10, 20, time.Second)
			time.Sleep(10 * time.Second)
		}},
		types.Cause_CAUSE_NO_CONTROL_PROBE: {func(n *network) { n.probe = nil }, nil},
		types.Cause_CAUSE_OFFLINE: {func(n *network) {
			n.probe = func(context.Context, types.Payload) (Answer, error) { return Answer{}, errors.New("offline") }
		}, nil},
		types.Cause_CAUSE_NO_SAMPLE: {func(n *network) {
			n.dial = func(context.Context, string) (*wire.Conn, error) {
				return nil, &wire.Failure{Outcome: types.Outcome_OUTCOME_VOID, Blame: types.Blame_BLAME_SELF, Err: errors.New("ours")}
			}
		}, nil},
		types.Cause_CAUSE_STOPPED: {func(n *network) { n.policy.Timeout, n.dial = 5*time.Second, hang }, func(n *network) { n.blocks(10, 12, time.Second) }},
	} {
		t.Run(want.Label(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				told := observedBy(n)
				test.harm(n)
				if test.script == nil {
					test.script = func(n *network) { n.blocks(10, 20, time.Second) }
				}
				n.while(t, func() { test.script(n) })
				got := causesOf(told)
				if got[want] == 0 || got[types.Cause_CAUSE_OTHER] > 0 {
					t.Errorf("causes %v", got)
				}
			})
		})
	}
}

// The head of another relay chain that is not known leaves nothing to ask.
func TestCauseOfAnUnknownHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		told := observedBy(n)
		n.catalogues[chain], n.probe = question.CometBFT(), otherChain{started: time.Now(), silent: time.Hour}.probe
		n.while(t, func() { n.blocks(10, 20, time.Second) })
		if got := causesOf(told); got[types.Cause_CAUSE_NO_QUESTION] < n.policy.Checks || len(got) != 1 {
			t.Errorf("causes %v", got)
		}
	})
}

// Every reason of a check that was dropped because it was noticed too late.
func TestCausesOfLateness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		told := observedBy(n)
		n.policy.Checks = 4 // so far apart that none overtakes another
		n.holdUpAt("session taken up", 2, 2900*time.Millisecond)
		n.anotherFrom(13)
		n.while(t, func() { n.blocks(10, 20, time.Second) })
		if got := causesOf(told); got[types.Cause_CAUSE_LATE] != 1 || got[types.Cause_CAUSE_UNSPECIFIED] < 3 {
			t.Errorf("causes %v", got)
		}
	})
}
