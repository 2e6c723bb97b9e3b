package session

import (
	"encoding/hex"
	"fmt"

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

// New assembles the session: its id, and its members, selected among the actors that may take part in it (MayTakePart) on
// the relay chain and in the application's geo zone. It shares the actors of its basis. It fails only when the
// application's public key is not hex.
func New(basis Basis) (*types.Session, error) {
	header, err := basis.Header()
	if err != nil {
		return nil, err
	}
	blocks := basis.Params.GetBlocksPerSession()
	members := func(actors []*types.Actor, actorType types.ActorType, n uint32) []*types.Actor {
		fit := candidates(actors, actorType, header.GetRelayChain(), header.GetGeoZone(), FixedAt(header.GetStartHeight(), blocks))
		return Select(header.GetId(), fit, int(n))
	}
	return &types.Session{
		Header:      header,
		Blocks:      blocks,
		Height:      basis.Height,
		Application: basis.Application,
		Servicers: members(basis.Servicers, types.ActorType_ACTOR_TYPE_SERVICER,
			basis.Params.GetServicersPerSession()),
		Fishermen: members(basis.Fishermen, types.ActorType_ACTOR_TYPE_FISHERMAN,
			basis.Params.GetFishermenPerSession()),
	}, nil
}

// Header returns what identifies the session; Servicers and Fishermen are not needed. It fails only when the application's
// public key is not hex.
func (b *Basis) Header() (*types.SessionHeader, error) {
	application := b.Application
	publicKey, err := hex.DecodeString(application.GetPublicKey())
	if err != nil {
		return nil, fmt.Errorf("decode public key of application %s: %w", application.GetAddress(), err)
	}
	start, zone := StartHeight(b.Height, b.Params.GetBlocksPerSession()), application.GetGeoZone()
	return &types.SessionHeader{
		Id:          ID(b.ChainID, start, b.PreviousBlockHash, b.RelayChain, zone, publicKey),
		StartHeight: start,
		RelayChain:  b.RelayChain,
		GeoZone:     zone,
		Application: application.GetAddress(),
	}, nil
}

// candidates returns the actors of one type that may take part.
func candidates(actors []*types.Actor, actorType types.ActorType, chain, zone string, fixedAt int64) []*types.Actor {
	var fit []*types.Actor
	for _, actor := range actors {
		if actor.GetType() == actorType && MayTakePart(actor, chain, zone, fixedAt) {
			fit = append(fit, actor)
		}
	}
	return fit
}
