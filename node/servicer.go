package node

import (
	"context"
	"math"

	"github.com/pocket-fisherman/fisherman/network/pocket"
	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/utility"
)

// relayPolicies show servicers the parameters that govern relays.
type relayPolicies struct {
	utility *utility.Module
}

// RelayPolicy is made of the parameters as of the block before the session. The reserve of each fisherman covers the
// session's checks as often as the parameters say.
func (p relayPolicies) RelayPolicy(ctx context.Context, session *types.Session) (servicer.Policy, error) {
	params, err := p.utility.Params(ctx, max(1, session.GetHeader().GetStartHeight()-1))
	if err != nil {
		return servicer.Policy{}, err
	}
	relay := params.GetRelay()
	return servicer.Policy{
		RelaysPerPOKT:  relay.GetRelaysPerPokt(),
		Reserve:        pocket.Reserve(params),
		DifficultyBits: int(min(relay.GetVolumeDifficultyBits(), math.MaxUint8)),
	}, nil
}
