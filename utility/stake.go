package utility

import (
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
)

// stake makes the signer an actor.
func (s *signing) stake(message *types.Stake) (effect, error) {
	present, err := s.role(message.GetType())
	if err != nil {
		return nil, err
	}
	role := message.GetType().Label()
	if present != nil {
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_ALREADY_STAKED,
			"%s is staked as %s already; its stake can be edited", s.Signer, role)
	}
	admitted := s.params.GetGovernance().GetFishermanAccessList()
	if message.GetType() == types.ActorType_ACTOR_TYPE_FISHERMAN && !slices.Contains(admitted, s.Signer) {
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_NOT_ADMITTED,
			"%s is not on the fisherman access list", s.Signer)
	}
	actor := &types.Actor{
		Type: message.GetType(), Address: s.Signer, PublicKey: s.PublicKey,
		Chains: message.GetChains(), GeoZone: message.GetGeoZone(), ServiceUrl: message.GetServiceUrl(),
		StakeUpokt: message.GetStakeUpokt(), Operator: message.GetOperator(),
	}
	actor.SetSince(s.height, nil)
	return s.settle(actor, 0)
}

// editStake replaces what the signer serves, and may raise its stake. The signer leaves the sessions of the chains for
// which that makes it another.
func (s *signing) editStake(message *types.EditStake) (effect, error) {
	present, err := s.staked(message.GetType())
	if err != nil {
		return nil, err
	}
	before := present.GetStakeUpokt()
	if message.GetStakeUpokt() < before {
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_STAKE_LOWERED,
			"a stake of %d uPOKT; an edit may not lower it below the present %d", message.GetStakeUpokt(), before)
	}
	actor := proto.Clone(present).(*types.Actor)
	actor.Chains, actor.GeoZone, actor.ServiceUrl = message.GetChains(), message.GetGeoZone(), message.GetServiceUrl()
	actor.StakeUpokt, actor.Operator = message.GetStakeUpokt(), message.GetOperator()
	actor.SetSince(s.height, present)
	return s.settle(actor, before)
}

// settle checks an actor as it would be staked, and takes the increase of its stake from the signer's account.
func (s *signing) settle(actor *types.Actor, before uint64) (effect, error) {
	limits := s.params.GetStake()
	if minimum, _ := limits.MinimumFor(actor.GetType()); actor.GetStakeUpokt() < minimum {
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_STAKE_TOO_LOW,
			"a stake of %d uPOKT; the least for role %s is %d", actor.GetStakeUpokt(), actor.GetType().Label(), minimum)
	}
	if most := limits.GetMaximumChains(); len(actor.GetChains()) > int(most) {
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_TOO_MANY_CHAINS,
			"%d relay chains; the most are %d", len(actor.GetChains()), most)
	}
	if err := genesis.ValidateService(actor, limits.GetMaximumChains()); err != nil {
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_INVALID_SERVICE, "%s", err)
	}
	if err := s.take(actor.GetStakeUpokt() - before); err != nil {
		return nil, err
	}
	if err := s.countable(actor, before); err != nil {
		return nil, err
	}
	return func(store Store) error { return setActor(store, actor) }, nil
}

// countable refuses a validator whose stake would make the total voting power overflow.
func (s *signing) countable(actor *types.Actor, before uint64) error {
	if actor.GetType() != types.ActorType_ACTOR_TYPE_VALIDATOR {
		return nil
	}
	validators, err := Actors(s.r, actor.GetType())
	if err != nil {
		return err
	}
	power := actor.GetStakeUpokt() - before
	for _, validator := range validators {
		power += min(validator.GetStakeUpokt(), math.MaxUint64-power)
	}
	if power > genesis.MaximumVotingPower {
		return transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_TOO_MUCH_POWER,
			"the stakes of all validators would be %d uPOKT; the most are %d", power, uint64(genesis.MaximumVotingPower))
	}
	return nil
}

// unstake takes the signer out of its role and starts the unbonding of its stake.
func (s *signing) unstake(role types.ActorType) (effect, error) {
	actor, err := s.staked(role)
	if err != nil {
		return nil, err
	}
	if err := s.dispensable(actor); err != nil {
		return nil, err
	}
	unlockHeight := s.height + s.params.GetStake().UnbondingBlocksFor(role)
	return func(store Store) error { return unbond(store, actor, unlockHeight) }, nil
}

// pause takes the signer out of sessions, or out of the validator set; the stake stays.
func (s *signing) pause(role types.ActorType) (effect, error) {
	actor, err := s.staked(role)
	if err != nil {
		return nil, err
	}
	if paused := actor.GetPausedHeight(); paused != 0 {
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_PAUSED,
			"%s %s is paused since height %d", role.Label(), s.Signer, paused)
	}
	if err := s.dispensable(actor); err != nil {
		return nil, err
	}
	actor.PausedHeight = s.height
	return func(store Store) error { return setActor(store, actor) }, nil
}

// unpause ends a pause. The signer comes into sessions as if it had staked now.
func (s *signing) unpause(role types.ActorType) (effect, error) {
	actor, err := s.staked(role)
	if err != nil {
		return nil, err
	}
	paused, least := actor.GetPausedHeight(), s.params.GetStake().GetMinimumPauseBlocks()
	if paused == 0 {
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_NOT_PAUSED,
			"%s %s is not paused", role.Label(), s.Signer)
	}
	if s.height-paused < least {
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_PAUSE_TOO_SHORT,
			"paused at height %d; a pause can end at height %d", paused, paused+least)
	}
	actor.PausedHeight = 0
	actor.SetSince(s.height, nil)
	return func(store Store) error { return setActor(store, actor) }, nil
}

// dispensable returns a refusal if the signer is the last active validator.
func (s *signing) dispensable(actor *types.Actor) error {
	if actor.GetType() != types.ActorType_ACTOR_TYPE_VALIDATOR || actor.GetPausedHeight() != 0 {
		return nil
	}
	active, err := ActiveValidators(s.r)
	if err != nil {
		return err
	}
	if len(active) <= 1 {
		return transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_LAST_VALIDATOR,
			"%s is the only active validator; without it there would be no block", s.Signer)
	}
	return nil
}

// role returns the signer as it is staked in a role; nil when it is not.
func (s *signing) role(role types.ActorType) (*types.Actor, error) {
	if err := validateRole(role); err != nil {
		return nil, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_UNKNOWN_ROLE, "%s", err)
	}
	return lookUp(s.r, role, s.Signer)
}

// staked returns the signer as it is staked in a role; a refusal when it is not.
func (s *signing) staked(role types.ActorType) (*types.Actor, error) {
	actor, err := s.role(role)
	if err == nil && actor == nil {
		err = transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_NOT_STAKED, "%s is not staked as %s", s.Signer, role.Label())
	}
	return actor, err
}
