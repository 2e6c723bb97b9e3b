package fisherman

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// mostWaiting and mostWaitingBytes bound what waits to be stored while the store is slow. A round that finds no room
	// is lost, and counted.
	mostWaiting      = 16384
	mostWaitingBytes = 64 << 20
	// mostInBatch bounds the entries that are stored at once.
	mostInBatch = 512
	// retryInterval is the pause before a session that could not be stored is tried again, mostTries how often it is.
	retryInterval = time.Second
	mostTries     = 60
)

// ErrOverflow is returned for a round that was not stored because too much waited to be stored.
var ErrOverflow = errors.New("too many rounds wait to be stored")

// writer stores what the fisherman finds: one goroutine, which takes all that waits into one durable batch. Handing in
// never waits.
type writer struct {
	store  Store
	hooks  Hooks
	logger *slog.Logger

	mu      sync.Mutex
	waiting []entry
	bytes   int
	ended   bool
	// wake has a token when there is something to do.
	wake chan struct{}
	// unsaved are sessions that could not be stored, by id; run's goroutine owns them.
	unsaved map[string]unsaved
}

// unsaved is the newest form of a session that could not be stored, and how often it was tried.
type unsaved struct {
	session *types.QoSSession
	tries   int
}

// entry is one of: a session, a round, a pruning.
type entry struct {
	session *types.QoSSession
	round   *types.QoSRound
	// header of the round's session.
	header *types.SessionHeader
	// stored, if set, is told how storing the round ended. It must not block.
	stored func(error)
	// retain is how many sessions a pruning leaves.
	retain int
	size   int
}

func newWriter(store Store, hooks Hooks, logger *slog.Logger) *writer {
	return &writer{store: store, hooks: hooks, logger: logger, wake: make(chan struct{}, 1)}
}

// putSession hands in a session as it is now.
func (w *writer) putSession(session *types.QoSSession) { w.put(entry{session: proto.CloneOf(session)}) }

// putFinal hands in a session that does not change any more.
func (w *writer) putFinal(session *types.QoSSession) { w.put(entry{session: session}) }

// prune hands in that the oldest sessions are to be removed.
func (w *writer) prune(retain int) { w.put(entry{retain: retain}) }

// putRound hands in a round, which must not change any more.
func (w *writer) putRound(header *types.SessionHeader, round *types.QoSRound, stored func(error)) {
	e := entry{round: round, header: header, stored: stored, size: proto.Size(round)}
	if !w.put(e) {
		w.logger.Error("store round failed", "error", ErrOverflow)
		w.told(e, ErrOverflow)
	}
}

// put reports whether there was room for an entry. There always is for a session: there are few.
func (w *writer) put(e entry) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	full := len(w.waiting) >= mostWaiting || w.bytes+e.size > mostWaitingBytes
	if w.ended || e.round != nil && full {
		return false
	}
	w.waiting = append(w.waiting, e)
	w.bytes += e.size
	w.signal()
	return true
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// end lets run return when nothing waits any more.
func (w *writer) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.signal()
}

// run stores what waits until end is called and nothing waits any more, or the context ends.
func (w *writer) run(ctx context.Context) {
	retry := time.NewTicker(retryInterval)
	defer retry.Stop()
	for {
		select {
		case <-w.wake:
		case <-retry.C:
			if len(w.unsaved) == 0 {
				continue
			}
			w.commit(ctx, nil)
		}
		for {
			batch, ended := w.take()
			if len(batch) == 0 && ended {
				return
			}
			if len(batch) == 0 {
				break
			}
			w.commit(ctx, batch)
		}
	}
}

// take returns the entries of the next batch: up to the first pruning, which is a batch of its own.
func (w *writer) take() (batch []entry, ended bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for n < min(len(w.waiting), mostInBatch) {
		if w.waiting[n].retain > 0 {
			n = max(n, 1)
			break
		}
		n++
	}
	batch = w.waiting[:n:n]
	if w.waiting = w.waiting[n:]; len(w.waiting) == 0 {
		w.waiting = nil // lets go of what was stored
	}
	for _, e := range batch {
		w.bytes -= e.size
	}
	return batch, w.ended
}

// commit stores a batch, preceded by the sessions that could not be stored before.
func (w *writer) commit(ctx context.Context, batch []entry) {
	if len(batch) == 1 && batch[0].retain > 0 {
		if _, err := w.store.Prune(ctx, batch[0].retain); err != nil {
			w.fault(ctx, "prune sessions", err)
		}
		return
	}
	var sessions []*types.QoSSession
	var rounds []*types.QoSRound
	for _, failed := range w.unsaved {
		sessions = append(sessions, failed.session)
	}
	again := len(sessions)
	for _, e := range batch {
		if e.session != nil {
			sessions = append(sessions, e.session)
		} else {
			rounds = append(rounds, e.round)
		}
	}
	errs := w.store.PutAll(ctx, sessions, rounds)
	w.keepUnsaved(ctx, sessions, errs)
	w.tell(ctx, batch, errs[again:len(sessions)], errs[len(sessions):])
}

// keepUnsaved remembers the sessions that could not be stored, in their newest form, until they were tried often enough.
func (w *writer) keepUnsaved(ctx context.Context, sessions []*types.QoSSession, errs []error) {
	before := w.unsaved
	w.unsaved = make(map[string]unsaved)
	for i, session := range sessions {
		id := session.GetHeader().GetId()
		if errs[i] == nil {
			delete(w.unsaved, id) // it is a newer form
			continue
		}
		tries := before[id].tries + 1
		if tries == 1 || tries == mostTries {
			w.fault(ctx, "store session", errs[i])
		}
		if tries < mostTries {
			w.unsaved[id] = unsaved{session: session, tries: tries}
		}
	}
}

// tell tells of the entries of a batch, in order.
func (w *writer) tell(ctx context.Context, batch []entry, sessions, rounds []error) {
	for _, e := range batch {
		if e.session != nil {
			if sessions[0] == nil {
				w.hooks.session(e.session)
			}
			sessions = sessions[1:]
			continue
		}
		if rounds[0] != nil {
			w.fault(ctx, "store round", rounds[0])
		}
		w.told(e, rounds[0])
		rounds = rounds[1:]
	}
}

// told tells how storing a round ended.
func (w *writer) told(e entry, err error) {
	if e.stored != nil {
		e.stored(err)
	}
	if e.header != nil {
		w.hooks.round(Observed{Session: e.header, Round: e.round, Stored: err == nil})
	}
}

func (w *writer) fault(ctx context.Context, attempt string, err error) {
	if ctx.Err() == nil {
		w.logger.Error(attempt+" failed", "error", err)
	}
}
