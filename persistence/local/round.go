package local

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// Rounds returns the stored rounds of a session, ordered by index. Errors: modules.ErrUnknownSession, ErrCorrupt, ErrClosed.
func (s *Store) Rounds(ctx context.Context, id string) ([]*types.QoSRound, error) {
	rounds, _, err := s.Page(ctx, id, 0, math.MaxInt)
	return rounds, err
}

// Page returns the first rounds of a session from an index on, at most limit, and how many rounds the session has. It
// reads no others. Errors: those of Rounds.
func (s *Store) Page(ctx context.Context, id string, from uint32, limit int) (page []*types.QoSRound, stored int, err error) {
	parsed, err := sampledID(id)
	if err != nil {
		return nil, 0, fmt.Errorf("read rounds: %w: %w", modules.ErrUnknownSession, err)
	}
	err = s.read(ctx, func() error {
		known := s.catalogue.byID[parsed]
		if known == nil {
			return modules.ErrUnknownSession
		}
		stored = known.rounds
		page, err = readPage(ctx, s.db.durable, parsed, from, limit)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read rounds of session %s: %w", id, err)
	}
	return page, stored, nil
}

// readRounds reads a session's rounds in a database.
func readRounds(ctx context.Context, db pebble.Reader, id sessionID) ([]*types.QoSRound, error) {
	return readPage(ctx, db, id, 0, math.MaxInt)
}

// readPage reads the first rounds of a session from an index on.
func readPage(ctx context.Context, db pebble.Reader, id sessionID, from uint32, limit int) ([]*types.QoSRound, error) {
	rounds := []*types.QoSRound{}
	_, upper := roundBoundsOf(id)
	err := scan(ctx, db, roundKey(id, from), upper, func(key, record []byte) error {
		if len(rounds) >= limit {
			return errPageFull
		}
		round, err := decodeRound(key, record)
		rounds = append(rounds, round)
		return err
	})
	if errors.Is(err, errPageFull) {
		err = nil
	}
	return rounds, err
}
