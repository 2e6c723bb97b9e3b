package local

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"
	"github.com/pocket-fisherman/fisherman/rollup"
)

// storedRollups reads the rollups that are stored when it is made. Asked in the order of their keys, it reads each block of a table
// once: with thousands of series, looking each up would read most blocks again and again.
type storedRollups struct {
	batch *pebble.Batch
	// cursors of resolutions; nil until one is needed.
	cursors [rollup.Hour + 1]*pebble.Iterator
	scratch rollup.Rollup
	// lost is told of a rollup that cannot be read.
	lost func(error)
}

func (c *historyChange) newStored() *storedRollups {
	return &storedRollups{batch: c.batch, lost: c.lost}
}

// read reads the rollup under a key, and returns it until the next call, with its size; 0 when there is none. One that is
// damaged is lost.
func (s *storedRollups) read(r rollup.Resolution, key []byte, slot int64) (found *rollup.Rollup, size int64, err error) {
	record, err := s.find(r, key)
	switch {
	case pebble.IsCorruptionError(err):
		s.lost(plain(err))
		return nil, 0, nil
	case err != nil || record == nil:
		return nil, 0, err
	}
	if err := decodeRollup(key, record, slot, &s.scratch); err != nil {
		s.lost(err)
		s.scratch.Reset()
	}
	return &s.scratch, keyed{key, record}.size(), nil
}

// find returns the record under a key, until the next call; nil when there is none.
func (s *storedRollups) find(r rollup.Resolution, key []byte) ([]byte, error) {
	if s.cursors[r] == nil {
		lower := []byte{keyVersion, kindRollup, byte(r)}
		cursor, err := s.batch.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: []byte{keyVersion, kindRollup, byte(r) + 1}})
		if err != nil {
			return nil, err
		}
		s.cursors[r] = cursor
	}
	cursor := s.cursors[r]
	if cursor.SeekGE(key) && bytes.Equal(cursor.Key(), key) {
		return cursor.ValueAndErr()
	}
	if pebble.IsCorruptionError(cursor.Error()) {
		return s.lookUp(key)
	}
	return nil, cursor.Error()
}

// lookUp finds a record as find does, and needs fewer blocks to be sound: only those that hold this key.
func (s *storedRollups) lookUp(key []byte) ([]byte, error) {
	record, closer, err := s.batch.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return bytes.Clone(record), closer.Close()
}

// close ends the reading.
func (s *storedRollups) close() (err error) {
	for _, cursor := range s.cursors {
		if cursor == nil {
			continue
		}
		if closed := cursor.Close(); !pebble.IsCorruptionError(closed) {
			err = errors.Join(err, closed)
		}
	}
	return err
}
