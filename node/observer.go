package node

import (
	"context"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// observer is told of what the fisherman stored, once it is durable, by the goroutine that stored it: its functions
// return at once and change nothing. A session is told of again whenever it changed.
type observer struct {
	round   func(*types.QoSRound)
	session func(*types.QoSSession)
}

// observedStore is a store whose observers are told. The fisherman knows nothing of them.
type observedStore struct {
	fisherman.Store
	observers []observer
}

// PutRound stores a round.
func (s observedStore) PutRound(ctx context.Context, round *types.QoSRound) error {
	if err := s.Store.PutRound(ctx, round); err != nil {
		return err
	}
	for _, observer := range s.observers {
		observer.round(round)
	}
	return nil
}

// PutSession stores a session.
func (s observedStore) PutSession(ctx context.Context, session *types.QoSSession) error {
	if err := s.Store.PutSession(ctx, session); err != nil {
		return err
	}
	for _, observer := range s.observers {
		observer.session(session)
	}
	return nil
}
