package local

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// markOf returns the mark of a round's record.
func markOf(record []byte) modules.Mark {
	if len(record) < recordHeader {
		return 0
	}
	return modules.Mark(binary.BigEndian.Uint32(record[1:]))
}

// mixed spreads a mark, so that sums of marks differ where their rounds do (the finalizer of MurmurHash3).
func mixed(mark modules.Mark) uint64 {
	x := uint64(mark) + 0x9e3779b97f4a7c15
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// stamp returns what is stored of the session.
func (e *entry) stamp() modules.Stamp {
	return modules.Stamp{Session: e.sum, Rounds: e.rounds, Sum: e.marks}
}

// listed returns what a list says of the session.
func (e *entry) listed() modules.ListedSession {
	return modules.ListedSession{Session: e.facts.session, Members: e.facts.members, Stamp: e.stamp(), Disputed: e.disputed, Searched: e.searched}
}

// List lists the stored sessions, in the order of Sessions. It reads none of them. Errors: ErrCorrupt, ErrClosed.
func (s *Store) List(ctx context.Context) (list []modules.ListedSession, err error) {
	err = s.read(ctx, func() error {
		list = make([]modules.ListedSession, 0, len(s.catalogue.sessions))
		for _, e := range s.catalogue.sessions {
			if e.facts == nil { // it could not be read when the store was opened
				record, closer, err := s.db.durable.Get(e.key)
				if err != nil {
					return err
				}
				session, err := decodeSession(e.key, record)
				if err := errors.Join(err, closer.Close()); err != nil {
					return err
				}
				known := *e
				known.facts = factsOf(session)
				e = &known
			}
			list = append(list, e.listed())
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return list, nil
}

// Added reads a session and those of its rounds that are not known. known returns the mark of a round that is, and count is how
// many are. Errors: those of Rounds.
func (s *Store) Added(ctx context.Context, id string, count int, known func(index uint32) (modules.Mark, bool)) (added modules.AddedRounds, err error) {
	parsed, err := sampledID(id)
	if err != nil {
		return added, fmt.Errorf("read rounds: %w: %w", modules.ErrUnknownSession, err)
	}
	err = s.read(ctx, func() error {
		e := s.catalogue.byID[parsed]
		if e == nil {
			return modules.ErrUnknownSession
		}
		session, err := s.readSession(e)
		if err != nil {
			return err
		}
		added = modules.AddedRounds{Session: session, Stamp: e.stamp(), Again: count == 0}
		matched, err := s.readAdded(ctx, parsed, known, &added)
		if err == nil && matched != count {
			added.Again, added.Rounds, added.Marks = true, nil, nil
			_, err = s.readAdded(ctx, parsed, func(uint32) (modules.Mark, bool) { return 0, false }, &added)
		}
		return err
	})
	if err != nil {
		return modules.AddedRounds{}, fmt.Errorf("read rounds of session %s: %w", id, err)
	}
	if added.Again {
		s.searched(parsed, added.Stamp, added.Rounds)
	}
	return added, nil
}

// readAdded reads the rounds that are not known, and returns how many are.
func (s *Store) readAdded(ctx context.Context, id sessionID, known func(uint32) (modules.Mark, bool), added *modules.AddedRounds) (matched int, err error) {
	lower, upper := roundBoundsOf(id)
	err = scan(ctx, s.db.durable, lower, upper, func(key, record []byte) error {
		mark := markOf(record)
		if have, is := known(binary.BigEndian.Uint32(key[len(key)-4:])); is && have == mark {
			matched++
			return nil
		}
		round, err := decodeRound(key, record)
		if err != nil {
			return err
		}
		withoutEnvelopes(round)
		added.Rounds, added.Marks = append(added.Rounds, round), append(added.Marks, mark)
		return nil
	})
	return matched, err
}

// withoutEnvelopes removes the envelopes that a round is proven by.
func withoutEnvelopes(round *types.QoSRound) {
	for _, sample := range round.GetSamples() {
		sample.RequestEnvelope, sample.ResponseEnvelope = nil, nil
	}
}

// List lists the stored sessions as Store.List does, those that are held in memory and those on the disk.
func (s *Samples) List(ctx context.Context) (list []modules.ListedSession, err error) {
	err = s.query(func(before, current *Store) (err error) {
		if list, err = current.List(ctx); err != nil || s.held == nil {
			return err
		}
		var older []modules.ListedSession
		if before != nil {
			if older, err = before.List(ctx); err != nil {
				s.options.Logger.Debug("local store: sessions on the failed disk", "error", err)
			}
		}
		list = s.held.merged(older, list, before != nil && err == nil)
		return ctx.Err()
	})
	return list, err
}

// merged merges the lists of the disk and of what is held in memory.
func (h *held) merged(older, newer []modules.ListedSession, readable bool) []modules.ListedSession {
	merged := make([]modules.ListedSession, 0, len(older)+len(newer))
	places := make(map[string]int, len(newer))
	for _, listed := range newer {
		id := listed.Session.GetHeader().GetId()
		places[id] = len(merged)
		listed.Stamp = h.stamped(modules.Stamp{}, listed.Stamp, readable)
		listed.Searched = listed.Searched && (readable || !h.begun[id])
		merged = append(merged, listed)
	}
	for i, listed := range older {
		place, both := places[listed.Session.GetHeader().GetId()]
		if !both {
			listed.Stamp = h.stamped(listed.Stamp, modules.Stamp{}, readable)
			merged = append(merged, listed)
			continue
		}
		to := &merged[place]
		to.Stamp = h.stamped(older[i].Stamp, to.Stamp, readable)
		to.Searched = to.Searched && listed.Searched
		to.Disputed = slices.Compact(slices.Sorted(slices.Values(slices.Concat(to.Disputed, listed.Disputed))))
	}
	slices.SortFunc(merged, func(a, b modules.ListedSession) int { return bytes.Compare(keyOf(a.Session), keyOf(b.Session)) })
	return merged
}

// stamped returns the stamp of a session that the disk and the memory have parts of. Of a part that does not change, and
// a time of which both are read in the same way, it is the same.
func (h *held) stamped(older, newer modules.Stamp, readable bool) modules.Stamp {
	stamp := modules.Stamp{Session: newer.Session ^ older.Session<<1, Rounds: older.Rounds + newer.Rounds,
		Sum: older.Sum*31 + newer.Sum*37, Held: h.since.UnixNano() | 1}
	if !readable {
		stamp.Held++
	}
	return stamp
}

// Added reads what Store.Added does. While samples are held in memory it reads all rounds.
func (s *Samples) Added(ctx context.Context, id string, count int, known func(index uint32) (modules.Mark, bool)) (added modules.AddedRounds, err error) {
	err = s.query(func(before, current *Store) (err error) {
		switch {
		case s.held == nil:
			added, err = current.Added(ctx, id, count, known)
		case before == nil && s.held.begun[id]:
			err = errEarlierRounds
		default:
			added, err = s.held.added(ctx, before, current, id)
		}
		return err
	})
	if err != nil && !asked(err) {
		s.unreadable.put(id, nil)
	}
	return added, s.readWhole(id, err)
}

// added reads a session that the disk and the memory have parts of.
func (h *held) added(ctx context.Context, before, current *Store, id string) (added modules.AddedRounds, err error) {
	older, newer := modules.Stamp{}, modules.Stamp{}
	if before != nil {
		older = before.stampOf(id)
	}
	newer = current.stampOf(id)
	added.Stamp, added.Again = h.stamped(older, newer, before != nil), true
	added.Session, err = current.Session(ctx, id)
	if errors.Is(err, modules.ErrUnknownSession) && before != nil {
		added.Session, err = before.Session(ctx, id)
	}
	if err != nil {
		return modules.AddedRounds{}, err
	}
	outline := func(store *Store) ([]*types.QoSRound, int, error) {
		rounds, err := store.Outline(ctx, id)
		return rounds, len(rounds), err
	}
	if before == nil {
		added.Rounds, _, err = outline(current)
	} else {
		added.Rounds, _, err = readBoth(ctx, before, current, id, int(^uint(0)>>1), outline)
	}
	added.Marks = make([]modules.Mark, len(added.Rounds))
	return added, err
}

// stampOf returns the stamp of a session; the zero value for none.
func (s *Store) stampOf(id string) modules.Stamp {
	parsed, err := sampledID(id)
	if err != nil {
		return modules.Stamp{}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e := s.catalogue.byID[parsed]; e != nil {
		return e.stamp()
	}
	return modules.Stamp{}
}
