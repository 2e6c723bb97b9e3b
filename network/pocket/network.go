package pocket

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// State is the chain's committed state, as far as a fisherman needs it. Errors: modules.ErrHeightUnavailable and, for
// Session, modules.ErrUnknownActor, modules.ErrChainNotStaked and modules.ErrApplicationPaused.
type State interface {
	Actors(ctx context.Context, height int64, actorType types.ActorType) ([]*types.Actor, error)
	Session(ctx context.Context, height int64, application, relayChain string) (*types.Session, error)
	Params(ctx context.Context, height int64) (*genesis.Params, error)
}

// Network is our own chain as one fisherman sees it.
type Network struct {
	fisherman.Heads
	*Asker
	state State
}

var _ fisherman.Network = (*Network)(nil)

// New returns the chain as the fisherman with a key sees it.
func New(heads fisherman.Heads, state State, key crypto.PrivateKey) *Network {
	return &Network{Heads: heads, Asker: &Asker{Key: key, Now: time.Now}, state: state}
}

// Sessions implements fisherman.Network.
func (n *Network) Sessions(ctx context.Context, height int64) ([]*types.Session, error) {
	applications, err := n.state.Actors(ctx, height, types.ActorType_ACTOR_TYPE_APPLICATION)
	if err != nil {
		return nil, fmt.Errorf("read applications: %w", err)
	}
	address := n.Key.Address()
	var own []*types.Session
	for _, application := range applications {
		for _, chain := range application.GetChains() {
			session, err := n.state.Session(ctx, height, application.GetAddress(), chain)
			if noSession(err) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("read session of %s on %s: %w", application.GetAddress(), chain, err)
			}
			if slices.ContainsFunc(session.GetFishermen(), func(a *types.Actor) bool { return a.GetAddress() == address }) {
				own = append(own, session)
			}
		}
	}
	return own, nil
}

// noSession reports whether an application has no session at a height at which it is staked: it was paused, or staked in
// the block itself, so that its sessions begin with the next.
func noSession(err error) bool {
	return errors.Is(err, modules.ErrUnknownActor) || errors.Is(err, modules.ErrChainNotStaked) || errors.Is(err, modules.ErrApplicationPaused)
}
