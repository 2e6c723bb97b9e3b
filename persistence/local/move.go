package local

import (
	"context"
	"errors"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"google.golang.org/protobuf/proto"
)

// move writes the sessions and rounds of one store to another. Rounds that are there already stay as they are. What does
// not fit within the other's caps is left out.
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
	var changed []*types.QoSSession
	if !proto.Equal(stored, session) {
		changed = append(changed, session)
	}
	return copyTo(ctx, to, changed, rounds)
}

// take stores a session and its rounds in one batch. Those rounds that rollups count already are not counted again.
func (s *Store) take(ctx context.Context, session *types.QoSSession, rounds []*types.QoSRound, uncounted func(id sessionID, index uint32) bool) error {
	puts := newPuts([]*types.QoSSession{session}, rounds)
	for _, p := range puts {
		p.counted = p.isRound && !uncounted(p.id, p.index)
	}
	return firstOf(outcomes(puts, s.putAll(ctx, puts)))
}

// copyTo stores sessions and rounds in one batch. Rounds that are stored already stay as they are. It returns an error of
// the disk if there is one, otherwise the first refusal.
func copyTo(ctx context.Context, to *Store, sessions []*types.QoSSession, rounds []*types.QoSRound) error {
	return firstOf(to.PutAll(ctx, sessions, rounds))
}

// firstOf returns an error of the disk if there is one, otherwise the first refusal.
func firstOf(errs []error) (first error) {
	for _, err := range errs {
		switch {
		case err == nil || errors.Is(err, ErrRoundExists):
		case !refused(err):
			return err
		case first == nil:
			first = err
		}
	}
	return first
}
