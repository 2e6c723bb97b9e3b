package local

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Prune removes the oldest sessions until retain are left, and tells how many that were.
func (s *Store) Prune(ctx context.Context, retain int) (evicted int, err error) {
	if retain < 0 {
		return 0, fmt.Errorf("prune local store: cannot retain %d sessions", retain)
	}
	err = s.change(ctx, func() error {
		surplus := s.catalogue.sessions[:max(len(s.catalogue.sessions)-retain, 0)]
		evicted = len(surplus)
		batch := s.db.NewBatch()
		defer batch.Close()
		return s.commitRemoving(batch, append([]*entry(nil), surplus...))
	})
	if err != nil {
		return 0, fmt.Errorf("prune local store: %w", err)
	}
	return evicted, nil
}

// commitWithin commits a batch that adds sessions and bytes to the session of id, and evicts what the caps ask for.
func (s *Store) commitWithin(batch *pebble.Batch, id sessionID, sessions int, growth int64) error {
	victims, ok := s.catalogue.victims(id, sessions, growth, s.options)
	if !ok {
		return ErrFull
	}
	evicted := s.catalogue.evicted + int64(len(victims))
	if len(victims) > 0 {
		record, err := encodeRecord(tallyKey, wrapperspb.Int64(evicted))
		if err != nil {
			return err
		}
		if err := batch.Set(tallyKey, record, nil); err != nil {
			return err
		}
	}
	if err := s.commitRemoving(batch, victims); err != nil {
		return err
	}
	if s.catalogue.evicted = evicted; len(victims) > 0 {
		s.options.Logger.Warn("local store is full: removed the oldest sessions", "sessions", len(victims))
	}
	return nil
}

// commitRemoving commits a batch together with the removal of sessions.
func (s *Store) commitRemoving(batch *pebble.Batch, sessions []*entry) error {
	for _, e := range sessions {
		lower, upper := roundBoundsOf(e.id)
		if err := errors.Join(batch.Delete(e.key, nil), batch.DeleteRange(lower, upper, nil)); err != nil {
			return err
		}
	}
	if err := s.db.commit(batch); err != nil {
		return err
	}
	for _, e := range sessions {
		s.catalogue.remove(e)
	}
	return nil
}
