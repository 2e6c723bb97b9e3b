package fisherman

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// A check on demand asks everybody, is not stored, and leaves the schedule and its questions alone.
func TestCheckOnDemand(t *testing.T) {
	run := func(demands int) (planned []int64, asked []string, checked []*Checked) {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork()
			n.policy.ChecksOnDemand = 5
			n.while(t, func() {
				var asking sync.WaitGroup
				asking.Go(func() {
					for range demands {
						time.Sleep(2345 * time.Millisecond)
						one, err := n.running.CheckNow(t.Context(), Demand{Servicer: actor("b").GetAddress()})
						if err != nil {
							t.Error(err)
						}
						checked = append(checked, one)
					}
				})
				n.blocks(1000, 1010, time.Second)
				asking.Wait()
			})
			_, rounds := n.record(t, 1000)
			for _, round := range rounds {
				planned, asked = append(planned, round.GetPlannedUnixNano()), append(asked, round.GetQuestion())
			}
		})
		return planned, asked, checked
	}
	_, before, _ := run(0)
	_, after, checked := run(3)
	if !slices.Equal(before, after) {
		t.Errorf("the schedule asked %q, then %q", before, after)
	}
	seen := make(map[string]bool)
	for _, one := range checked {
		round := one.Round
		if round.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE || len(round.GetSamples()) != 2 || round.GetSessionId() != one.Session.GetHeader().GetId() || one.Policy.Checks != 10 {
			t.Errorf("%+v", one)
		}
		checkRound(t, round)
		if seen[round.GetQuestion()] || slices.Contains(after, round.GetQuestion()) {
			t.Errorf("%q is asked twice", round.GetQuestion())
		}
		seen[round.GetQuestion()] = true
	}
	if len(checked) != 3 {
		t.Errorf("%d checks", len(checked))
	}
}

func TestChecksOnDemandAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.policy.ChecksOnDemand = 2
		member := Demand{Servicer: actor("a").GetAddress()}
		n.while(t, func() {
			ask := func(wanted Demand, want error) {
				t.Helper()
				if one, err := n.running.CheckNow(t.Context(), wanted); !errors.Is(err, want) || (one == nil) != (want != nil) {
					t.Errorf("%+v: %v, %v", wanted, one, err)
				}
			}
			time.Sleep(time.Second)
			ask(member, ErrNotInSession) // no head yet
			n.head(10)
			time.Sleep(time.Second)
			ask(Demand{Servicer: actor("stranger").GetAddress()}, ErrNotInSession)
			ask(Demand{Servicer: member.Servicer, RelayChain: "0021"}, ErrNotInSession)
			ask(Demand{Servicer: member.Servicer, Application: actor("stranger").GetAddress()}, ErrNotInSession)
			ask(Demand{Servicer: member.Servicer, RelayChain: chain, Application: fishermanKey.Address()}, nil)
			ask(member, ErrTooManyChecks) // too soon
			time.Sleep(demandEvery)
			ask(member, nil)
			time.Sleep(demandEvery)
			ask(member, ErrTooManyChecks) // its share
			n.blocks(11, 20, time.Second)
			ask(member, nil) // another session
			n.members = func(int64) []*types.Actor { return nil }
			n.head(21)
			time.Sleep(demandEvery)
			ask(member, ErrNotInSession) // the fisherman left it
		})
	})
}

func TestOneCheckOnDemandAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.policy.ChecksOnDemand, n.policy.Checks = 5, 1
		n.dial = func(ctx context.Context, _ string) (*wire.Conn, error) { <-ctx.Done(); return nil, refused() }
		wanted := Demand{Servicer: actor("a").GetAddress()}
		n.while(t, func() {
			n.head(10)
			time.Sleep(time.Second)
			// Who gives up does not end the check, which goes on to be one that servicers cannot tell from another.
			short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if _, err := n.running.CheckNow(short, wanted); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("first: %v", err)
			}
			time.Sleep(demandEvery)
			if _, err := n.running.CheckNow(t.Context(), wanted); !errors.Is(err, ErrTooManyChecks) {
				t.Errorf("second: %v", err)
			}
			time.Sleep(n.policy.Timeout)
			if _, err := n.running.CheckNow(t.Context(), wanted); err != nil {
				t.Errorf("third: %v", err)
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.running.CheckNow(ctx, wanted); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("of a fisherman that has stopped: %v", err)
		}
	})
}

func TestNothingToAskOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.policy.ChecksOnDemand = 5
		n.catalogues = map[string]question.Catalogue{}
		n.while(t, func() {
			n.head(10)
			time.Sleep(time.Second)
			if _, err := n.running.CheckNow(t.Context(), Demand{Servicer: actor("a").GetAddress()}); !errors.Is(err, ErrCannotAsk) {
				t.Error(err)
			}
		})
	})
}

// ExecuteCheck goes the same way, for a session and an index that the caller names.
func TestExecuteCheck(t *testing.T) {
	honest, down := fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Down())
	session := sessionOf(10, 10, 12, honest.Actor(), down.Actor())
	n := newNetwork()
	n.ask, n.dial = seal, (&wire.Dialer{AllowPrivate: true}).Dial
	n.while(t, func() {
		record, err := n.running.ExecuteCheck(t.Context(), session, 3)
		if err != nil {
			t.Fatal(err)
		}
		isOK(t, sampleOf(t, record, honest))
		isNull(t, sampleOf(t, record, down), types.Outcome_OUTCOME_CONNECT, types.Blame_BLAME_SERVICER)
		if record.GetIndex() != 3 || record.GetSessionId() != session.GetHeader().GetId() || record.GetQuestion() == "" {
			t.Errorf("%v", record)
		}
		if rounds, _ := n.store.Rounds(t.Context(), session.GetHeader().GetId()); len(rounds) > 0 {
			t.Error("stored")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if record, err := n.running.ExecuteCheck(ctx, session, 3); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, %v", record, err)
		}
		elsewhere := sessionOf(10, 10, 12, honest.Actor())
		elsewhere.Header.RelayChain = "0002"
		if record, err := n.running.ExecuteCheck(t.Context(), elsewhere, 3); !errors.Is(err, ErrCannotAsk) {
			t.Errorf("asked on a chain without questions: %v, %v", record, err)
		}
	})
}

// What is asked on demand counts towards the reserve of its session, within bounds.
func TestExtrasAreCounted(t *testing.T) {
	l := &loop{extras: make(map[string]uint64)}
	l.countExtra("a")
	l.countExtra("a")
	l.countExtra("b")
	if l.extras["a"] != 2 || l.extras["b"] != 1 {
		t.Errorf("%v", l.extras)
	}
	for i := range mostExtras {
		l.countExtra(fmt.Sprint(i))
	}
	if len(l.extras) > mostExtras {
		t.Errorf("%d sessions are remembered", len(l.extras))
	}
}

// Over sockets: each servicer gets its own verdict, on connections that no scheduled check had, and that are kept.
func TestCheckOnDemandOverSockets(t *testing.T) {
	honest := []*fakes.Servicer{fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest())}
	lying, down := fakes.Start(t, fakes.Lying("x")), fakes.Start(t, fakes.Down())
	n := newNetwork()
	n.interval = time.Hour // no scheduled check comes between
	n.policy.ChecksOnDemand, n.policy.LatencySLA = 20, n.policy.Timeout
	n.ask = seal
	n.dial = (&wire.Dialer{AllowPrivate: true}).Dial
	n.members = func(int64) []*types.Actor { return actorsOf(append(slices.Clone(honest), lying, down)...) }
	n.while(t, func() {
		n.head(15)
		kept := &wire.Pool{}
		conn, err := n.dial(t.Context(), honest[0].URL())
		if err != nil {
			t.Fatal(err)
		}
		kept.Give(honest[0].URL(), conn)
		n.running.pool.Adopt(kept)
		again := time.NewTicker(20 * time.Millisecond)
		defer again.Stop()
		var checked *Checked
		for ; ; <-again.C { // until the session is taken up
			if checked, err = n.running.CheckNow(t.Context(), Demand{Servicer: lying.Address()}); err == nil {
				break
			}
			if !errors.Is(err, ErrTooManyChecks) && !errors.Is(err, ErrNotInSession) {
				t.Fatal(err)
			}
		}
		record := checked.Round
		if len(checked.Writes) != 4 {
			t.Errorf("writes %v", checked.Writes)
		}
		for _, servicer := range append(slices.Clone(honest), lying) {
			sample := sampleOf(t, record, servicer)
			isOK(t, sample)
			if sample.GetReusedConnection() || sample.GetConnectTime().AsDuration() <= 0 {
				t.Errorf("%s was asked on a kept connection", servicer.URL())
			}
		}
		if got := sampleOf(t, record, lying).GetConsistency(); got != types.Consistency_CONSISTENCY_DISAGREE {
			t.Errorf("the liar: %v", got)
		}
		isNull(t, sampleOf(t, record, down), types.Outcome_OUTCOME_CONNECT, types.Blame_BLAME_SERVICER)
		for range 2 { // the one that was kept before, and the check's own
			conn := n.running.pool.Take(honest[0].URL())
			if conn == nil {
				t.Fatal("no connection is kept")
			}
			defer conn.Close()
		}
		if rounds, _ := n.store.Rounds(t.Context(), idOf(10)); slices.ContainsFunc(rounds, func(r *types.QoSRound) bool { return r.GetIndex() >= firstDemand }) {
			t.Error("the check was stored")
		}
	})
}
