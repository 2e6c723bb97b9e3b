package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// fakeNode runs sessions of ten blocks from a height on, one block a second; a session is complete with its last block.
type fakeNode struct {
	started time.Time
	from    int64
	// silent is how long it does not answer at first.
	silent time.Duration
	// chains of the network, each completed a block after the one before; nil for the one of every network.
	chains []string
}

func (n *fakeNode) height() int64 { return n.from + int64(time.Since(n.started)/time.Second) }

func (n *fakeNode) Status(ctx context.Context) (client.Status, error) {
	if ctx.Err() != nil || time.Since(n.started) < n.silent {
		return client.Status{}, client.ErrUnreachable
	}
	return client.Status{Height: n.height()}, nil
}

func (n *fakeNode) QoS(ctx context.Context, filter client.QoSFilter) (client.Report, error) {
	if ctx.Err() != nil {
		return client.Report{}, ctx.Err()
	}
	var report client.Report
	chains := n.chains
	if chains == nil {
		chains = []string{"0001"}
	}
	newest := n.height() - n.height()%10
	for start := max(newest-10*int64(filter.Last-1), 0); start <= newest; start += 10 {
		done := min(int(n.height()-start), 10)
		for late, chain := range chains {
			report.Sessions = append(report.Sessions, qos.SessionReport{ID: chain[2:] + letter(start)[2:], Height: start, RelayChain: chain,
				ChecksPlanned: 10, ChecksDone: done, Complete: n.height() >= start+10+int64(late), Servicers: sampleReport().Sessions[0].Servicers})
		}
	}
	return report, nil
}

// quietProgress notes what it was shown.
type quietProgress struct {
	shots []snapshot
	waits []string
}

func (p *quietProgress) Write(lines []byte) (int, error) { return len(lines), nil }
func (p *quietProgress) Show(shot snapshot)              { p.shots = append(p.shots, shot) }
func (p *quietProgress) Wait(what string)                { p.waits = append(p.waits, what) }
func (p *quietProgress) Close()                          {}

// letter names sessions by their start.
func letter(start int64) string { return strings.Repeat(string(rune('a'+start/10)), 64) }

func tenBlocks() localnet.Options {
	options := localnet.DefaultOptions()
	options.BlocksPerSession = 10
	return options
}

func TestWatchEndsAfterTheWantedSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watch := newWatch(&fakeNode{started: time.Now(), from: 1, silent: 3 * time.Second}, &quietProgress{}, tenBlocks(), 2)
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

// The sessions of two chains begin together: so many of each are wanted.
func TestWatchCountsTheSessionsOfEveryChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options, shown := tenBlocks(), &quietProgress{}
		options.Ethereum = true
		watch := newWatch(&fakeNode{started: time.Now(), from: 1, chains: []string{"0001", "0021"}}, shown, options, 2)
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
		if last[0].session.RelayChain != "0001" || last[1].session.RelayChain != "0021" || last[1].before.RelayChain != "0021" {
			t.Errorf("shown are %+v", last)
		}
	})
}

// haltedNode is a fakeNode whose chain stops after a height.
type haltedNode struct {
	fakeNode
	last int64
}

func (n *haltedNode) Status(ctx context.Context) (client.Status, error) {
	status, err := n.fakeNode.Status(ctx)
	status.Height = min(status.Height, n.last)
	return status, err
}

// A table that does not move any more must not look as if all were well.
func TestWatchTellsOfAChainThatStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shown := &quietProgress{}
		node := &haltedNode{fakeNode: fakeNode{started: time.Now(), from: 1}, last: 7}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second+time.Millisecond)
		defer cancel()
		newWatch(node, shown, tenBlocks(), 0).run(ctx)
		for _, shot := range shown.shots {
			if shot.height < 7 && shot.still != 0 {
				t.Fatalf("at height %d: still for %v", shot.height, shot.still)
			}
		}
		heading := shown.shots[len(shown.shots)-2].heading()
		if !strings.Contains(heading, "; no new block for 24s") {
			t.Errorf("heading %q", heading)
		}
	})
}

func TestWatchDoesNotCountSessionsOfAnEarlierRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watch := newWatch(&fakeNode{started: time.Now(), from: 25}, &quietProgress{}, tenBlocks(), 1)
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
		watch := newWatch(&fakeNode{started: time.Now(), from: 1}, &quietProgress{}, tenBlocks(), 2)
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
		watch := newWatch(&fakeNode{started: time.Now(), from: 1}, &quietProgress{}, tenBlocks(), 0)
		watch.run(ctx)
		if got := len(watch.report().Sessions); got != endlessSessions {
			t.Errorf("%d sessions remembered, want %d", got, endlessSessions)
		}
	})
}

func TestWatchSaysWhatItWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shown := &quietProgress{}
		watch := newWatch(&fakeNode{started: time.Now(), from: 0, silent: 300 * time.Millisecond}, shown, tenBlocks(), 1)
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
		watch := newWatch(&fakeNode{started: time.Now(), from: 1}, &quietProgress{}, tenBlocks(), 0)
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
			watch := newWatch(&fakeNode{started: time.Now(), from: 1}, &quietProgress{}, tenBlocks(), 0)
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
		}), newWatch(&fakeNode{started: time.Now(), from: 1}, &quietProgress{}, tenBlocks(), 0))
		if _, is := errors.AsType[*stopError](err); !is || time.Since(began) >= 5*time.Second {
			t.Errorf("runWatched: %v after %s", err, time.Since(began))
		}
		close(release)
	})
}

func TestPlainProgressPrintsSeldom(t *testing.T) {
	var written bytes.Buffer
	shown := newProgress(&written)
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	session := sampleReport().Sessions[0]
	session.Complete = false
	show := func(second int, id string, done int, before *qos.SessionReport) int {
		session.ID, session.ChecksDone = strings.Repeat(id, 64), done
		shown.Show(snapshot{at: base.Add(time.Duration(second) * time.Second), height: 12, blocks: 10, session: session, before: before})
		defer written.Reset()
		return strings.Count(written.String(), "VERDICT")
	}
	first := session
	first.ID, first.Complete = strings.Repeat("a", 64), true
	for _, step := range []struct {
		second int
		id     string
		done   int
		before *qos.SessionReport
		want   int
	}{
		{0, "a", 0, nil, 0}, {1, "a", 1, nil, 1}, {2, "a", 2, nil, 0}, {5, "a", 5, nil, 0}, {6, "a", 6, nil, 1},
		{8, "b", 0, &first, 1}, {9, "b", 0, &first, 0}, {10, "b", 1, &first, 1},
	} {
		if got := show(step.second, step.id, step.done, step.before); got != step.want {
			t.Errorf("second %d, session %s, %d done: %d tables, want %d", step.second, step.id, step.done, got, step.want)
		}
	}
}

func TestPlainProgressHasNoEscapeSequences(t *testing.T) {
	var written bytes.Buffer
	shown := newProgress(&written)
	shown.Show(snapshot{height: 12, blocks: 10, session: sampleReport().Sessions[0]})
	if written.Len() == 0 || strings.ContainsRune(written.String(), '\x1b') {
		t.Errorf("written %q", written.String())
	}
}

func TestHeading(t *testing.T) {
	session := sampleReport().Sessions[0]
	for height, want := range map[int64]string{
		10: "height 10, session 1f1f1f1f1f1f (chain 0001), 9 blocks left, checks 10/12 done, 1 dropped, 1 void\n",
		19: "height 19, session 1f1f1f1f1f1f (chain 0001), 0 blocks left, checks 10/12 done, 1 dropped, 1 void\n",
		21: "height 21, session 1f1f1f1f1f1f (chain 0001), 0 blocks left, checks 10/12 done, 1 dropped, 1 void\n",
	} {
		if got := (snapshot{height: height, blocks: 10, session: session}).heading(); got != want {
			t.Errorf("heading %q, want %q", got, want)
		}
	}
}
