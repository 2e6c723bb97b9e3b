package samples

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

const (
	// maximumListeners is how many listen to a feed at once, those among them that are ending; maximumWaiting is how many events may wait for one of them
	// before it counts as too slow.
	maximumListeners = 64
	maximumWaiting   = 256
	// maximumMissed bounds the missed rounds that a listener is sent; maximumMissedBytes is the size at which they end.
	maximumMissed      = 1000
	maximumMissedBytes = 4 << 20
	// missedOverlap is how much earlier than the last event that was heard a round may have been planned and yet be stored
	// later: the largest timeout and offset, and what storing may take.
	missedOverlap = 2 * time.Minute
)

// ErrTooManyListeners is returned by Listen when it takes no more of them.
var ErrTooManyListeners = errors.New("too many listeners")

// Event is something that became durable.
type Event struct {
	// ID orders events; later ones have larger ids. 0 is that of an event that is told again: it does not count as the
	// last one heard.
	ID int64
	// Kind says what Data is: an api.Round, an api.SessionNotice, or an empty object.
	Kind api.EventKind
	// Data is JSON without line breaks.
	Data []byte
}

// Stream tells listeners what became durable. It never waits for one of them.
type Stream struct {
	store  Store
	logger *slog.Logger
	now    func() time.Time

	mu        sync.Mutex
	listeners map[chan Event]struct{}
	// last is the id of the newest event: its time in nanoseconds since the Unix epoch, or one more than the one before.
	last int64
}

// NewStream makes a stream that reads from a store what a listener missed.
func NewStream(store Store, logger *slog.Logger) *Stream {
	return &Stream{store: store, logger: logger, now: time.Now, listeners: make(map[chan Event]struct{})}
}

// Round tells the listeners of a round that is durable. It returns at once and changes nothing.
func (s *Stream) Round(round *types.QoSRound) {
	s.publish(api.EventKindRound, func() any { return Round(round) })
}

// Session tells the listeners of a session that is durable, and again whenever it changed. It returns at once and changes
// nothing.
func (s *Stream) Session(session *types.QoSSession) {
	s.publish(api.EventKindSession, func() any { return Notice(session) })
}

// publish tells the listeners, and drops those for whom too much waits. Without a listener nothing is made.
func (s *Stream) publish(kind api.EventKind, form func() any) {
	if !s.heard() {
		return
	}
	data, err := json.Marshal(form())
	if err != nil {
		s.logger.Error("event cannot be encoded", "kind", kind, "error", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last+1, s.now().UnixNano())
	event := Event{ID: s.last, Kind: kind, Data: data}
	for listener := range s.listeners {
		select {
		case listener <- event:
		default:
			s.drop(listener)
		}
	}
}

func (s *Stream) heard() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.listeners) > 0
}

// drop ends a listener, once. It requires mu.
func (s *Stream) drop(listener chan Event) {
	if _, listens := s.listeners[listener]; listens {
		delete(s.listeners, listener)
		close(listener)
	}
}

// Listen tells what comes from now on until the context ends. The channel is closed when the listener is too slow. After
// an id other than 0 it also tells what was missed since the event of that id, as far as it is stored; some of that may
// have been told before. Errors: ErrTooManyListeners.
func (s *Stream) Listen(ctx context.Context, after int64) ([]Event, <-chan Event, error) {
	listener := make(chan Event, maximumWaiting)
	s.mu.Lock()
	full := len(s.listeners) >= maximumListeners
	if !full {
		s.listeners[listener] = struct{}{}
	}
	s.mu.Unlock()
	if full {
		return nil, nil, ErrTooManyListeners
	}
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.drop(listener)
	})
	// It listens by now, so nothing falls between what it missed and what is coming.
	missed, err := missedOf(ctx, s.store, "", after)
	if err != nil {
		return nil, nil, fmt.Errorf("read what was missed: %w", err)
	}
	return missed, listener, nil
}

// missedOf returns the rounds that may have been stored after an event, at a vantage point if there are several, in the order of their sessions, each session told of
// before its rounds. Sessions are looked at from the newest to the first height of whose sessions nothing was missed; those
// that are stretches of time, which need not begin together, unless they were over by then.
func missedOf(ctx context.Context, store Store, vantage string, after int64) ([]Event, error) {
	if after == 0 {
		return nil, nil
	}
	sessions, err := store.Sessions(ctx)
	if err != nil {
		return nil, err
	}
	replay := replay{after: after, vantage: vantage}
	slices.Reverse(sessions)
	for i, session := range sessions {
		height := session.GetHeader().GetStartHeight()
		if end := session.GetEndUnixNano(); end != 0 {
			if replay.full || session.GetClosed() && end <= after-int64(missedOverlap) {
				continue
			}
		} else if i > 0 && height != sessions[i-1].GetHeader().GetStartHeight() && !replay.nextHeight() {
			break
		}
		rounds, err := store.Outline(ctx, session.GetHeader().GetId())
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
	vantage       string
	events        []Event
	rounds, bytes int
	// heights that were looked at before this one.
	heights int
	// found: something of the height that is looked at may have been missed.
	found, full bool
}

// nextHeight reports whether to look at an earlier height too. The sessions of the two newest are told of in any case: one
// may have been closed long after its last round.
func (r *replay) nextHeight() bool {
	found := r.found
	r.found = false
	r.heights++
	return (found || r.heights < 2) && !r.full
}

// add collects those of a session's rounds that may have been missed, and before them the session.
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
		if err := r.tell(api.EventKindRound, placedRound(r.vantage, round)); err != nil {
			return err
		}
		r.rounds++
	}
	missed := len(r.events) > before || !session.GetClosed()
	if !missed && r.heights >= 2 {
		return nil
	}
	r.found = r.found || missed
	return r.tell(api.EventKindSession, placedNotice(r.vantage, session))
}

func (r *replay) tell(kind api.EventKind, what any) error {
	data, err := json.Marshal(what)
	if err != nil {
		return err
	}
	r.events, r.bytes = append(r.events, Event{Kind: kind, Data: data}), r.bytes+len(data)
	return nil
}

// told are the events in the order in which they are told.
func (r *replay) told() []Event {
	if r.full {
		r.events = append(r.events, Event{Kind: api.EventKindGap, Data: []byte("{}")})
	}
	slices.Reverse(r.events)
	return r.events
}
