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
	// List lists the stored sessions, oldest first, without reading them.
	List(ctx context.Context) ([]modules.ListedSession, error)
	// Added reads a session and those of its rounds that are not known. known returns the mark of a round that is, and count is
	// how many are.
	Added(ctx context.Context, id string, count int, known func(index uint32) (modules.Mark, bool)) (modules.AddedRounds, error)
	// Session returns the session of an id.
	Session(ctx context.Context, id string) (*types.QoSSession, error)
	// Outline returns the rounds of a session, ordered by index, without the envelopes that they are proven by.
	Outline(ctx context.Context, id string) ([]*types.QoSRound, error)
	// Page returns the first rounds of a session from an index on, at most limit, and how many rounds the session has.
	Page(ctx context.Context, id string, from uint32, limit int) (page []*types.QoSRound, stored int, err error)
}

// only leaves the session of an id; all for the empty one. Errors: modules.ErrUnknownSession.
func only(list []modules.ListedSession, id string) ([]modules.ListedSession, error) {
	if id == "" {
		return list, nil
	}
	for i := range list {
		if list[i].Session.GetHeader().GetId() == id {
			return list[i : i+1], nil
		}
	}
	return nil, modules.ErrUnknownSession
}

// unreadable reports whether a session cannot be read for what the store's disk does, while others perhaps can.
func unreadable(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !errors.Is(err, modules.ErrStoreClosed)
}

func hasMember(session *types.QoSSession, servicer string) bool {
	return slices.ContainsFunc(session.GetServicers(), func(s *types.QoSServicer) bool { return s.GetAddress() == servicer })
}
