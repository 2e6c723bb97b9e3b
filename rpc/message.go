package rpc

import (
	"strconv"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// sendView is the message of a transfer.
type sendView struct {
	Recipient   string `json:"recipient"`
	AmountUPOKT string `json:"amount_upokt"`
}

// stakeView is the message that stakes an actor, or changes what it is staked for.
type stakeView struct {
	Type       string   `json:"type"`
	Chains     []string `json:"chains"`
	GeoZone    string   `json:"geo_zone"`
	ServiceURL string   `json:"service_url"`
	StakeUPOKT string   `json:"stake_upokt"`
}

// roleView is the message that ends, pauses or resumes a role.
type roleView struct {
	Type string `json:"type"`
}

// changeView is the message that changes a parameter: the value is decimal, a duration ("3s"), a name or a list.
type changeView struct {
	Parameter string `json:"parameter"`
	Value     any    `json:"value"`
}

// staking is what stake and edit_stake have in common.
type staking interface {
	GetType() types.ActorType
	GetChains() []string
	GetGeoZone() string
	GetServiceUrl() string
	GetStakeUpokt() uint64
}

// viewMessage is a transaction's message under the name of its kind.
func viewMessage(body *types.Transaction) map[string]any {
	switch message := body.GetMessage().(type) {
	case *types.Transaction_Send:
		return map[string]any{"send": sendView{message.Send.GetRecipient(), strconv.FormatUint(message.Send.GetAmountUpokt(), 10)}}
	case *types.Transaction_Stake:
		return map[string]any{"stake": viewStake(message.Stake)}
	case *types.Transaction_EditStake:
		return map[string]any{"edit_stake": viewStake(message.EditStake)}
	case *types.Transaction_Unstake:
		return map[string]any{"unstake": roleView{message.Unstake.GetType().Label()}}
	case *types.Transaction_Pause:
		return map[string]any{"pause": roleView{message.Pause.GetType().Label()}}
	case *types.Transaction_Unpause:
		return map[string]any{"unpause": roleView{message.Unpause.GetType().Label()}}
	case *types.Transaction_ChangeParameter:
		return map[string]any{"change_parameter": viewChange(message.ChangeParameter)}
	}
	return map[string]any{}
}

func viewStake(message staking) stakeView {
	return stakeView{message.GetType().Label(), append([]string{}, message.GetChains()...), message.GetGeoZone(), message.GetServiceUrl(),
		strconv.FormatUint(message.GetStakeUpokt(), 10)}
}

func viewChange(message *types.ChangeParameter) changeView {
	view := changeView{Parameter: message.GetParameter()}
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
