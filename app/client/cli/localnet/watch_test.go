package localnet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/localnet"
)

// quietProgress notes what it was shown.
type quietProgress struct {
	shots []terminal.Snapshot
	waits []string
}

func (p *quietProgress) Write(lines []byte) (int, error) { return len(lines), nil }
func (p *quietProgress) Show(shot terminal.Snapshot)     { p.shots = append(p.shots, shot) }
func (p *quietProgress) Wait(what string)                { p.waits = append(p.waits, what) }
func (p *quietProgress) Close()                          {}

func tenBlocks() localnet.Options {
	options := localnet.DefaultOptions()
	options.BlocksPerSession = 10
	return options
}

func TestWatchEndsAfterTheWantedSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watch := newWatch(&clienttest.Node{Started: time.Now(), From: 1, DownUntil: 3 * time.Second}, &quietProgress{}, tenBlocks(), 2)
		watch.run(t.Context())
		report := watch.report()
		if len(report.Sessions) != 2 || !report.Sessions[0].Complete || !report.Sessions[1].Complete || report.Sessions[1].Height != 10 {
			t.Errorf("report %+v, want two complete sessions", report.Sessions)
		}
		if !watch.finished() {
			t.Error("the watch is not finished")
		}
	})
}

// The sessions of two chains begin together: the same number of each is wanted.
func TestWatchCountsTheSessionsOfEveryChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options, shown := tenBlocks(), &quietProgress{}
		options.Ethereum = true
		watch := newWatch(&clienttest.Node{Started: time.Now(), From: 1, Chains: []string{"0001", "0021"}}, shown, options, 2)
		watch.run(t.Context())
		var got []string
		for _, session := range watch.report().Sessions {
			if session.Complete {
				got = append(got, fmt.Sprintf("%s from %d", session.RelayChain, session.Height))
			}
		}
		if want := "[0001 from 0 0021 from 0 0001 from 10 0021 from 10]"; fmt.Sprint(got) != want || !watch.finished() {
			t.Errorf("complete are %v, want %s", got, want)
		}
		last := shown.shots[len(shown.shots)-2:]
		if last[0].Session.RelayChain != "0001" || last[1].Session.RelayChain != "0021" || last[1].Before.RelayChain != "0021" {
			t.Errorf("shown are %+v", last)
		}
	})
}

// A table that does not move any more must not look as if all were well.
func TestWatchTellsOfAChainThatStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shown := &quietProgress{}
		node := &clienttest.Node{Started: time.Now(), From: 1, FrozenFrom: 6 * time.Second}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second+time.Millisecond)
		defer cancel()
		newWatch(node, shown, tenBlocks(), 0).run(ctx)
		for _, shot := range shown.shots {
			if shot.Height < 7 && shot.Still != 0 {
				t.Fatalf("at height %d: still for %v", shot.Height, shot.Still)
			}
		}
		if still := shown.shots[len(shown.shots)-2].Still.Truncate(time.Second); still != 24*time.Second {
			t.Errorf("still for %v", still)
		}
	})
}

func TestWatchDoesNotCountSessionsOfAnEarlierRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watch := newWatch(&clienttest.Node{Started: time.Now(), From: 25}, &quietProgress{}, tenBlocks(), 1)
		watch.run(t.Context())
		if report := watch.report(); len(report.Sessions) != 1 || report.Sessions[0].Height != 20 {
			t.Errorf("report %+v, want the session from height 20", report.Sessions)
		}
	})
}

func TestInterruptedWatchKeepsWhatItSaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 14500*time.Millisecond)
		defer cancel()
		watch := newWatch(&clienttest.Node{Started: time.Now(), From: 1}, &quietProgress{}, tenBlocks(), 2)
		watch.run(ctx)
		report := watch.report()
		if len(report.Sessions) != 2 || watch.complete() != 1 || watch.finished() {
			t.Fatalf("report %+v, want one complete session and one that is not", report.Sessions)
		}
		if got := report.Sessions[1].ChecksDone; got != 5 {
			t.Errorf("%d checks done in the second session, want 5: the last look came too early", got)
		}
	})
}

func TestEndlessWatchForgetsTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Minute)
		defer cancel()
		watch := newWatch(&clienttest.Node{Started: time.Now(), From: 1}, &quietProgress{}, tenBlocks(), 0)
		watch.run(ctx)
		if got := len(watch.report().Sessions); got != endlessSessions {
			t.Errorf("%d sessions remembered, want %d", got, endlessSessions)
		}
	})
}

func TestWatchSaysWhatItWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shown := &quietProgress{}
		watch := newWatch(&clienttest.Node{Started: time.Now(), From: 0, DownUntil: 300 * time.Millisecond}, shown, tenBlocks(), 1)
		ready := make(chan struct{})
		time.AfterFunc(2900*time.Millisecond, func() { close(ready) })
		watch.ready, watch.whole = ready, true
		watch.run(t.Context())
		want := []string{"waiting for the node", "waiting for the chain's first block",
			"height 1, waiting until every process is level with the chain", "height 2, waiting until every process is level with the chain",
			"height 3, waiting for the fisherman to take up its first session, from height 10 on"}
		got := slices.Compact(slices.Clone(shown.waits))
		if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
			t.Errorf("waits %q", got)
		}
	})
}

// network is a network whose Run does as it is told.
type network func(ctx context.Context) error

func TestNetworkOutlivesTheLastLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		watch := newWatch(&clienttest.Node{Started: time.Now(), From: 1}, &quietProgress{}, tenBlocks(), 0)
		err := runWatched(ctx, network(func(ctx context.Context) error {
			<-ctx.Done()
			return nil
		}), watch)
		if err != nil || len(watch.report().Sessions) != 1 {
			t.Errorf("runWatched: %v, report %+v", err, watch.report())
		}
	})
}

func TestFailedNetworkEndsTheRun(t *testing.T) {
	for _, want := range []error{errors.New("broken"), nil} {
		synctest.Test(t, func(t *testing.T) {
			watch := newWatch(&clienttest.Node{Started: time.Now(), From: 1}, &quietProgress{}, tenBlocks(), 0)
			err := runWatched(t.Context(), network(func(context.Context) error { return want }), watch)
			if err == nil || want != nil && !errors.Is(err, want) {
				t.Errorf("runWatched: %v, want an error (%v)", err, want)
			}
		})
	}
}

func TestNetworkThatDoesNotStopIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		release := make(chan struct{})
		began := time.Now()
		err := runWatched(ctx, network(func(context.Context) error {
			<-release
			return nil
		}), newWatch(&clienttest.Node{Started: time.Now(), From: 1}, &quietProgress{}, tenBlocks(), 0))
		if _, is := errors.AsType[*stopError](err); !is || time.Since(began) >= 5*time.Second {
			t.Errorf("runWatched: %v after %s", err, time.Since(began))
		}
		close(release)
	})
}
