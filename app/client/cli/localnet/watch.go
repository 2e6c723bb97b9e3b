package localnet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/observer"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

const (
	// lastLook bounds the look at the samples after the context has ended.
	lastLook = 500 * time.Millisecond
	// endlessSessions is how many sessions are remembered of a run without --sessions.
	endlessSessions = 100
	// spareSessions is how many more than those that are wanted are remembered.
	spareSessions = 8
)

// watch follows a LocalNet's samples, shows them, and remembers its sessions. It counts sessions that were not over when
// it began, so that a home that is run again starts from nothing.
type watch struct {
	observer *observer.Observer
	progress terminal.Progress
	blocks   int64
	// chains are the relay chains of the network; each has sessions of its own.
	chains []string
	// wanted complete sessions of every chain; 0 for no end.
	wanted int
	// ready is closed when the network is complete, nil if it is so from the start; whole says that a session which began before does not count.
	ready <-chan struct{}
	whole bool

	began    bool
	first    int64               // start of the first session that is counted
	sessions []api.SessionReport // oldest first
}

func newWatch(node observer.Node, progress terminal.Progress, options localnet.Options, wanted int) *watch {
	return &watch{
		observer: observer.OfLocalnet(node, options.BlockTime),
		progress: progress,
		blocks:   options.BlocksPerSession,
		chains:   options.RelayChains(),
		wanted:   wanted,
	}
}

// run watches until enough sessions are complete, or the context ends and a last look is done.
func (w *watch) run(ctx context.Context) {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	w.observer.Run(watching, func(seen observer.Observation) {
		if w.show(seen); w.finished() {
			stop()
		}
	})
	if !w.finished() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
		defer cancel()
		seen, _ := w.observer.Look(last)
		w.show(seen)
	}
}

// show takes what was observed. A node that does not answer is starting or stopping.
func (w *watch) show(seen observer.Observation) {
	height := seen.Status.Height
	switch {
	case seen.Lost != nil:
		w.progress.Wait("waiting for the node")
		return
	case height == 0:
		w.progress.Wait("waiting for the chain's first block")
		return
	case !w.begin(height):
		w.progress.Wait(fmt.Sprintf("height %d, waiting until every process is level with the chain", height))
		return
	case len(w.sessions) == 0:
		w.progress.Wait(fmt.Sprintf("height %d, waiting for the fisherman to take up its first session, from height %d on", height, max(w.first, 1)))
	}
	for _, session := range slices.Backward(seen.Sessions) {
		if session.Report.Height >= w.first {
			w.remember(session.Report)
		}
	}
	for _, chain := range w.chains {
		if shot := w.snapshot(chain, seen); shot != nil {
			w.progress.Show(*shot)
		}
	}
}

// begin notes the first session that counts, once the network is complete.
func (w *watch) begin(height int64) bool {
	if w.began {
		return true
	}
	if w.ready != nil {
		select {
		case <-w.ready:
		default:
			return false
		}
	}
	w.began, w.first = true, height-height%w.blocks
	if w.whole {
		w.first += w.blocks
	}
	return true
}

// remember keeps what is newest of a session. Sessions come oldest first.
func (w *watch) remember(session api.SessionReport) {
	for i := range w.sessions {
		if w.sessions[i].ID == session.ID {
			w.sessions[i] = session
			return
		}
	}
	w.sessions = append(w.sessions, session)
	if most := max(len(w.chains)*w.wanted+spareSessions, endlessSessions); len(w.sessions) > most {
		w.sessions = w.sessions[1:]
	}
}

// snapshot is what a progress shows of a chain: its newest session, and the one before it; nil while there is none.
func (w *watch) snapshot(chain string, seen observer.Observation) *terminal.Snapshot {
	var shot *terminal.Snapshot
	for i := len(w.sessions) - 1; i >= 0; i-- {
		switch {
		case w.sessions[i].RelayChain != chain:
		case shot != nil:
			shot.Before = &w.sessions[i]
			return shot
		default:
			shot = &terminal.Snapshot{At: seen.At, Height: seen.Status.Height, Blocks: w.blocks, Still: seen.Still, Session: w.sessions[i]}
		}
	}
	return shot
}

// complete is how many complete sessions every chain has at least.
func (w *watch) complete() int {
	counts := make(map[string]int)
	for _, session := range w.sessions {
		if session.Complete {
			counts[session.RelayChain]++
		}
	}
	least := counts[w.chains[0]]
	for _, chain := range w.chains {
		least = min(least, counts[chain])
	}
	return least
}

func (w *watch) finished() bool { return w.wanted > 0 && w.complete() >= w.wanted }

// report is what was seen, oldest first: with an end, of every chain up to and including the last session that was
// wanted.
func (w *watch) report() api.Report {
	counts := make(map[string]int)
	seen := []api.SessionReport{}
	for _, session := range w.sessions {
		if w.wanted > 0 && counts[session.RelayChain] == w.wanted {
			continue
		}
		if session.Complete {
			counts[session.RelayChain]++
		}
		seen = append(seen, session)
	}
	slices.SortStableFunc(seen, func(a, b api.SessionReport) int {
		return cmp.Or(cmp.Compare(a.Height, b.Height), cmp.Compare(a.RelayChain, b.RelayChain))
	})
	return api.Report{Rolling: []api.RollingReport{}, Sessions: seen}
}
