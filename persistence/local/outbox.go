package local

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/pocket-fisherman/fisherman/feed/outbox"
)

// said is what was published of a session.
type said uint8

const (
	// saidUnknown: the outbox has not met the session.
	saidUnknown said = iota
	// saidNothing: the session is to be published, before its rounds.
	saidNothing
	// saidBefore: the session was published, and changed since. It is published again, after its rounds.
	saidBefore
	// saidAll: the session is published as it is.
	saidAll
)

// waiting is what the outbox has of a session.
type waiting struct {
	said
	// relayChain and session are the session's relay chain and id; empty while it is saidUnknown.
	relayChain, session string
	// unsent counts the rounds that are not published; none has an index below unsentFrom.
	unsent     int
	unsentFrom uint32
}

// add counts a round that is not published.
func (w *waiting) add(index uint32) {
	if w.unsent == 0 || index < w.unsentFrom {
		w.unsentFrom = index
	}
	w.unsent++
}

// mostGaps bounds the gaps that wait to be published. Above, the oldest two of one relay chain become one; a relay chain always
// has room for one.
const mostGaps = 1024

// outboxCounts are the numbers of an outbox.
type outboxCounts struct {
	instance [outbox.InstanceSize]byte
	// flights counts those that were taken, nextGap numbers the gaps, evicted counts rounds that were removed unpublished.
	flights, nextGap, evicted uint64
}

// outgoing is what the store knows of its outbox, beside what the catalogue has of each session. One that is in use is never
// changed, it is replaced.
type outgoing struct {
	outboxCounts
	// gaps, oldest first.
	gaps []gapEntry
	// flight is nil while there is none.
	flight *flight
	// positions of the feeds, by relay chain.
	positions map[string]outbox.Position
}

// gapEntry is a stored gap.
type gapEntry struct {
	number uint64
	gap    outbox.Item
}

// flight is what was taken to be published. Rounds have content only once they were removed from the store.
type flight struct {
	number  uint64
	signed  int64
	place   string
	items   []outbox.Item
	resumed bool
}

// clone returns an outbox that can be changed.
func (o *outgoing) clone() *outgoing {
	changed := *o
	changed.gaps, changed.positions = slices.Clone(o.gaps), maps.Clone(o.positions)
	if o.flight != nil {
		flying := *o.flight
		flying.items = slices.Clone(o.flight.items)
		changed.flight = &flying
	}
	return &changed
}

// openOutbox reads the outbox, or makes one in a store that has none. It enters what waits into the catalogue.
func (s *Store) openOutbox(db *database, known *catalogue) (*outgoing, error) {
	if !s.options.Outbox || s.options.readOnly {
		return nil, nil
	}
	o := &outgoing{positions: make(map[string]outbox.Position)}
	key := outboxKey(outboxState)
	record, closer, err := db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		_, _ = rand.Read(o.instance[:]) // never fails
		made := o.record()
		if err := errors.Join(db.Set(made.key, made.record, pebble.Sync), db.disk.failure()); err != nil {
			return nil, err
		}
		return o, nil
	}
	if err != nil {
		return nil, err
	}
	o.outboxCounts, err = decodeOutboxState(key, record)
	if err := errors.Join(err, closer.Close()); err != nil {
		return nil, err
	}
	return o, errors.Join(o.load(db, known), o.loadSessions(db, known))
}

// load reads flight, gaps and positions.
func (o *outgoing) load(db *database, known *catalogue) error {
	key := outboxKey(outboxFlight)
	record, closer, err := db.Get(key)
	if err == nil {
		o.flight, err = decodeFlight(key, record)
		err = errors.Join(err, closer.Close())
	}
	if err != nil && !errors.Is(err, pebble.ErrNotFound) {
		return err
	}
	lower, upper := outboxBounds(outboxGap)
	err = scan(context.Background(), db, lower, upper, func(key, record []byte) error {
		number, gap, err := decodeGap(key, record)
		o.gaps = append(o.gaps, gapEntry{number, gap})
		return err
	})
	if err != nil {
		return err
	}
	lower, upper = outboxBounds(outboxPosition)
	return scan(context.Background(), db, lower, upper, func(key, record []byte) error {
		relayChain, position, err := decodePosition(key, record)
		o.positions[relayChain] = position
		return err
	})
}

// loadSessions enters into the catalogue what waits of each session. Rounds of sessions that were removed while no feed was
// configured become gaps.
func (o *outgoing) loadSessions(db *database, known *catalogue) error {
	t := &transaction{batch: db.NewIndexedBatch(), outgoing: o, changes: true}
	defer t.batch.Close()
	removed := make(map[sessionID]waiting)
	lower, upper := outboxBounds(outboxSession)
	_, after := outboxBounds(outboxRound)
	err := scan(context.Background(), db, lower, upper, func(key, record []byte) error {
		id, _, ok := inOutboxKey(key)
		state, err := decodeWaiting(key, record)
		switch e := known.byID[id]; {
		case err != nil:
			return err
		case !ok:
			return corrupt(key, "not a session's key")
		case e == nil:
			removed[id] = state
		default:
			known.wait(e, state)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = scan(context.Background(), db, upper, after, func(key, record []byte) error {
		id, index, ok := inOutboxKey(key)
		if _, err := decodeTime(key, record); err != nil {
			return err
		}
		e := known.byID[id]
		gone, was := removed[id]
		switch {
		case !ok || e == nil && !was:
			return corrupt(key, "not the key of a round of a known session")
		case was:
			gone.add(index)
			removed[id] = gone
		default:
			w := e.waiting
			w.add(index)
			known.wait(e, w)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for id, gone := range removed {
		if err := t.forget(id, gone); err != nil {
			return err
		}
	}
	if t.batch.Empty() {
		return nil
	}
	return db.commit(t.batch)
}

// wait sets what the outbox has of a session, while the catalogue is being read.
func (c *catalogue) wait(e *entry, w waiting) {
	if e.waits() {
		c.waiting--
	}
	c.unsent += w.unsent - e.unsent
	e.waiting = w
	if e.waits() {
		c.waiting++
	}
}

// OutboxStats returns what waits to be published. Errors: ErrClosed, or the disk's.
func (s *Store) OutboxStats(ctx context.Context) (stats outbox.Stats, err error) {
	err = s.read(ctx, func() error {
		stats = outbox.Stats{}
		if s.outgoing == nil {
			return nil
		}
		stats.EvictedRounds, stats.Gaps = s.outgoing.evicted, len(s.outgoing.gaps)
		var oldest *entry
		for _, e := range slices.Backward(s.catalogue.unpublished()) {
			if e.said != saidAll {
				stats.Sessions++
			}
			if e.unsent > 0 {
				oldest = e
			}
		}
		stats.Rounds = s.catalogue.unsent
		if flying := s.outgoing.flight; flying != nil {
			for _, item := range flying.items {
				switch {
				case item.Kind == outbox.Session:
					stats.Sessions++
				case item.Kind == outbox.Gap:
					stats.Gaps++
				case item.Encoded != nil:
					stats.Rounds++
				}
			}
		}
		if oldest == nil {
			return nil
		}
		lower, upper := outboxRoundsOf(oldest.id, oldest.unsentFrom)
		return errUnlessFull(scan(ctx, s.db.durable, lower, upper, func(key, record []byte) error {
			var err error
			if stats.OldestUnixNano, err = decodeTime(key, record); err != nil {
				return err
			}
			return errPageFull
		}))
	})
	return stats, err
}

// errUnlessFull returns an error of a scan, unless the visitor ended it.
func errUnlessFull(err error) error {
	if errors.Is(err, errPageFull) {
		return nil
	}
	return err
}
