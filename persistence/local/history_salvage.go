package local

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// salvagedAtOnce bounds the records of rollups that are copied in one batch.
const salvagedAtOnce = 4096

// salvageHistory copies the rollups of a damaged store to a new one that has none, as far as they can be read. It returns
// which rounds they do not count; all of them when there are none.
func salvageHistory(ctx context.Context, from *database, to *Store) (uncounted func(id sessionID, index uint32) bool) {
	record, closer, err := from.durable.Get(historyKey)
	if err != nil {
		return func(sessionID, uint32) bool { return true }
	}
	state := keyed{historyKey, append([]byte{}, record...)}
	_ = closer.Close()
	if new(history).readState(state.record) != nil {
		return func(sessionID, uint32) bool { return true }
	}
	type round struct {
		id    sessionID
		index uint32
	}
	listed := make(map[round]bool)
	// An unreadable table ends a scan; what is after it is lost.
	_ = scan(ctx, from.durable, []byte{keyVersion, kindUncounted}, []byte{keyVersion, kindUncounted + 1}, func(key, _ []byte) error {
		if id, index, ok := inUncountedKey(key); ok {
			listed[round{id, index}] = true
		}
		return nil
	})
	if err := to.takeHistory(ctx, from.durable, state); err != nil {
		to.onLost(err)
	}
	return func(id sessionID, index uint32) bool { return listed[round{id, index}] }
}

// takeHistory puts the rollups of another database in the place of the store's, which counts no rounds yet.
func (s *Store) takeHistory(ctx context.Context, from pebble.Reader, state keyed) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.ready(); err != nil {
		return err
	}
	batch := s.db.NewBatch()
	commit := func() error {
		err := errors.Join(s.db.commit(batch), batch.Close())
		batch = s.db.NewBatch()
		return err
	}
	defer func() { _ = batch.Close() }()
	sizes := make(map[block]blockSize)
	err := scan(ctx, from, []byte{keyVersion, kindSeries}, []byte{keyVersion, kindSeries + 1}, func(key, record []byte) error {
		if _, err := decodeSeries(key, record); err != nil {
			return nil
		}
		return batch.Set(key, record, nil)
	})
	if err != nil {
		s.onLost(plain(err))
	}
	err = scan(ctx, from, []byte{keyVersion, kindRollup}, []byte{keyVersion, kindRollup + 1}, func(key, record []byte) error {
		at, slot, ok := inRollupKey(key)
		if !ok || verifyRecord(key, record) != nil {
			return nil
		}
		size := sizes[at]
		if size.rollups == 0 || slot < size.first {
			size.first = slot
		}
		size.rollups++
		size.bytes += keyed{key, record}.size()
		sizes[at] = size
		if err := batch.Set(key, record, nil); err != nil || batch.Count() < salvagedAtOnce {
			return err
		}
		return commit()
	})
	if err != nil {
		s.onLost(plain(err))
	}
	for at, size := range sizes {
		known := at.record(size)
		if err := batch.Set(known.key, known.record, nil); err != nil {
			return err
		}
	}
	if err := errors.Join(batch.Set(state.key, state.record, nil), commit()); err != nil {
		return err
	}
	return s.reloadHistory(ctx)
}

// reloadHistory reads what is known of rollups again. It requires writing.
func (s *Store) reloadHistory(ctx context.Context) error {
	durable := s.db.NewSnapshot()
	read, err := loadHistory(ctx, durable, s.options.History, s.catalogue)
	if err != nil {
		return errors.Join(err, durable.Close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history = read
	s.db.durable, durable = durable, s.db.durable
	return durable.Close()
}
