package pocket

import (
	"context"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// State is the chain's committed state, as far as a fisherman needs it. Errors: modules.ErrHeightUnavailable.
type State interface {
	// FishermanSessions returns the sessions of the block at height that have a fisherman in them.
	FishermanSessions(ctx context.Context, height int64, fisherman string) ([]*types.Session, error)
	Params(ctx context.Context, height int64) (*genesis.Params, error)
}

// Network is our own chain as one fisherman sees it.
type Network struct {
	fisherman.Heads
	*Asker
	state State

	mu sync.Mutex
	// params are those of a height, the last that was asked for: all sessions of one start have them.
	params *genesis.Params
	height int64
}

var _ fisherman.Network = (*Network)(nil)

// New returns the chain as the fisherman with a key sees it.
func New(heads fisherman.Heads, state State, key crypto.PrivateKey) *Network {
	return &Network{Heads: heads, Asker: &Asker{Key: key, Now: time.Now}, state: state}
}

// Sessions implements fisherman.Network.
func (n *Network) Sessions(ctx context.Context, height int64) ([]*types.Session, error) {
	return n.state.FishermanSessions(ctx, height, n.Key.Address())
}
