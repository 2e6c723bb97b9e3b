package samples

import (
	"context"
	"errors"
	"slices"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// Store is where samples are read. Errors on which this package decides: modules.ErrUnknownSession,
// modules.ErrStoreClosed.
type Store interface {
	// Sessions returns the stored sessions, oldest first.
	Sessions(ctx context.Context) ([]*types.QoSSession, error)
	// Session returns the session of an id.
	Session(ctx context.Context, id string) (*types.QoSSession, error)
	// Outline returns the rounds of a session, ordered by index, without the envelopes that they are proven by.
	Outline(ctx context.Context, id string) ([]*types.QoSRound, error)
	// Page returns the first rounds of a session from an index on, at most limit, and how many rounds the session has.
	Page(ctx context.Context, id string, from uint32, limit int) (page []*types.QoSRound, stored int, err error)
}

// only leaves the session of an id; all for the empty one. Errors: modules.ErrUnknownSession.
func only(sessions []*types.QoSSession, id string) ([]*types.QoSSession, error) {
	if id == "" {
		return sessions, nil
	}
	sessions = slices.DeleteFunc(sessions, func(s *types.QoSSession) bool { return s.GetHeader().GetId() != id })
	if len(sessions) == 0 {
		return nil, modules.ErrUnknownSession
	}
	return sessions, nil
}

// unreadable reports whether a session cannot be read for what the store's disk does, while others perhaps can.
func unreadable(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !errors.Is(err, modules.ErrStoreClosed)
}

func hasMember(session *types.QoSSession, servicer string) bool {
	return slices.ContainsFunc(session.GetServicers(), func(s *types.QoSServicer) bool { return s.GetAddress() == servicer })
}
