package utility

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/utility/session"
)

// Session returns the session of an application on a relay chain that the block at height belongs to, with the members
// that follow from the state r. That should be the state after the block before it (see Module). Errors:
// modules.ErrHeightUnavailable when height is below 1 or r is older than the session's start, modules.ErrUnknownActor,
// modules.ErrChainNotStaked, modules.ErrApplicationPaused, modules.ErrApplicationNew.
func Session(r Reader, height int64, application, relayChain string) (*types.Session, error) {
	basis, err := basisOf(r, height)
	if err != nil {
		return nil, err
	}
	if err := basis.serve(r, application, relayChain); err != nil {
		return nil, err
	}
	if basis.Servicers, err = Actors(r, types.ActorType_ACTOR_TYPE_SERVICER); err != nil {
		return nil, err
	}
	if basis.Fishermen, err = Actors(r, types.ActorType_ACTOR_TYPE_FISHERMAN); err != nil {
		return nil, err
	}
	return session.New(basis.Basis)
}

// basis is what determines a session, read from a state.
type basis struct{ session.Basis }

// basisOf reads what the sessions of a height have in common.
func basisOf(r Reader, height int64) (*basis, error) {
	if height < 1 {
		return nil, fmt.Errorf("%w: %d, heights start at 1", modules.ErrHeightUnavailable, height)
	}
	params, err := Params(r)
	if err != nil {
		return nil, err
	}
	b := &basis{session.Basis{Params: params.GetSession(), Height: height}}
	if b.ChainID, err = ChainID(r); err != nil {
		return nil, err
	}
	if b.PreviousBlockHash, err = hashBeforeSession(r, height, params); err != nil {
		return nil, err
	}
	return b, nil
}

// fixedAt returns the height after which it is fixed who may take part.
func (b *basis) fixedAt() int64 {
	blocks := b.Params.GetBlocksPerSession()
	return session.FixedAt(session.StartHeight(b.Height, blocks), blocks)
}

// serve sets the application, if it may have a session on the relay chain.
func (b *basis) serve(r Reader, address, relayChain string) error {
	application, err := servedApplication(r, address, relayChain)
	if err != nil {
		return err
	}
	if since, _ := application.SinceOn(relayChain); since > b.fixedAt() {
		return fmt.Errorf("%w: %s is on %s, as it is now, since height %d; its sessions begin at height %d", modules.ErrApplicationNew,
			address, relayChain, since, session.FirstStart(since, b.Params.GetBlocksPerSession()))
	}
	b.Application, b.RelayChain = application, relayChain
	return nil
}

// servedApplication returns the application, when it may have a session on the relay chain.
func servedApplication(r Reader, address, relayChain string) (*types.Actor, error) {
	if err := types.ValidateRelayChain(relayChain); err != nil {
		return nil, fmt.Errorf("relay chain: %w", err)
	}
	application, err := Actor(r, types.ActorType_ACTOR_TYPE_APPLICATION, address)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(application.GetChains(), relayChain) {
		return nil, fmt.Errorf("%w %s: %s is staked for %s", modules.ErrChainNotStaked, relayChain, address,
			strings.Join(application.GetChains(), ", "))
	}
	if paused := application.GetPausedHeight(); paused != 0 {
		return nil, fmt.Errorf("%w: %s since height %d", modules.ErrApplicationPaused, address, paused)
	}
	return application, nil
}

// hashBeforeSession returns the hash of the block before the session that height belongs to. A session that starts with
// the chain has no block before it, and an empty hash.
func hashBeforeSession(r Reader, height int64, params *genesis.Params) ([]byte, error) {
	start := session.StartHeight(height, params.GetSession().GetBlocksPerSession())
	if start <= 1 {
		return nil, nil
	}
	hash, err := r.Get(blockHashKey(start - 1))
	if err != nil {
		return nil, fmt.Errorf("read hash of block %d: %w", start-1, err)
	}
	if hash == nil {
		return nil, fmt.Errorf("%w: %d belongs to the session that starts at %d, and the state does not know block %d",
			modules.ErrHeightUnavailable, height, start, start-1)
	}
	return hash, nil
}
