package utility

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/utility/session"
)

// EndBlock makes the changes that end a block, after its transactions: it unlocks the stakes that have unbonded, and
// when the next block starts a session, puts changed parameters into force, unstakes actors below a new minimum and
// fishermen that were taken off the access list, and records the hash of the block at height, since the session's id follows from it. Recorded hashes are kept, so that
// past sessions stay known.
func EndBlock(store Store, height int64, blockHash []byte) error {
	if err := endBlock(store, height, blockHash); err != nil {
		return fmt.Errorf("end block %d: %w", height, err)
	}
	return nil
}

func endBlock(store Store, height int64, blockHash []byte) error {
	if height < 1 {
		return errors.New("heights start at 1")
	}
	if len(blockHash) == 0 {
		return errors.New("the block has no hash")
	}
	params, err := Params(store)
	if err != nil {
		return err
	}
	if err := unlock(store, height); err != nil {
		return err
	}
	next := height + 1
	if session.StartHeight(next, params.GetSession().GetBlocksPerSession()) != next {
		return nil
	}
	if err := adoptParams(store, height, params); err != nil {
		return err
	}
	return store.Set(blockHashKey(height), blockHash)
}

// adoptParams puts the parameters of the next session into force, if any were changed.
func adoptParams(store Store, height int64, params *genesis.Params) error {
	next, err := readParams(store, nextParamsKey)
	if err != nil || next == nil {
		return err
	}
	if err := keepAValidator(store, params, next); err != nil {
		return err
	}
	if err := setMessage(store, []byte(paramsKey), next); err != nil {
		return fmt.Errorf("store parameters: %w", err)
	}
	if err := store.Delete([]byte(nextParamsKey)); err != nil {
		return fmt.Errorf("delete next parameters: %w", err)
	}
	for _, role := range roles {
		if err := unstakeBelowMinimum(store, height, next, role); err != nil {
			return err
		}
	}
	return dismiss(store, height, params, next)
}

// dismiss unstakes the fishermen that were taken off the access list. Those of the genesis may stay without ever having
// been on it.
func dismiss(store Store, height int64, params, next *genesis.Params) error {
	unlockHeight := height + next.GetStake().GetFishermanUnbondingBlocks()
	for _, address := range params.GetGovernance().GetFishermanAccessList() {
		if slices.Contains(next.GetGovernance().GetFishermanAccessList(), address) {
			continue
		}
		fisherman, err := lookUp(store, types.ActorType_ACTOR_TYPE_FISHERMAN, address)
		if err != nil {
			return err
		}
		if fisherman == nil {
			continue
		}
		if err := unbond(store, fisherman, unlockHeight); err != nil {
			return err
		}
	}
	return nil
}

// keepAValidator leaves the validators' minimum as it was when no active validator reaches the new one: a chain without
// validators could never make another block.
func keepAValidator(r Reader, params, next *genesis.Params) error {
	active, err := ActiveValidators(r)
	if err != nil {
		return err
	}
	for _, validator := range active {
		if validator.GetStakeUpokt() >= next.GetStake().GetValidatorMinimumUpokt() {
			return nil
		}
	}
	next.Stake.ValidatorMinimumUpokt = params.GetStake().GetValidatorMinimumUpokt()
	return nil
}

func unstakeBelowMinimum(store Store, height int64, params *genesis.Params, role types.ActorType) error {
	minimum, _ := params.GetStake().MinimumFor(role)
	actors, err := Actors(store, role)
	if err != nil {
		return err
	}
	for _, actor := range actors {
		if actor.GetStakeUpokt() >= minimum {
			continue
		}
		if err := unbond(store, actor, height+params.GetStake().UnbondingBlocksFor(role)); err != nil {
			return err
		}
	}
	return nil
}
