package fisherman

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// observedBy collects what the hooks tell, from the goroutines of the rounds.
func observedBy(n *network) <-chan Observed {
	told := make(chan Observed, 1000)
	n.hooks.Round = func(observed Observed) { told <- observed }
	return told
}

// causesOf counts what was told.
func causesOf(told <-chan Observed) map[Cause]int {
	counted := make(map[Cause]int)
	for len(told) > 0 {
		counted[(<-told).Cause]++
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
				observed.Round.GetStatus() != rounds[index].GetStatus() || observed.Cause != CauseOf(rounds[index]) {
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
	hang := func(ctx context.Context, _ string) (*relay.Conn, error) { <-ctx.Done(); return nil, refused() }
	for want, test := range map[Cause]struct {
		harm   func(*network)
		script func(*network)
	}{
		CauseNone:        {harm: func(*network) {}},
		CauseJoinedLate:  {func(*network) {}, func(n *network) { n.blocks(17, 20, time.Second) }},
		CauseSessionOver: {func(n *network) { n.interval = time.Minute }, func(n *network) { n.head(11); time.Sleep(time.Second); n.head(21); time.Sleep(time.Second) }},
		CauseLeft: {func(n *network) {
			n.members = func(height int64) []*types.Actor {
				if height > 12 {
					return nil
				}
				return []*types.Actor{actor("a")}
			}
		}, nil},
		CauseNoServicers: {func(n *network) { n.members = func(int64) []*types.Actor { return []*types.Actor{} } }, nil},
		CauseNoQuestion:  {func(n *network) { n.catalogues = nil }, nil},
		CauseOverload: {func(n *network) { n.mostRequests, n.policy.Timeout, n.dial = 2, 5*time.Second, hang }, func(n *network) {
			n.blocks(10, 20, time.Second)
			time.Sleep(10 * time.Second)
		}},
		CauseNoProbe: {func(n *network) { n.probe = nil }, nil},
		CauseOffline: {func(n *network) {
			n.probe = func(context.Context, types.Payload) (Answer, error) { return Answer{}, errors.New("offline") }
		}, nil},
		CauseNoSample: {func(n *network) {
			n.dial = func(context.Context, string) (*relay.Conn, error) {
				return nil, &relay.Failure{Outcome: types.Outcome_OUTCOME_VOID, Blame: types.Blame_BLAME_SELF, Err: errors.New("ours")}
			}
		}, nil},
		CauseStopped: {func(n *network) { n.policy.Timeout, n.dial = 5*time.Second, hang }, func(n *network) { n.blocks(10, 12, time.Second) }},
	} {
		t.Run(string(want), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				told := observedBy(n)
				test.harm(n)
				if test.script == nil {
					test.script = func(n *network) { n.blocks(10, 20, time.Second) }
				}
				n.while(t, func() { test.script(n) })
				got := causesOf(told)
				if got[want] == 0 || got[CauseOther] > 0 {
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
		catalogue := question.CometBFT()
		catalogue.Head = question.CometBFTHead()
		n.catalogues[chain], n.probe = catalogue, nil
		n.while(t, func() { n.blocks(10, 20, time.Second) })
		if got := causesOf(told); got[CauseNoQuestion] < n.policy.Checks || len(got) != 1 {
			t.Errorf("causes %v", got)
		}
	})
}

// Reasons that only a disturbed machine gives, as judge and the loop write them.
func TestCausesOfDisturbance(t *testing.T) {
	honest := newRounds(t)
	one := honest.at(time.Now())
	for want, harm := range map[Cause]func(*round){
		CauseStall: func(r *round) { r.released, r.stall = r.due, stallLimit+1 },
		CauseSkew:  func(r *round) { r.released, r.stall, r.skew = r.due, 0, r.policy.MaxSkew+1 },
		CauseLate:  func(r *round) { r.released = r.due.Add(latest + 1) },
	} {
		harm(one)
		if record := one.judge(t.Context(), nil); CauseOf(record) != want {
			t.Errorf("%s: %s", CauseOf(record), record.GetReason())
		}
	}
}

// Every reason of a check that was dropped because it was noticed too late.
func TestCausesOfLateness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		told := observedBy(n)
		n.policy.Checks = 4 // so far apart that none overtakes another
		n.members = func(height int64) []*types.Actor {
			if height < 13 {
				return []*types.Actor{actor("a")}
			}
			return []*types.Actor{actor("a"), actor("c")} // c has to be stored, which holds the loop up
		}
		written := 0
		n.store.setFail(func(_ context.Context, operation string) error {
			if operation == "PutSession" {
				if written++; written == 2 {
					time.Sleep(2900 * time.Millisecond)
				}
			}
			return nil
		})
		n.while(t, func() { n.blocks(10, 20, time.Second) })
		if got := causesOf(told); got[CauseLate] != 1 || got[CauseNone] < 3 {
			t.Errorf("causes %v", got)
		}
	})
}
