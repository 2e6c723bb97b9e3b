package session

import (
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Basis is everything that determines a session.
type Basis struct {
	ChainID string
	// Params in force; valid.
	Params *genesis.SessionParams
	// Height for which the session is requested, 1 or more.
	Height int64
	// PreviousBlockHash is the hash of the block before the session's start height; empty when there is none.
	PreviousBlockHash []byte
	// RelayChain is one of those that the application is staked for.
	RelayChain string
	// Application that is served, as it is in the state.
	Application *types.Actor
	// Servicers and Fishermen are the staked actors of each type, in any order; New picks those that qualify.
	Servicers, Fishermen []*types.Actor
}

// New assembles the session: its id, and its members, selected among the staked, unpaused actors of the relay chain and
// of the application's geo zone. It shares the actors of its basis. It fails only when the application's public key is
// not hex.
func New(basis Basis) (*types.Session, error) {
	application := basis.Application
	publicKey, err := hex.DecodeString(application.GetPublicKey())
	if err != nil {
		return nil, fmt.Errorf("decode public key of application %s: %w", application.GetAddress(), err)
	}
	blocks := basis.Params.GetBlocksPerSession()
	start, zone := StartHeight(basis.Height, blocks), application.GetGeoZone()
	id := ID(basis.ChainID, start, basis.PreviousBlockHash, basis.RelayChain, zone, publicKey)
	members := func(actors []*types.Actor, actorType types.ActorType, n uint32) []*types.Actor {
		return Select(id, candidates(actors, actorType, basis.RelayChain, zone), int(n))
	}
	return &types.Session{
		Header: &types.SessionHeader{
			Id:          id,
			StartHeight: start,
			RelayChain:  basis.RelayChain,
			GeoZone:     zone,
			Application: application.GetAddress(),
		},
		Blocks:      blocks,
		Height:      basis.Height,
		Application: application,
		Servicers: members(basis.Servicers, types.ActorType_ACTOR_TYPE_SERVICER,
			basis.Params.GetServicersPerSession()),
		Fishermen: members(basis.Fishermen, types.ActorType_ACTOR_TYPE_FISHERMAN,
			basis.Params.GetFishermenPerSession()),
	}, nil
}

// candidates returns the actors of one type that may be members: unpaused, of the chain and of the zone.
func candidates(actors []*types.Actor, actorType types.ActorType, chain, zone string) []*types.Actor {
	var fit []*types.Actor
	for _, actor := range actors {
		if actor.GetType() == actorType && actor.GetPausedHeight() == 0 && actor.GetGeoZone() == zone &&
			slices.Contains(actor.GetChains(), chain) {
			fit = append(fit, actor)
		}
	}
	return fit
}
