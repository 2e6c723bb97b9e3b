package localnet

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pocket-fisherman/fisherman/node"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// RelayChain is the LocalNet's own chain as a relay chain; there may also be EthereumChain.
	RelayChain = node.NativeChain
	// GeoZone is the one geo zone of a LocalNet.
	GeoZone = "local"

	sessionsRetained = 100

	// balance is what each actor owns besides its stake, in uPOKT: 100 000 POKT, enough to stake several times.
	balance = 100_000_000_000
	// practiceBalance is what each validator owns: 1 000 000 000 POKT. Theirs are the accounts that documents and people send
	// from, to every key that they try a role with; with 20 000 POKT at a time it lasts for 50 000 sends.
	practiceBalance = 1_000_000_000_000_000
	// minimumPauseBlocks is short, to make pauses easy to try.
	minimumPauseBlocks = 2
)

// newGenesis returns the genesis of a LocalNet with fitted options: the default parameters with the options' own,
// validators, one application and fishermen, each of which is in every session, and a servicer for each service URL, all with
// the minimum stake and an account. The first validator owns all parameters; stakes unbond within two sessions.
func newGenesis(o Options, validators, fishermen int, serviceURLs []string, at time.Time) *genesis.Genesis {
	params := genesis.DefaultParams()
	params.Session.BlocksPerSession = o.BlocksPerSession
	params.Session.ServicersPerSession = cmp.Or(o.ServicersPerSession, max(params.Session.ServicersPerSession, uint32(len(serviceURLs))))
	params.Session.FishermenPerSession = uint32(fishermen)
	params.Qos.ChecksPerSession = o.ChecksPerSession
	params.Qos.SessionsRetained = sessionsRetained

	stake := params.Stake
	stake.ApplicationUnbondingBlocks, stake.ServicerUnbondingBlocks = 2*o.BlocksPerSession, 2*o.BlocksPerSession
	stake.FishermanUnbondingBlocks, stake.ValidatorUnbondingBlocks = 2*o.BlocksPerSession, 2*o.BlocksPerSession
	stake.MinimumPauseBlocks = minimumPauseBlocks
	params.Governance = newGovernance(o.Seed, fishermen)
	var actors []*types.Actor
	for i := range validators {
		actors = append(actors, newActor(o, types.ActorType_ACTOR_TYPE_VALIDATOR, i, stake.ValidatorMinimumUpokt))
	}
	actors = append(actors, newActor(o, types.ActorType_ACTOR_TYPE_APPLICATION, 0, stake.ApplicationMinimumUpokt))
	for i := range fishermen {
		actors = append(actors, newActor(o, types.ActorType_ACTOR_TYPE_FISHERMAN, i, stake.FishermanMinimumUpokt))
	}
	for i, url := range serviceURLs {
		servicer := newActor(o, types.ActorType_ACTOR_TYPE_SERVICER, i, stake.ServicerMinimumUpokt)
		servicer.ServiceUrl = url
		actors = append(actors, servicer)
	}
	return &genesis.Genesis{
		ChainId:     ChainID(o.Seed),
		GenesisTime: timestamppb.New(at),
		Params:      params,
		Actors:      actors,
		Accounts:    newAccounts(actors),
	}
}

// newGovernance returns governance in which the first validator may change parameters, and the fishermen may stake
// again after they have unstaked.
func newGovernance(seed uint64, fishermen int) *genesis.GovernanceParams {
	owner := Key(seed, types.ActorType_ACTOR_TYPE_VALIDATOR, 0).Address()
	listed := make([]string, fishermen)
	for i := range listed {
		listed[i] = Key(seed, types.ActorType_ACTOR_TYPE_FISHERMAN, i).Address()
	}
	slices.Sort(listed)
	return &genesis.GovernanceParams{
		SessionOwner: owner, StakeOwner: owner, QosOwner: owner, FeeOwner: owner, RelayOwner: owner,
		GovernanceOwner:     owner,
		FishermanAccessList: listed,
	}
}

// newAccounts returns an account for every actor, to pay fees, raise stakes and send to others.
func newAccounts(actors []*types.Actor) []*types.Account {
	accounts := make([]*types.Account, len(actors))
	for i, actor := range actors {
		owned := uint64(balance)
		if actor.GetType() == types.ActorType_ACTOR_TYPE_VALIDATOR {
			owned = practiceBalance
		}
		accounts[i] = &types.Account{Address: actor.GetAddress(), BalanceUpokt: owned}
	}
	return accounts
}

func newActor(o Options, role types.ActorType, index int, stake uint64) *types.Actor {
	key := Key(o.Seed, role, index)
	actor := &types.Actor{
		Type:       role,
		Address:    key.Address(),
		PublicKey:  key.PublicKeyHex(),
		StakeUpokt: stake,
	}
	if role != types.ActorType_ACTOR_TYPE_VALIDATOR {
		actor.Chains = o.RelayChains()
		actor.GeoZone = GeoZone
	}
	return actor
}
