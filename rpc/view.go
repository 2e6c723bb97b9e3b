package rpc

import (
	"encoding/hex"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func viewAccount(height int64, account *types.Account, unbonding []*types.Unbonding) api.Account {
	view := api.Account{
		Height:       height,
		Address:      account.GetAddress(),
		BalanceUPOKT: upokt(account.GetBalanceUpokt()),
		Sequence:     account.GetSequence(),
		Unbonding:    []api.Unbonding{},
	}
	for _, u := range unbonding {
		view.Unbonding = append(view.Unbonding, api.Unbonding{Type: api.ActorType(u.GetType().Label()),
			AmountUPOKT: upokt(u.GetAmountUpokt()), UnlockHeight: u.GetUnlockHeight()})
	}
	return view
}

func viewReceipt(receipt Receipt) api.Receipt {
	view := api.Receipt{Hash: hex.EncodeToString(receipt.Hash), Height: receipt.Height, Code: int32(receipt.Code), Log: receipt.Log}
	view.Result = api.TransactionResultPending
	if receipt.Height > 0 {
		view.Result = api.TransactionResult(receipt.Code.Label())
	}
	view.ResultWord = api.WordOf(view.Result)
	return view
}

func viewActor(actor *types.Actor) api.Actor {
	since := make([]int64, len(actor.GetChains()))
	for i, chain := range actor.GetChains() {
		since[i], _ = actor.SinceOn(chain)
	}
	return api.Actor{
		Type:         api.ActorType(actor.GetType().Label()),
		Address:      actor.GetAddress(),
		PublicKey:    actor.GetPublicKey(),
		Chains:       append([]string{}, actor.GetChains()...),
		RelayChains:  append([]string{}, actor.GetChains()...),
		GeoZone:      actor.GetGeoZone(),
		ServiceURL:   actor.GetServiceUrl(),
		Operator:     actor.GetOperator(),
		StakeUPOKT:   upokt(actor.GetStakeUpokt()),
		PausedHeight: actor.GetPausedHeight(),
		SinceHeights: since,
	}
}

func viewActors(actors []*types.Actor) []api.Actor {
	views := make([]api.Actor, 0, len(actors))
	for _, actor := range actors {
		views = append(views, viewActor(actor))
	}
	return views
}

func viewSession(session *types.Session) api.Session {
	header := session.GetHeader()
	return api.Session{
		ID:          header.GetId(),
		StartHeight: header.GetStartHeight(),
		Blocks:      session.GetBlocks(),
		Height:      session.GetHeight(),
		RelayChain:  header.GetRelayChain(),
		GeoZone:     header.GetGeoZone(),
		Application: viewActor(session.GetApplication()),
		Servicers:   viewActors(session.GetServicers()),
		Fishermen:   viewActors(session.GetFishermen()),
	}
}
