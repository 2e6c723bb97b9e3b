package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/pocket-fisherman/fisherman/feed/outbox"
)

// TakeFlight returns what is to be published next: the flight that was taken and is not landed, otherwise a new one as
// ordered. It returns nil when nothing waits. What is in a new flight is durable before it is returned, so that a flight taken
// again after a crash has the same items. Errors: ErrClosed, or the disk's.
func (s *Store) TakeFlight(ctx context.Context, order outbox.Order) (*outbox.Flight, error) {
	var taken *outbox.Flight
	err := s.change(ctx, func(t *transaction) error {
		taken = nil
		if t.outgoing == nil {
			return nil
		}
		if t.outgoing.flight == nil {
			if err := t.takeOff(ctx, order); err != nil {
				return err
			}
		}
		if t.outgoing.flight == nil {
			return nil
		}
		var err error
		taken, err = t.load()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("take from outbox: %w", err)
	}
	return taken, nil
}

// takeOff makes a flight of what waits: gaps, then sessions and rounds, oldest sessions first.
func (t *transaction) takeOff(ctx context.Context, order outbox.Order) error {
	o := t.outgoing
	if len(o.gaps) == 0 && t.catalogue.waiting == 0 {
		return nil
	}
	o = t.changing()
	flying := &flight{number: o.flights + 1, signed: t.caps.clock().UnixNano(), place: order.Place}
	room := order
	for len(o.gaps) > 0 && room.Items > 0 {
		flying.items = append(flying.items, o.gaps[0].gap)
		if err := t.batch.Delete(outboxGapKey(o.gaps[0].number), nil); err != nil {
			return err
		}
		o.gaps = o.gaps[1:]
		room.Items--
	}
	for _, e := range t.catalogue.unpublished() {
		if room.Items <= 0 || room.Bytes <= 0 {
			break
		}
		if err := t.board(ctx, e, flying, &room); err != nil {
			return err
		}
	}
	if len(flying.items) == 0 {
		return nil
	}
	o.flights, o.flight = flying.number, flying
	return errors.Join(t.set(flying.record()), t.set(o.record()))
}

// board adds what waits of a session to a flight: a session that nothing was said of before its rounds, otherwise after them.
func (t *transaction) board(ctx context.Context, e *entry, flying *flight, room *outbox.Order) error {
	w := e.waiting
	if w.said == saidNothing {
		if err := t.boardSession(e, flying, room); err != nil {
			return err
		}
	}
	if w.unsent > 0 {
		if err := t.boardRounds(ctx, e, flying, room); err != nil {
			return err
		}
	}
	if w.said == saidBefore && room.Items > 0 && room.Bytes > 0 {
		return t.boardSession(e, flying, room)
	}
	return nil
}

// boardSession adds a session. It may change while it is being published, so its content is kept.
func (t *transaction) boardSession(e *entry, flying *flight, room *outbox.Order) error {
	encoded, err := t.encoded(e.key)
	if err != nil {
		return err
	}
	w := e.waiting
	flying.items = append(flying.items, outbox.Item{Kind: outbox.Session, RelayChain: w.relayChain, Session: w.session, Encoded: encoded})
	room.Items--
	room.Bytes -= len(encoded)
	w.said = saidAll
	return t.wait(e.id, w)
}

// boardRounds adds rounds of a session, in the order of their indices. They stay where they are stored.
func (t *transaction) boardRounds(ctx context.Context, e *entry, flying *flight, room *outbox.Order) error {
	lower, upper := outboxRoundsOf(e.id, e.unsentFrom)
	first := true
	return errUnlessFull(scan(ctx, t.batch, lower, upper, func(key, _ []byte) error {
		if room.Items <= 0 || room.Bytes <= 0 {
			return errPageFull
		}
		_, index, ok := inOutboxKey(key)
		if !ok {
			return corrupt(key, "not a round's key")
		}
		if first {
			// What was published before is not looked through again.
			w := t.catalogue.byID[e.id].waiting
			w.unsentFrom, first = index, false
			if err := t.wait(e.id, w); err != nil {
				return err
			}
		}
		size, err := t.sizeOf(roundKey(e.id, index))
		if err != nil {
			return err
		}
		if size > room.Bytes && len(flying.items) > 0 {
			room.Bytes = 0
			return errPageFull
		}
		flying.items = append(flying.items, outbox.Item{Kind: outbox.Round, RelayChain: e.relayChain, Session: e.session, Index: index})
		room.Items--
		room.Bytes -= size
		return nil
	}))
}

// sizeOf returns the size of a record, 0 if there is none.
func (t *transaction) sizeOf(key []byte) (int, error) {
	record, closer, err := t.batch.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return len(record), closer.Close()
}

// load returns the flight with the contents of its items. A round that is not stored becomes a gap of one.
func (t *transaction) load() (*outbox.Flight, error) {
	flying := t.outgoing.flight
	loaded := &outbox.Flight{Instance: t.outgoing.instance, Number: flying.number, SignedUnixNano: flying.signed, Place: flying.place, Resumed: flying.resumed,
		Items: slices.Clone(flying.items), Positions: make(map[string]outbox.Position)}
	for i := range loaded.Items {
		item := &loaded.Items[i]
		loaded.Positions[item.RelayChain] = t.outgoing.positions[item.RelayChain]
		if item.Kind != outbox.Round || item.Encoded != nil {
			continue
		}
		id, err := sampledID(item.Session)
		if err != nil {
			return nil, corrupt(outboxKey(outboxFlight), err.Error())
		}
		item.Encoded, err = t.encoded(roundKey(id, item.Index))
		if errors.Is(err, pebble.ErrNotFound) {
			item.Kind, item.Rounds, item.Encoded = outbox.Gap, 1, nil
			continue
		}
		if err != nil {
			return nil, err
		}
	}
	return loaded, nil
}

// LandFlight removes a flight whose items are acknowledged, with what it says of their rounds, and notes how far the feeds of its
// relay chains have come. Errors: outbox.ErrStale, ErrClosed, or the disk's.
func (s *Store) LandFlight(ctx context.Context, instance [outbox.InstanceSize]byte, number uint64, positions map[string]outbox.Position) error {
	stale := false
	err := s.change(ctx, func(t *transaction) error {
		o := t.outgoing
		stale = o == nil || o.instance != instance || o.flight == nil || o.flight.number != number
		if stale {
			return nil
		}
		return t.land(positions)
	})
	if err == nil && stale {
		err = outbox.ErrStale
	}
	if err != nil {
		return fmt.Errorf("note what was published: %w", err)
	}
	return nil
}

func (t *transaction) land(positions map[string]outbox.Position) error {
	o := t.changing()
	for _, item := range o.flight.items {
		if item.Kind != outbox.Round {
			continue
		}
		id, err := sampledID(item.Session)
		if err != nil {
			return corrupt(outboxKey(outboxFlight), err.Error())
		}
		if err := t.landRound(id, item.Index); err != nil {
			return err
		}
	}
	o.flight = nil
	if err := t.batch.Delete(outboxKey(outboxFlight), nil); err != nil {
		return err
	}
	for _, relayChain := range slices.Sorted(maps.Keys(positions)) {
		o.positions[relayChain] = positions[relayChain]
		if err := t.set(positionRecord(relayChain, positions[relayChain])); err != nil {
			return err
		}
	}
	return nil
}

// landRound removes the entry of a round that is published. Its session may have been removed.
func (t *transaction) landRound(id sessionID, index uint32) error {
	e := t.catalogue.byID[id]
	if e == nil {
		return nil
	}
	key := outboxRoundKey(id, index)
	_, closer, err := t.batch.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil // the session was removed, and taken up again
	}
	if err != nil {
		return err
	}
	if err := closer.Close(); err != nil {
		return err
	}
	next := *e
	next.unsent--
	t.replace(e, &next)
	return t.batch.Delete(key, nil)
}

// waits reports whether something of the session waits to be published.
func (w waiting) waits() bool { return w.unsent > 0 || w.said == saidNothing || w.said == saidBefore }

// unpublished returns the sessions of which something waits to be published, oldest first. Most often they are the newest.
func (c *catalogue) unpublished() []*entry {
	waiting := make([]*entry, 0, c.waiting)
	for at := len(c.sessions) - 1; at >= 0 && len(waiting) < c.waiting; at-- {
		if c.sessions[at].waits() {
			waiting = append(waiting, c.sessions[at])
		}
	}
	slices.Reverse(waiting)
	return waiting
}

// outboxGaps returns the gaps that wait to be published.
func (s *Store) outboxGaps(ctx context.Context) (gaps []outbox.Item, err error) {
	err = s.read(ctx, func() error {
		gaps = nil
		if s.outgoing != nil {
			for _, each := range s.outgoing.gaps {
				gaps = append(gaps, each.gap)
			}
		}
		return nil
	})
	return gaps, err
}

// takeGaps enters gaps of another store.
func (s *Store) takeGaps(ctx context.Context, gaps []outbox.Item) error {
	if len(gaps) == 0 {
		return nil
	}
	return s.change(ctx, func(t *transaction) error {
		if t.outgoing == nil {
			return nil
		}
		for _, gap := range gaps {
			if err := t.addGap(gap); err != nil {
				return err
			}
		}
		return nil
	})
}
