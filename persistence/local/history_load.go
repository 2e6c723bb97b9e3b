package local

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/pocket-fisherman/fisherman/rollup"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"golang.org/x/sync/errgroup"
)

// errNoHistory is returned when a database was written by a version without rollups.
var errNoHistory = errors.New("there are no rollups")

// loadHistory reads what is known of rollups, and counts the rounds that no stored one counts. Errors: errNoHistory.
func loadHistory(ctx context.Context, db pebble.Reader, options HistoryOptions, known *catalogue) (*history, error) {
	h := newHistory(options)
	record, closer, err := db.Get(historyKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return h, errNoHistory
	}
	if err != nil {
		return nil, err
	}
	if err := errors.Join(h.readState(record), closer.Close()); err != nil {
		return nil, err
	}
	err = scan(ctx, db, []byte{keyVersion, kindSeries}, []byte{keyVersion, kindSeries + 1}, func(key, record []byte) error {
		s, err := decodeSeries(key, record)
		if err == nil {
			h.series[s.Series], h.numbers[s.number] = s, s
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = scan(ctx, db, []byte{keyVersion, kindBlock}, []byte{keyVersion, kindBlock + 1}, func(key, record []byte) error {
		b, size, err := decodeBlock(key, record)
		if err == nil {
			h.blocks[b] = size
			h.bytes += size.bytes
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return h, h.reopen(ctx, db, known)
}

// reopenedAtOnce is how many rounds are read at once, on all processors, and in memory together.
const reopenedAtOnce = 256

// notCounted is a round that no stored rollup counts; round is nil when it is not stored any more.
type notCounted struct {
	id    sessionID
	index uint32
	round *types.QoSRound
	size  int64
}

// reopen counts the rounds that no stored rollup counts.
func (h *history) reopen(ctx context.Context, db pebble.Reader, known *catalogue) error {
	sessions := make(map[sessionID]*rollup.Session)
	var some []notCounted
	count := func() error {
		if err := readRoundsOf(ctx, db, some); err != nil {
			return err
		}
		for _, each := range some {
			if each.round == nil {
				continue
			}
			if counted, ok := toCount(each.id, sessions[each.id], each.round, each.size); ok {
				h.add(counted)
			}
		}
		some = some[:0]
		return nil
	}
	err := scan(ctx, db, []byte{keyVersion, kindUncounted}, []byte{keyVersion, kindUncounted + 1}, func(key, _ []byte) error {
		id, index, ok := inUncountedKey(key)
		if !ok {
			return corrupt(key, "not the key of a round that is not counted")
		}
		e := known.byID[id]
		if e == nil {
			return nil // a version without rollups has removed it
		}
		if sessions[id] == nil {
			session, err := readRules(db, e.key)
			if err != nil {
				return err
			}
			sessions[id] = session
		}
		if some = append(some, notCounted{id: id, index: index}); len(some) < reopenedAtOnce {
			return nil
		}
		return count()
	})
	if err != nil {
		return err
	}
	return count()
}

// readRoundsOf reads rounds, on all processors.
func readRoundsOf(ctx context.Context, db pebble.Reader, rounds []notCounted) error {
	workers, reading := errgroup.WithContext(ctx)
	processors := runtime.GOMAXPROCS(0)
	for part := range slices.Chunk(rounds, max(1, (len(rounds)+processors-1)/processors)) {
		workers.Go(func() error {
			for i := range part {
				each := &part[i]
				var err error
				if each.round, each.size, err = readRound(db, each.id, each.index); err != nil && !errors.Is(err, pebble.ErrNotFound) {
					return err
				}
				if each.round != nil {
					withoutEnvelopes(each.round)
				}
				if reading.Err() != nil {
					return reading.Err()
				}
			}
			return nil
		})
	}
	return workers.Wait()
}

// readRules reads what of the session under a key decides how its rounds are counted.
func readRules(db pebble.Reader, key []byte) (*rollup.Session, error) {
	record, closer, err := db.Get(key)
	if err != nil {
		return nil, err
	}
	session, err := decodeSession(key, record)
	rules := rollup.SessionOf(session)
	return &rules, errors.Join(err, closer.Close())
}

// readRound reads a round and returns its size, too. Errors: pebble.ErrNotFound.
func readRound(db pebble.Reader, id sessionID, index uint32) (*types.QoSRound, int64, error) {
	key := roundKey(id, index)
	record, closer, err := db.Get(key)
	if err != nil {
		return nil, 0, err
	}
	round, err := decodeRound(key, record)
	return round, keyed{key, record}.size(), errors.Join(err, closer.Close())
}

// toCount returns a round as it is counted; not ok when it counts nowhere.
func toCount(id sessionID, session *rollup.Session, round *types.QoSRound, size int64) (countedRound, bool) {
	moment, ok := session.Placed(round)
	return countedRound{id: id, session: session, round: round, slot: rollup.FiveMinutes.Slot(max(moment, 0)), size: size}, ok
}

// beginHistory counts the rounds that a version without rollups has stored. Until it has returned nil nothing else is
// written. A beginning that was interrupted is made again.
func (d *database) beginHistory(ctx context.Context, options HistoryOptions, known *catalogue, now time.Time, lost func(error)) (*history, error) {
	h := newHistory(options)
	if len(known.sessions) > 0 {
		clean := d.NewBatch()
		err := clean.DeleteRange([]byte{keyVersion, kindUncounted}, []byte{keyVersion, kindHistory}, nil)
		if err = errors.Join(err, d.commit(clean), clean.Close()); err != nil {
			return nil, err
		}
	}
	for _, e := range known.sessions {
		if err := d.countSession(ctx, h, e, now, lost); err != nil {
			return nil, err
		}
	}
	state := stateRecord(h.next, h.floors)
	last := d.NewBatch()
	err := last.Set(state.key, state.record, nil)
	return h, errors.Join(err, d.commit(last), last.Close())
}

// countSession stores rollups of a stored session's rounds, in one batch.
func (d *database) countSession(ctx context.Context, h *history, e *entry, now time.Time, lost func(error)) error {
	rules, err := readRules(d, e.key)
	if err != nil {
		return err
	}
	batch := d.NewIndexedBatch()
	defer func() { _ = batch.Close() }()
	change := h.change(batch, now, lost)
	lower, upper := roundBoundsOf(e.id)
	err = scan(ctx, d, lower, upper, func(key, record []byte) error {
		round, err := decodeRound(key, record)
		if err != nil {
			return err
		}
		withoutEnvelopes(round)
		if counted, ok := toCount(e.id, rules, round, 0); ok {
			change.staged = append(change.staged, counted)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count rounds of earlier sessions: %w", err)
	}
	if err := errors.Join(change.storeAll(), batch.Delete(historyKey, nil), d.commit(batch)); err != nil {
		return err
	}
	change.apply()
	return nil
}
