package local

import (
	"context"
	"encoding/binary"
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
	return s.page(ctx, id, from, limit, func(*types.QoSRound) {})
}

// Outline returns the stored rounds of a session, ordered by index, without the envelopes that they are proven by: those of one
// round are in memory at once. Errors: those of Rounds.
func (s *Store) Outline(ctx context.Context, id string) ([]*types.QoSRound, error) {
	before := s.stampOf(id)
	rounds, _, err := s.page(ctx, id, 0, math.MaxInt, withoutEnvelopes)
	if parsed, malformed := sampledID(id); err == nil && malformed == nil && before.Rounds == len(rounds) {
		s.searched(parsed, before, rounds) // what was read is of this stamp: rounds are added only
	}
	return rounds, err
}

// page reads a page, and changes each round before it reads the next one.
func (s *Store) page(ctx context.Context, id string, from uint32, limit int, change func(*types.QoSRound)) (page []*types.QoSRound, stored int, err error) {
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
		page, err = readPage(ctx, s.db.durable, parsed, from, limit, change)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read rounds of session %s: %w", id, err)
	}
	return page, stored, nil
}

// indices returns those of a session's rounds, in their order; none of a session that is not known. It reads no round.
func (s *Store) indices(ctx context.Context, id string) (list []uint32, err error) {
	parsed, err := sampledID(id)
	if err != nil {
		return nil, err
	}
	lower, upper := roundBoundsOf(parsed)
	err = s.read(ctx, func() error {
		list = nil
		return scan(ctx, s.db.durable, lower, upper, func(key, _ []byte) error {
			list = append(list, binary.BigEndian.Uint32(key[len(key)-4:]))
			return nil
		})
	})
	return list, err
}

// readRounds reads a session's rounds in a database.
func readRounds(ctx context.Context, db pebble.Reader, id sessionID) ([]*types.QoSRound, error) {
	return readPage(ctx, db, id, 0, math.MaxInt, func(*types.QoSRound) {})
}

// readPage reads the first rounds of a session from an index on, and changes each before it reads the next one.
func readPage(ctx context.Context, db pebble.Reader, id sessionID, from uint32, limit int, change func(*types.QoSRound)) ([]*types.QoSRound, error) {
	rounds := []*types.QoSRound{}
	_, upper := roundBoundsOf(id)
	err := scan(ctx, db, roundKey(id, from), upper, func(key, record []byte) error {
		if len(rounds) >= limit {
			return errPageFull
		}
		round, err := decodeRound(key, record)
		if err != nil {
			return err
		}
		change(round)
		rounds = append(rounds, round)
		return nil
	})
	if errors.Is(err, errPageFull) {
		err = nil
	}
	return rounds, err
}
