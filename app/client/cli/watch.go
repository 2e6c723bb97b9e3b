package cli

import (
	"context"
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
	// wanted complete sessions; 0 for no end.
	wanted int
	// ready is closed when the network is complete; whole says that a session which began before does not count.
	ready <-chan struct{}
	whole bool

	began    bool
	first    int64 // start of the first session that is counted
	height   int64
	sessions []qos.SessionReport // oldest first
}

func newWatch(node watchedNode, progress progress, options localnet.Options, wanted int) *watch {
	return &watch{
		node:     node,
		progress: progress,
		blocks:   options.BlocksPerSession,
		every:    min(max(options.BlockTime/2, 100*time.Millisecond), 500*time.Millisecond),
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
	if err != nil || status.Height == 0 {
		return
	}
	if !w.begin(status.Height) {
		return
	}
	w.height = status.Height
	report, err := w.node.QoS(ctx, client.QoSFilter{Last: pollSessions})
	if err != nil {
		return
	}
	for _, session := range report.Sessions {
		if session.Height >= w.first {
			w.remember(session)
		}
	}
	if len(w.sessions) > 0 {
		w.progress.Show(w.snapshot(now))
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
	if most := max(w.wanted+pollSessions, endlessSessions); len(w.sessions) > most {
		w.sessions = w.sessions[1:]
	}
}

// snapshot is what a progress shows: the newest session, and the one before it.
func (w *watch) snapshot(now time.Time) snapshot {
	last := len(w.sessions) - 1
	shot := snapshot{at: now, height: w.height, blocks: w.blocks, session: w.sessions[last]}
	if last > 0 {
		shot.before = &w.sessions[last-1]
	}
	return shot
}

func (w *watch) complete() int {
	count := 0
	for _, session := range w.sessions {
		if session.Complete {
			count++
		}
	}
	return count
}

func (w *watch) finished() bool { return w.wanted > 0 && w.complete() >= w.wanted }

// report is what was seen: with an end, up to and including the last session that was wanted.
func (w *watch) report() qos.Report {
	complete := 0
	for i, session := range w.sessions {
		if session.Complete {
			complete++
		}
		if w.wanted > 0 && complete == w.wanted {
			return qos.Report{Sessions: w.sessions[:i+1]}
		}
	}
	return qos.Report{Sessions: w.sessions}
}
