package rpc

import (
	"encoding/hex"
	"strconv"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// healthView is the body of GET /v1/health and of GET /v1/ready.
type healthView struct {
	Status string `json:"status"`
}

// statusView is the body of GET /v1/status.
type statusView struct {
	ChainID   string  `json:"chain_id"`
	Height    int64   `json:"height"`
	Fisherman *string `json:"fisherman"`
	Version   string  `json:"version"`
}

// actorView is one staked actor. The stake is decimal text: it may exceed what a JSON number holds exactly.
type actorView struct {
	Type         string   `json:"type"`
	Address      string   `json:"address"`
	PublicKey    string   `json:"public_key"`
	Chains       []string `json:"chains"`
	GeoZone      string   `json:"geo_zone"`
	ServiceURL   string   `json:"service_url"`
	StakeUPOKT   string   `json:"stake_upokt"`
	PausedHeight int64    `json:"paused_height"`
}

// actorsView is the body of GET /v1/actors.
type actorsView struct {
	Height int64       `json:"height"`
	Actors []actorView `json:"actors"`
}

// sessionView is the body of GET /v1/session; servicers and fishermen are in rank order.
type sessionView struct {
	ID          string      `json:"id"`
	StartHeight int64       `json:"start_height"`
	Blocks      int64       `json:"blocks"`
	Height      int64       `json:"height"`
	RelayChain  string      `json:"relay_chain"`
	GeoZone     string      `json:"geo_zone"`
	Application actorView   `json:"application"`
	Servicers   []actorView `json:"servicers"`
	Fishermen   []actorView `json:"fishermen"`
}

// unbondingView is a stake on its way back to its account.
type unbondingView struct {
	Type         string `json:"type"`
	AmountUPOKT  string `json:"amount_upokt"`
	UnlockHeight int64  `json:"unlock_height"`
}

// accountView is the body of GET /v1/account.
type accountView struct {
	Height       int64           `json:"height"`
	Address      string          `json:"address"`
	BalanceUPOKT string          `json:"balance_upokt"`
	Sequence     uint64          `json:"sequence"`
	Unbonding    []unbondingView `json:"unbonding"`
}

// receiptView is the body of POST /v1/tx: the result is that of height; height 0 has none yet.
type receiptView struct {
	Hash   string `json:"hash"`
	Height int64  `json:"height"`
	Code   int32  `json:"code"`
	Result string `json:"result"`
	Log    string `json:"log"`
}

func viewAccount(height int64, account *types.Account, unbonding []*types.Unbonding) accountView {
	view := accountView{
		Height:       height,
		Address:      account.GetAddress(),
		BalanceUPOKT: strconv.FormatUint(account.GetBalanceUpokt(), 10),
		Sequence:     account.GetSequence(),
		Unbonding:    []unbondingView{},
	}
	for _, u := range unbonding {
		view.Unbonding = append(view.Unbonding, unbondingView{
			u.GetType().Label(), strconv.FormatUint(u.GetAmountUpokt(), 10), u.GetUnlockHeight()})
	}
	return view
}

func viewReceipt(receipt Receipt) receiptView {
	view := receiptView{Hash: hex.EncodeToString(receipt.Hash), Height: receipt.Height, Code: int32(receipt.Code), Log: receipt.Log}
	view.Result = "PENDING"
	if receipt.Height > 0 {
		view.Result = receipt.Code.Label()
	}
	return view
}

func viewActor(actor *types.Actor) actorView {
	return actorView{
		Type:         actor.GetType().Label(),
		Address:      actor.GetAddress(),
		PublicKey:    actor.GetPublicKey(),
		Chains:       append([]string{}, actor.GetChains()...),
		GeoZone:      actor.GetGeoZone(),
		ServiceURL:   actor.GetServiceUrl(),
		StakeUPOKT:   strconv.FormatUint(actor.GetStakeUpokt(), 10),
		PausedHeight: actor.GetPausedHeight(),
	}
}

func viewActors(actors []*types.Actor) []actorView {
	views := make([]actorView, 0, len(actors))
	for _, actor := range actors {
		views = append(views, viewActor(actor))
	}
	return views
}

func viewSession(session *types.Session) sessionView {
	header := session.GetHeader()
	return sessionView{
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
