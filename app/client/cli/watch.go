package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

const (
	// pollSessions is how many of the newest sessions one look asks for.
	pollSessions = 8
	// lastLook bounds the look at the samples after the context has ended.
	lastLook = 500 * time.Millisecond
	// endlessSessions is how many sessions are remembered of a run without --sessions.
	endlessSessions = 100
	// stillBlocks is for how many block times a chain may stand still before a person is told.
	stillBlocks = 10
)

// watchedNode is what a watch asks.
type watchedNode interface {
	Status(ctx context.Context) (client.Status, error)
	QoS(ctx context.Context, filter client.QoSFilter) (client.Report, error)
}

// watch looks at a LocalNet's samples over its API, shows them, and remembers its sessions. It counts sessions that were
// not over when it began, so that a home that is run again starts from nothing.
type watch struct {
	node     watchedNode
	progress progress
	blocks   int64
	every    time.Duration
	// patience is how long the chain may stand still before a person is told.
	patience time.Duration
	// chains are the relay chains of the network; each has sessions of its own.
	chains []string
	// wanted complete sessions of every chain; 0 for no end.
	wanted int
	// ready is closed when the network is complete; whole says that a session which began before does not count.
	ready <-chan struct{}
	whole bool

	began    bool
	first    int64 // start of the first session that is counted
	height   int64
	since    time.Time           // when height was seen first
	sessions []qos.SessionReport // oldest first
}

func newWatch(node watchedNode, progress progress, options localnet.Options, wanted int) *watch {
	return &watch{
		node:     node,
		progress: progress,
		blocks:   options.BlocksPerSession,
		chains:   options.RelayChains(),
		every:    min(max(options.BlockTime/2, 100*time.Millisecond), 500*time.Millisecond),
		patience: stillBlocks * options.BlockTime,
		wanted:   wanted,
		ready:    alreadyComplete(),
	}
}

// alreadyComplete is the ready channel of a network that is complete from the start.
func alreadyComplete() <-chan struct{} {
	ready := make(chan struct{})
	close(ready)
	return ready
}

// run looks until enough sessions are complete, or the context ends and a last look is done.
func (w *watch) run(ctx context.Context) {
	ticks := time.NewTicker(w.every)
	defer ticks.Stop()
	for !w.finished() {
		w.look(ctx, time.Now())
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
			defer cancel()
			w.look(last, time.Now())
			return
		case <-ticks.C:
		}
	}
}

// look asks once. A node that does not answer is starting or stopping; the next look asks again.
func (w *watch) look(ctx context.Context, now time.Time) {
	status, err := w.node.Status(ctx)
	switch {
	case err != nil:
		w.progress.Wait("waiting for the node")
		return
	case status.Height == 0:
		w.progress.Wait("waiting for the chain's first block")
		return
	case !w.begin(status.Height):
		w.progress.Wait(fmt.Sprintf("height %d, waiting until every process is level with the chain", status.Height))
		return
	case len(w.sessions) == 0:
		w.progress.Wait(fmt.Sprintf("height %d, waiting for the fisherman to take up its first session, from height %d on", status.Height, max(w.first, 1)))
	}
	if status.Height != w.height {
		w.height, w.since = status.Height, now
	}
	report, err := w.node.QoS(ctx, client.QoSFilter{Last: pollSessions})
	if err != nil {
		return
	}
	for _, session := range report.Sessions {
		if session.Height >= w.first {
			w.remember(session)
		}
	}
	for _, chain := range w.chains {
		if shot := w.snapshot(chain, now); shot != nil {
			w.progress.Show(*shot)
		}
	}
}

// begin notes the first session that counts, once the network is complete.
func (w *watch) begin(height int64) bool {
	if w.began {
		return true
	}
	select {
	case <-w.ready:
	default:
		return false
	}
	w.began, w.first = true, height-height%w.blocks
	if w.whole {
		w.first += w.blocks
	}
	return true
}

// remember keeps what is newest of a session. Sessions come oldest first.
func (w *watch) remember(session qos.SessionReport) {
	for i := range w.sessions {
		if w.sessions[i].ID == session.ID {
			w.sessions[i] = session
			return
		}
	}
	w.sessions = append(w.sessions, session)
	if most := max(len(w.chains)*w.wanted+pollSessions, endlessSessions); len(w.sessions) > most {
		w.sessions = w.sessions[1:]
	}
}

// snapshot is what a progress shows of a chain: its newest session, and the one before it; nil while there is none.
func (w *watch) snapshot(chain string, now time.Time) *snapshot {
	var shot *snapshot
	for i := len(w.sessions) - 1; i >= 0; i-- {
		switch {
		case w.sessions[i].RelayChain != chain:
		case shot != nil:
			shot.before = &w.sessions[i]
			return shot
		default:
			shot = &snapshot{at: now, height: w.height, blocks: w.blocks, session: w.sessions[i]}
			if still := now.Sub(w.since); still > w.patience {
				shot.still = still
			}
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
func (w *watch) report() qos.Report {
	counts := make(map[string]int)
	seen := []qos.SessionReport{}
	for _, session := range w.sessions {
		if w.wanted > 0 && counts[session.RelayChain] == w.wanted {
			continue
		}
		if session.Complete {
			counts[session.RelayChain]++
		}
		seen = append(seen, session)
	}
	slices.SortStableFunc(seen, func(a, b qos.SessionReport) int {
		return cmp.Or(cmp.Compare(a.Height, b.Height), cmp.Compare(a.RelayChain, b.RelayChain))
	})
	return qos.Report{Sessions: seen}
}
