package local

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// Rounds returns the stored rounds of a session, ordered by index. Errors: modules.ErrUnknownSession, ErrCorrupt, ErrClosed.
func (s *Store) Rounds(ctx context.Context, id string) ([]*types.QoSRound, error) {
	parsed, err := sampledID(id)
	if err != nil {
		return nil, fmt.Errorf("read rounds: %w: %w", modules.ErrUnknownSession, err)
	}
	var rounds []*types.QoSRound
	err = s.read(ctx, func() (err error) {
		if s.catalogue.byID[parsed] == nil {
			return modules.ErrUnknownSession
		}
		rounds, err = readRounds(ctx, s.db.durable, parsed)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read rounds of session %s: %w", id, err)
	}
	return rounds, nil
}

// readRounds reads a session's rounds in a database.
func readRounds(ctx context.Context, db pebble.Reader, id sessionID) ([]*types.QoSRound, error) {
	rounds := []*types.QoSRound{}
	lower, upper := roundBoundsOf(id)
	err := scan(ctx, db, lower, upper, func(key, record []byte) error {
		round, err := decodeRound(key, record)
		rounds = append(rounds, round)
		return err
	})
	return rounds, err
}
