package local

import (
	"context"
	"errors"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"google.golang.org/protobuf/proto"
)

// move writes the sessions and rounds of one store to another. What is there already stays. What the caps of the other
// refuse is left out.
func move(ctx context.Context, from, to *Store) error {
	sessions, err := from.Sessions(ctx)
	if err != nil {
		return err
	}
	for _, session := range sessions {
		if err := moveSession(ctx, session, from, to); err != nil && !errors.Is(err, ErrFull) {
			return err
		}
	}
	return nil
}

func moveSession(ctx context.Context, session *types.QoSSession, from, to *Store) error {
	id := session.GetHeader().GetId()
	stored, err := to.Session(ctx, id)
	if err != nil && !errors.Is(err, modules.ErrUnknownSession) {
		return err
	}
	rounds, err := from.Rounds(ctx, id)
	if errors.Is(err, modules.ErrUnknownSession) {
		return nil // removed since it was listed
	}
	if err != nil {
		return err
	}
	if proto.Equal(stored, session) {
		return copyRounds(ctx, rounds, to)
	}
	return copySession(ctx, session, rounds, to)
}

// copySession writes a session and its rounds.
func copySession(ctx context.Context, session *types.QoSSession, rounds []*types.QoSRound, to *Store) error {
	if err := to.PutSession(ctx, session); err != nil {
		return err
	}
	return copyRounds(ctx, rounds, to)
}

// copyRounds writes rounds of a stored session. Those that are stored stay as they are.
func copyRounds(ctx context.Context, rounds []*types.QoSRound, to *Store) error {
	for _, round := range rounds {
		if err := to.PutRound(ctx, round); err != nil && !errors.Is(err, ErrRoundExists) {
			return err
		}
	}
	return nil
}
