package local

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// PutRound stores a round of a stored session, durably and in one atomic batch with the removal of the oldest other
// sessions where the caps ask for it. Errors: ErrRoundExists, modules.ErrUnknownSession, ErrFull, ErrClosed.
func (s *Store) PutRound(ctx context.Context, round *types.QoSRound) error {
	id, err := parseSessionID(round.GetSessionId())
	if err != nil {
		return fmt.Errorf("store round: session id: %w", err)
	}
	key := roundKey(id, round.GetIndex())
	record, err := encodeRecord(key, round)
	if err == nil {
		err = s.change(ctx, func() error { return s.putRound(id, key, record) })
	}
	if err != nil {
		return fmt.Errorf("store round %d of session %s: %w", round.GetIndex(), id, err)
	}
	return nil
}

func (s *Store) putRound(id sessionID, key, record []byte) error {
	if s.catalogue.byID[id] == nil {
		return modules.ErrUnknownSession
	}
	switch _, closer, err := s.db.Get(key); {
	case err == nil:
		return errors.Join(ErrRoundExists, closer.Close())
	case !errors.Is(err, pebble.ErrNotFound):
		return err
	}
	batch := s.db.NewBatch()
	defer batch.Close()
	if err := batch.Set(key, record, nil); err != nil {
		return err
	}
	if err := s.commitWithin(batch, id, 0, recordSize(key, record)); err != nil {
		return err
	}
	s.catalogue.addRound(id, recordSize(key, record))
	return nil
}

// Rounds are the stored rounds of a session, ordered by index. Errors: modules.ErrUnknownSession, ErrCorrupt, ErrClosed.
func (s *Store) Rounds(ctx context.Context, id string) ([]*types.QoSRound, error) {
	parsed, err := parseSessionID(id)
	if err != nil {
		return nil, fmt.Errorf("read rounds: %w: %w", modules.ErrUnknownSession, err)
	}
	var rounds []*types.QoSRound
	err = s.read(ctx, func() (err error) {
		if s.catalogue.byID[parsed] == nil {
			return modules.ErrUnknownSession
		}
		rounds, err = readRounds(ctx, s.db.DB, parsed)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read rounds of session %s: %w", id, err)
	}
	return rounds, nil
}

// readRounds reads a session's rounds in a database.
func readRounds(ctx context.Context, db *pebble.DB, id sessionID) ([]*types.QoSRound, error) {
	rounds := []*types.QoSRound{}
	lower, upper := roundBoundsOf(id)
	err := scan(ctx, db, lower, upper, func(key, record []byte) error {
		round, err := decodeRound(key, record)
		rounds = append(rounds, round)
		return err
	})
	return rounds, err
}
