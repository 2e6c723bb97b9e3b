package local

import (
	"context"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/pocket-fisherman/fisherman/feed/outbox"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// changing returns the outbox, which may be changed.
func (t *transaction) changing() *outgoing {
	if !t.changes {
		t.outgoing, t.changes = t.outgoing.clone(), true
	}
	return t.outgoing
}

func (t *transaction) set(k keyed) error { return t.batch.Set(k.key, k.record, nil) }

// wait replaces what the outbox has of a session.
func (t *transaction) wait(id sessionID, w waiting) error {
	old := t.catalogue.byID[id]
	next := *old
	next.waiting = w
	t.replace(old, &next)
	if w.said == old.said {
		return nil
	}
	return t.set(w.record(id))
}

// sendSession enters a session that was added or changed.
func (t *transaction) sendSession(id sessionID, session, relayChain string) error {
	w := t.catalogue.byID[id].waiting
	switch w.said {
	case saidUnknown:
		w.said, w.session, w.relayChain = saidNothing, session, relayChain
	case saidAll:
		w.said = saidBefore
	}
	t.appends = true
	return t.wait(id, w)
}

// sendRound enters a round that was added, and its session if the outbox does not know it.
func (t *transaction) sendRound(p *put) error {
	e := t.catalogue.byID[p.id]
	w := e.waiting
	if w.said == saidUnknown {
		session, err := t.session(e)
		if err != nil {
			return err
		}
		w.said, w.session, w.relayChain = saidNothing, p.session, session.GetHeader().GetRelayChain()
	}
	w.add(p.index)
	t.appends = true
	return errors.Join(t.wait(p.id, w), t.set(timeRecord(outboxRoundKey(p.id, p.index), t.caps.clock().UnixNano())))
}

// unsend makes a gap of what is not published of a session that is removed.
func (t *transaction) unsend(e *entry) error {
	gone := e.waiting
	flying := make(map[uint32]bool) // these are published with the flight
	if t.outgoing.flight != nil {
		for _, item := range t.outgoing.flight.items {
			if item.Kind == outbox.Round && item.Session == gone.session {
				flying[item.Index] = true
			}
		}
	}
	gone.unsent -= len(flying)
	if gone.unsent > 0 && len(flying) > 0 {
		lower, upper := outboxRoundsOf(e.id, gone.unsentFrom)
		err := errUnlessFull(scan(context.Background(), t.batch, lower, upper, func(key, _ []byte) error {
			_, gone.unsentFrom, _ = inOutboxKey(key)
			if flying[gone.unsentFrom] {
				return nil
			}
			return errPageFull
		}))
		if err != nil {
			return err
		}
	}
	return t.forget(e.id, gone)
}

// forget removes what the outbox has of a session, and makes a gap of its rounds.
func (t *transaction) forget(id sessionID, gone waiting) error {
	if gone.said == saidUnknown {
		return nil
	}
	lower, upper := outboxRoundsOf(id, 0)
	if err := errors.Join(t.batch.Delete(outboxSessionKey(id), nil), t.batch.DeleteRange(lower, upper, nil)); err != nil || gone.unsent <= 0 {
		return err
	}
	return t.addGap(outbox.Item{Kind: outbox.Gap, RelayChain: gone.relayChain, Session: gone.session, Index: gone.unsentFrom, Rounds: uint64(gone.unsent)})
}

// addGap enters rounds that were removed, and merges the oldest two gaps of a relay chain if there are too many.
func (t *transaction) addGap(gap outbox.Item) error {
	o := t.changing()
	o.nextGap++
	o.evicted += gap.Rounds
	o.gaps = append(o.gaps, gapEntry{o.nextGap, gap})
	t.appends = true
	if err := errors.Join(t.set(gapRecord(o.nextGap, gap)), t.set(o.record())); err != nil || len(o.gaps) <= mostGaps {
		return err
	}
	first := make(map[string]int)
	for at, each := range o.gaps {
		older, repeated := first[each.gap.RelayChain]
		if !repeated {
			first[each.gap.RelayChain] = at
			continue
		}
		merged := outbox.Item{Kind: outbox.Gap, RelayChain: each.gap.RelayChain, Rounds: o.gaps[older].gap.Rounds + each.gap.Rounds}
		err := errors.Join(t.batch.Delete(outboxGapKey(o.gaps[older].number), nil), t.set(gapRecord(each.number, merged)))
		o.gaps[at].gap = merged
		o.gaps = slices.Delete(o.gaps, older, older+1)
		return err
	}
	return nil
}

// keepFlying keeps the rounds of a session that is removed if they are being published: what is sent again must be the same.
func (t *transaction) keepFlying(id sessionID) error {
	if t.outgoing == nil || t.outgoing.flight == nil {
		return nil
	}
	kept := false
	for i, item := range t.outgoing.flight.items {
		if item.Kind != outbox.Round || item.Encoded != nil {
			continue
		}
		if of, err := sampledID(item.Session); err != nil || of != id {
			continue
		}
		encoded, err := t.encoded(roundKey(id, item.Index))
		if errors.Is(err, pebble.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		t.changing().flight.items[i].Encoded, kept = encoded, true
	}
	if !kept {
		return nil
	}
	return t.set(t.outgoing.flight.record())
}

// session returns the session of an entry.
func (t *transaction) session(e *entry) (*types.QoSSession, error) {
	record, closer, err := t.batch.Get(e.key)
	if err != nil {
		return nil, err
	}
	session, err := decodeSession(e.key, record)
	return session, errors.Join(err, closer.Close())
}

// encoded returns the message of a record.
func (t *transaction) encoded(key []byte) ([]byte, error) {
	record, closer, err := t.batch.Get(key)
	if err != nil {
		return nil, err
	}
	message, err := content(key, record)
	return slices.Clone(message), errors.Join(err, closer.Close())
}
