package local

import (
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// transaction collects changes that become durable together, in one batch with one sync.
type transaction struct {
	batch *pebble.Batch
	caps  Options
	// catalogue has the changes collected so far, until rollback.
	catalogue *catalogue
	// steps are the changes of the catalogue, in order.
	steps []step
	// history is what is changed of rollups; nil in a store without any.
	history *historyChange
	// evicted counts the sessions that are removed to keep the caps.
	evicted int64
	// outgoing is the outbox; nil in a store without one. It is a copy once changes is set. appends is set once something was
	// entered.
	outgoing         *outgoing
	changes, appends bool
}

// step replaces an entry of the catalogue.
type step struct{ old, next *entry }

func (t *transaction) replace(old, next *entry) {
	t.catalogue.replace(old, next)
	t.steps = append(t.steps, step{old, next})
}

// rollback takes the changes out of the catalogue again.
func (t *transaction) rollback() {
	for _, s := range slices.Backward(t.steps) {
		t.catalogue.replace(s.next, s.old)
	}
}

// apply makes the changes in the catalogue once they are durable.
func (t *transaction) apply() {
	for _, s := range t.steps {
		t.catalogue.replace(s.old, s.next)
	}
	t.catalogue.evicted += t.evicted
	if t.history != nil {
		t.history.apply()
	}
}

// putSession adds a session, or replaces it; its rounds stay. Errors: ErrFull, which changes nothing.
func (t *transaction) putSession(id sessionID, session keyed) error {
	old, next := t.catalogue.byID[id], &entry{id: id, key: session.key, size: session.size()}
	if old == nil {
		if err := t.makeRoom(id, 1, next.size); err != nil {
			return err
		}
	} else {
		next.rounds, next.roundBytes, next.waiting = old.rounds, old.roundBytes, old.waiting
		if err := errors.Join(t.makeRoom(id, 0, next.size-old.size), t.batch.Delete(old.key, nil)); err != nil {
			return err
		}
	}
	t.replace(old, next)
	return t.batch.Set(session.key, session.record, nil)
}

// putRounds adds rounds of one session, all or none. Errors: modules.ErrUnknownSession and ErrFull, which change nothing.
func (t *transaction) putRounds(id sessionID, rounds ...keyed) error {
	old := t.catalogue.byID[id]
	if old == nil {
		return modules.ErrUnknownSession
	}
	next := *old
	for _, round := range rounds {
		next.rounds++
		next.roundBytes += round.size()
	}
	if err := t.makeRoom(id, 0, next.roundBytes-old.roundBytes); err != nil {
		return err
	}
	t.replace(old, &next)
	for _, round := range rounds {
		if err := t.batch.Set(round.key, round.record, nil); err != nil {
			return err
		}
	}
	return nil
}

// makeRoom removes the oldest sessions other than keep until sessions and bytes more fit within the caps. Errors:
// ErrFull, which changes nothing.
func (t *transaction) makeRoom(keep sessionID, sessions int, bytes int64) error {
	victims, ok := t.catalogue.victims(keep, sessions, bytes, t.caps)
	if !ok {
		return ErrFull
	}
	if len(victims) == 0 {
		return nil
	}
	t.evicted += int64(len(victims))
	record, err := encodeRecord(tallyKey, wrapperspb.Int64(t.catalogue.evicted+t.evicted))
	if err != nil {
		return err
	}
	return errors.Join(t.batch.Set(tallyKey, record, nil), t.remove(victims))
}

// remove removes sessions and their rounds. Rollups that count these are stored before.
func (t *transaction) remove(sessions []*entry) error {
	if t.history != nil && slices.ContainsFunc(sessions, func(e *entry) bool { return t.history.uncountedOf(e.id) }) {
		if err := t.history.storeAll(); err != nil {
			return err
		}
	}
	for _, e := range sessions {
		if err := t.keepFlying(e.id); err != nil {
			return err
		}
		lower, upper := roundBoundsOf(e.id)
		if err := errors.Join(t.batch.Delete(e.key, nil), t.batch.DeleteRange(lower, upper, nil)); err != nil {
			return err
		}
		if t.outgoing != nil {
			if err := t.unsend(e); err != nil {
				return err
			}
		}
		t.replace(e, nil)
	}
	return nil
}
