package utility

import (
	"context"
	"errors"
	"fmt"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// Versions are the committed versions of the state. New ones may be added while they are read.
type Versions interface {
	// Latest returns the last committed height; 0 before the first block.
	Latest() int64
	// Oldest returns the oldest committed height that is kept; 0 before the first block.
	Oldest() int64
	// At returns the state after the block at height. Errors: modules.ErrHeightUnavailable.
	At(height int64) (Reader, error)
}

// Module answers questions about the committed state. It is safe for concurrent use.
type Module struct {
	versions Versions
}

var _ modules.UtilityModule = (*Module)(nil)

// NewModule returns a Module over committed versions.
func NewModule(versions Versions) *Module { return &Module{versions: versions} }

// Height returns the last committed height; 0 before the first block.
func (m *Module) Height() int64 { return m.versions.Latest() }

// Session returns the session of an application on a relay chain that the block at height belongs to, from height 1 to
// one block into the future. Its members follow from the state after the block before height; those of block 1 from the
// state after block 1. Errors: modules.ErrHeightUnavailable, modules.ErrUnknownActor, modules.ErrChainNotStaked,
// modules.ErrApplicationPaused, modules.ErrApplicationNew.
func (m *Module) Session(ctx context.Context, height int64, application, relayChain string) (*types.Session, error) {
	r, err := m.before(ctx, height)
	if err != nil {
		return nil, err
	}
	session, err := Session(r, height, application, relayChain)
	if err != nil {
		return nil, fmt.Errorf("session at height %d: %w", height, err)
	}
	return session, nil
}

// FishermanSessions returns the sessions of the block at height that have a fisherman in them, of the same heights and by
// the same states as Session, ordered by application and relay chain. Errors: modules.ErrHeightUnavailable. Fishing does it
// block after block.
func (m *Module) FishermanSessions(ctx context.Context, height int64, fisherman string) ([]*types.Session, error) {
	return NewFishing(m, fisherman).Sessions(ctx, height)
}

// before returns the state that the sessions of a height follow from.
func (m *Module) before(ctx context.Context, height int64) (Reader, error) {
	latest := m.versions.Latest()
	if latest < 1 {
		return nil, errNoBlock()
	}
	if height < 1 || height > latest+1 {
		return nil, fmt.Errorf("%w: %d, sessions are known for heights %d to %d",
			modules.ErrHeightUnavailable, height, m.oldestSession(), latest+1)
	}
	r, err := m.at(ctx, max(height-1, 1))
	if gone, is := errors.AsType[*modules.HeightNotKept](err); is {
		return nil, &modules.HeightNotKept{Height: height, Oldest: gone.Oldest + 1, Newest: latest + 1}
	}
	return r, err
}

// oldestSession returns the oldest height whose sessions are known.
func (m *Module) oldestSession() int64 {
	if oldest := m.versions.Oldest(); oldest > 1 {
		return oldest + 1
	}
	return 1
}

// Actors returns the staked actors of one type in the state after the block at height, ordered by address. Errors:
// modules.ErrHeightUnavailable.
func (m *Module) Actors(ctx context.Context, height int64, actorType types.ActorType) ([]*types.Actor, error) {
	r, err := m.committed(ctx, height)
	if err != nil {
		return nil, err
	}
	return Actors(r, actorType)
}

// Params returns the governed parameters in the state after the block at height. Errors: modules.ErrHeightUnavailable.
func (m *Module) Params(ctx context.Context, height int64) (*genesis.Params, error) {
	r, err := m.committed(ctx, height)
	if err != nil {
		return nil, err
	}
	return Params(r)
}

// NextParams returns the parameters that the next session starts with, as far as is known after the block at height. Errors:
// modules.ErrHeightUnavailable.
func (m *Module) NextParams(ctx context.Context, height int64) (*genesis.Params, error) {
	r, err := m.committed(ctx, height)
	if err != nil {
		return nil, err
	}
	return NextParams(r)
}

// Account returns what an address owns in the state after the block at height; an empty account when it never owned
// anything. Errors: modules.ErrHeightUnavailable.
func (m *Module) Account(ctx context.Context, height int64, address string) (*types.Account, error) {
	r, err := m.committed(ctx, height)
	if err != nil {
		return nil, err
	}
	return Account(r, address)
}

// Unbondings returns the stakes of an address that are on their way back to its account in the state after the block at
// height, the next to be unlocked first. Errors: modules.ErrHeightUnavailable.
func (m *Module) Unbondings(ctx context.Context, height int64, address string) ([]*types.Unbonding, error) {
	r, err := m.committed(ctx, height)
	if err != nil {
		return nil, err
	}
	return Unbondings(r, address)
}

// Supply returns where all uPOKT are in the state after the block at height. Errors: modules.ErrHeightUnavailable.
func (m *Module) Supply(ctx context.Context, height int64) (Supply, error) {
	r, err := m.committed(ctx, height)
	if err != nil {
		return Supply{}, err
	}
	return ReadSupply(r)
}

// ChainID returns the name of the chain. Errors: modules.ErrHeightUnavailable before the first block.
func (m *Module) ChainID(ctx context.Context) (string, error) {
	r, err := m.committed(ctx, m.versions.Latest())
	if err != nil {
		return "", err
	}
	return ChainID(r)
}

// committed returns the state after the block at height.
func (m *Module) committed(ctx context.Context, height int64) (Reader, error) {
	latest := m.versions.Latest()
	if latest < 1 {
		return nil, errNoBlock()
	}
	if height < 1 || height > latest {
		return nil, fmt.Errorf("%w: %d, heights %d to %d are committed", modules.ErrHeightUnavailable, height, max(m.versions.Oldest(), 1), latest)
	}
	return m.at(ctx, height)
}

func (m *Module) at(ctx context.Context, height int64) (Reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read state of height %d: %w", height, err)
	}
	r, err := m.versions.At(height)
	if gone, is := errors.AsType[*modules.HeightNotKept](err); is {
		return nil, gone
	}
	if err != nil {
		return nil, fmt.Errorf("read state of height %d: %w", height, err)
	}
	return r, nil
}

func errNoBlock() error {
	return fmt.Errorf("%w: no block is committed yet", modules.ErrHeightUnavailable)
}
