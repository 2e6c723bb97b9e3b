package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

const (
	// maximumListeners is how many listen to a feed at once; maximumWaiting is how many events may wait for one of them
	// before it counts as too slow.
	maximumListeners = 32
	maximumWaiting   = 256
	// maximumMissed is how many rounds that a listener missed it is told of; maximumMissedBytes is from how many bytes on
	// it is told of no more.
	maximumMissed      = 1000
	maximumMissedBytes = 4 << 20
	// missedOverlap is how much earlier than the last event that was heard a round may have been planned and yet be stored
	// later: the largest timeout and offset, and what storing may take.
	missedOverlap = 2 * time.Minute
)

// sampleStore is what is read of the samples. Errors: modules.ErrUnknownSession.
type sampleStore interface {
	Sessions(ctx context.Context) ([]*types.QoSSession, error)
	Session(ctx context.Context, id string) (*types.QoSSession, error)
	Rounds(ctx context.Context, id string) ([]*types.QoSRound, error)
}

// feed tells listeners what the fisherman stores. It never waits for one of them.
type feed struct {
	store  sampleStore
	logger *slog.Logger
	now    func() time.Time

	mu        sync.Mutex
	listeners map[chan rpc.Event]struct{}
	// last is the id of the newest event: its time in nanoseconds since the Unix epoch, or one more than the one before.
	last int64
}

func newFeed(store sampleStore, logger *slog.Logger) *feed {
	return &feed{store: store, logger: logger, now: time.Now, listeners: make(map[chan rpc.Event]struct{})}
}

// observer tells the listeners.
func (f *feed) observer() observer {
	return observer{
		round: func(round *types.QoSRound) {
			f.publish(rpc.EventRound, func() any { return qos.ReportRound(round) })
		},
		session: func(session *types.QoSSession) {
			f.publish(rpc.EventSession, func() any { return qos.NoticeSession(session) })
		},
	}
}

// publish tells the listeners, and drops those for whom too much waits. Without a listener nothing is made.
func (f *feed) publish(kind string, report func() any) {
	if !f.heard() {
		return
	}
	data, err := json.Marshal(report())
	if err != nil {
		f.logger.Error("event cannot be encoded", "kind", kind, "error", err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = max(f.last+1, f.now().UnixNano())
	event := rpc.Event{ID: f.last, Kind: kind, Data: data}
	for listener := range f.listeners {
		select {
		case listener <- event:
		default:
			f.drop(listener)
		}
	}
}

func (f *feed) heard() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.listeners) > 0
}

// drop ends a listener, once. It requires mu.
func (f *feed) drop(listener chan rpc.Event) {
	if _, listens := f.listeners[listener]; listens {
		delete(f.listeners, listener)
		close(listener)
	}
}

// Listen implements rpc.EventReader.
func (f *feed) Listen(ctx context.Context, after int64) ([]rpc.Event, <-chan rpc.Event, error) {
	if f == nil {
		return nil, nil, rpc.ErrNoFisherman
	}
	listener := make(chan rpc.Event, maximumWaiting)
	f.mu.Lock()
	full := len(f.listeners) >= maximumListeners
	if !full {
		f.listeners[listener] = struct{}{}
	}
	f.mu.Unlock()
	if full {
		return nil, nil, rpc.ErrTooManyListeners
	}
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.drop(listener)
	})
	// It listens by now, so nothing falls between what it missed and what is coming.
	missed, err := f.missed(ctx, after)
	if err != nil {
		return nil, nil, fmt.Errorf("read what was missed: %w", err)
	}
	return missed, listener, nil
}

// missed are the rounds that may have been stored after an event, in the order of their sessions, each session told of
// before its rounds. Sessions are looked at from the newest to the first height of whose sessions nothing was missed.
func (f *feed) missed(ctx context.Context, after int64) ([]rpc.Event, error) {
	if after == 0 {
		return nil, nil
	}
	sessions, err := f.store.Sessions(ctx)
	if err != nil {
		return nil, err
	}
	replay := replay{after: after}
	slices.Reverse(sessions)
	for i, session := range sessions {
		height := session.GetHeader().GetStartHeight()
		if i > 0 && height != sessions[i-1].GetHeader().GetStartHeight() && !replay.nextHeight() {
			break
		}
		rounds, err := f.store.Rounds(ctx, session.GetHeader().GetId())
		if errors.Is(err, modules.ErrUnknownSession) {
			continue // pruned since it was listed
		}
		if err != nil {
			return nil, err
		}
		if err := replay.add(session, rounds); err != nil {
			return nil, err
		}
	}
	return replay.told(), nil
}

// replay collects what is told again, the newest first.
type replay struct {
	after         int64
	events        []rpc.Event
	rounds, bytes int
	// heights that were looked at before this one.
	heights int
	// found: something of the height that is looked at may have been missed.
	found, full bool
}

// nextHeight tells whether to look at an earlier height too. The sessions of the two newest are told of in any case: one
// may have been closed long after its last round.
func (r *replay) nextHeight() bool {
	found := r.found
	r.found = false
	r.heights++
	return (found || r.heights < 2) && !r.full
}

// add collects those of a session's rounds that may have been missed, and the session to be told of before them.
func (r *replay) add(session *types.QoSSession, rounds []*types.QoSRound) error {
	before := len(r.events)
	for _, round := range slices.Backward(rounds) {
		late := round.GetPlannedUnixNano() > r.after-int64(missedOverlap)
		if !late && session.GetJoinedUnixNano() < r.after {
			continue
		}
		if r.full = r.full || r.rounds >= maximumMissed || r.bytes >= maximumMissedBytes; r.full {
			break
		}
		if err := r.tell(rpc.EventRound, qos.ReportRound(round)); err != nil {
			return err
		}
		r.rounds++
	}
	missed := len(r.events) > before || !session.GetClosed()
	if !missed && r.heights >= 2 {
		return nil
	}
	r.found = r.found || missed
	return r.tell(rpc.EventSession, qos.NoticeSession(session))
}

func (r *replay) tell(kind string, what any) error {
	data, err := json.Marshal(what)
	if err != nil {
		return err
	}
	r.events, r.bytes = append(r.events, rpc.Event{Kind: kind, Data: data}), r.bytes+len(data)
	return nil
}

// told are the events in the order in which they are told.
func (r *replay) told() []rpc.Event {
	if r.full {
		r.events = append(r.events, rpc.Event{Kind: rpc.EventGap, Data: []byte("{}")})
	}
	slices.Reverse(r.events)
	return r.events
}
