package pocket

import (
	"context"
	"fmt"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

var distributions = map[genesis.CheckDistribution]schedule.Distribution{
	genesis.CheckDistribution_CHECK_DISTRIBUTION_EVEN:              schedule.Even,
	genesis.CheckDistribution_CHECK_DISTRIBUTION_STRATIFIED_JITTER: schedule.StratifiedJitter,
	genesis.CheckDistribution_CHECK_DISTRIBUTION_UNIFORM_RANDOM:    schedule.UniformRandom,
}

// Policy implements fisherman.Network: it follows from the parameters as of the block before the session.
func (n *Network) Policy(ctx context.Context, session *types.Session) (fisherman.Policy, error) {
	params, err := n.paramsAt(ctx, max(1, session.GetHeader().GetStartHeight()-1))
	if err != nil {
		return fisherman.Policy{}, err
	}
	qos := params.GetQos()
	distribution, ok := distributions[qos.GetDistribution()]
	if !ok {
		return fisherman.Policy{}, fmt.Errorf("unknown distribution %v", qos.GetDistribution())
	}
	// Servicers reserve a number of relays for each planned check; half of the surplus is left to a fisherman that is
	// started again and repeats its checks.
	spare := qos.GetChecksPerSession() * (params.GetRelay().GetReservePerCheck() - 1)
	return fisherman.Policy{
		Rules: judge.Rules{
			Timeout:    qos.GetTimeout().AsDuration(),
			LatencySLA: qos.GetLatencySla().AsDuration(),
			MaxSkew:    qos.GetMaxSkew().AsDuration(),
			Quorum:     int(qos.GetConsistencyQuorum()),
			Reserve:    Reserve(params),
		},
		Checks:             int(qos.GetChecksPerSession()),
		Distribution:       distribution,
		ServicerOffset:     qos.GetServicerOffset().AsDuration(),
		NullSamplesAllowed: qos.GetNullSamplesAllowed(),
		SessionsRetained:   int(qos.GetSessionsRetained()),
		SamplesRequired:    qos.GetSamplesRequired(),
		ChecksOnDemand:     int(spare / 2),

		DisagreementsAllowed: qos.GetDisagreementsAllowed(),
		MaxLag:               qos.GetMaxLag(),
		LaggingAllowed:       qos.GetLaggingAllowed(),
		ColdShare:            qos.ColdShare(),
	}, nil
}

// paramsAt returns the parameters in the state after the block at height. Nobody may change them.
func (n *Network) paramsAt(ctx context.Context, height int64) (*genesis.Params, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.params == nil || n.height != height {
		params, err := n.state.Params(ctx, height)
		if err != nil {
			return nil, err
		}
		n.params, n.height = params, height
	}
	return n.params, nil
}

// Reserve returns how many relays a servicer keeps for each fisherman of a session; both sides reckon with it.
func Reserve(params *genesis.Params) uint64 {
	return uint64(params.GetQos().GetChecksPerSession()) * uint64(params.GetRelay().GetReservePerCheck())
}
