package rpc

import (
	"strconv"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// staking is what stake and edit_stake have in common.
type staking interface {
	GetType() types.ActorType
	GetChains() []string
	GetGeoZone() string
	GetServiceUrl() string
	GetOperator() string
	GetStakeUpokt() uint64
}

// viewMessage is a transaction's message under the name of its kind.
func viewMessage(body *types.Transaction) (view api.Message) {
	switch message := body.GetMessage().(type) {
	case *types.Transaction_Send:
		view.Send = &api.SendMessage{Recipient: message.Send.GetRecipient(), AmountUPOKT: upokt(message.Send.GetAmountUpokt())}
	case *types.Transaction_Stake:
		view.Stake = viewStake(message.Stake)
	case *types.Transaction_EditStake:
		view.EditStake = viewStake(message.EditStake)
	case *types.Transaction_Unstake:
		view.Unstake = &api.RoleMessage{Type: message.Unstake.GetType().Label()}
	case *types.Transaction_Pause:
		view.Pause = &api.RoleMessage{Type: message.Pause.GetType().Label()}
	case *types.Transaction_Unpause:
		view.Unpause = &api.RoleMessage{Type: message.Unpause.GetType().Label()}
	case *types.Transaction_ChangeParameter:
		view.ChangeParameter = viewChange(message.ChangeParameter)
	}
	return view
}

func viewStake(message staking) *api.StakeMessage {
	return &api.StakeMessage{Type: message.GetType().Label(), Chains: append([]string{}, message.GetChains()...), GeoZone: message.GetGeoZone(),
		ServiceURL: message.GetServiceUrl(), Operator: message.GetOperator(), StakeUPOKT: upokt(message.GetStakeUpokt())}
}

func viewChange(message *types.ChangeParameter) *api.ChangeMessage {
	view := &api.ChangeMessage{Parameter: message.GetParameter()}
	switch value := message.GetValue().(type) {
	case *types.ChangeParameter_Number:
		view.Value = strconv.FormatUint(value.Number, 10)
	case *types.ChangeParameter_Duration:
		view.Value = value.Duration.AsDuration().String()
	case *types.ChangeParameter_Text:
		view.Value = value.Text
	case *types.ChangeParameter_List:
		view.Value = append([]string{}, value.List.GetItems()...)
	}
	return view
}

// upokt is an amount as the API writes it.
func upokt(amount uint64) api.UPOKT { return api.UPOKTOf(amount) }
