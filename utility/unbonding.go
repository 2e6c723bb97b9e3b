package utility

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Unbondings returns the stakes of an address that are on their way back to its account, the next to be unlocked first.
func Unbondings(r Reader, address string) ([]*types.Unbonding, error) {
	all, err := unbondings(r, func(*types.Unbonding) bool { return false })
	if err != nil {
		return nil, err
	}
	var own []*types.Unbonding
	for _, unbonding := range all {
		if unbonding.GetAddress() == address {
			own = append(own, unbonding)
		}
	}
	return own, nil
}

// unbondings reads unbonding stakes in the order of their keys, which is that of their unlock heights, up to the first
// for which beyond returns true.
func unbondings(r Reader, beyond func(*types.Unbonding) bool) ([]*types.Unbonding, error) {
	var read []*types.Unbonding
	var failed error
	err := r.Iterate([]byte(unbondingPrefix), func(_, value []byte) (stop bool) {
		unbonding := new(types.Unbonding)
		if failed = proto.Unmarshal(value, unbonding); failed != nil || beyond(unbonding) {
			return true
		}
		read = append(read, unbonding)
		return false
	})
	if err != nil {
		return nil, fmt.Errorf("read unbonding stakes: %w", err)
	}
	if failed != nil {
		return nil, fmt.Errorf("decode an unbonding stake: %w", failed)
	}
	return read, nil
}

// unbond removes an actor from the state and starts the unbonding of its stake. An actor that stakes and unstakes twice
// within a block gets one entry.
func unbond(store Store, actor *types.Actor, unlockHeight int64) error {
	actorKey, err := actorKey(actor.GetType(), actor.GetAddress())
	if err != nil {
		return err
	}
	key, err := unbondingKey(unlockHeight, actor.GetType(), actor.GetAddress())
	if err != nil {
		return err
	}
	entry := &types.Unbonding{Type: actor.GetType(), Address: actor.GetAddress(), UnlockHeight: unlockHeight}
	value, err := store.Get(key)
	if err != nil {
		return fmt.Errorf("read unbonding stake: %w", err)
	}
	if value != nil {
		err = proto.Unmarshal(value, entry)
	}
	if err != nil {
		return fmt.Errorf("decode unbonding stake: %w", err)
	}
	if entry.AmountUpokt, err = sum(entry.AmountUpokt, actor.GetStakeUpokt()); err != nil {
		return err
	}
	if err := store.Delete(actorKey); err != nil {
		return fmt.Errorf("delete %s %s: %w", actor.GetType().Label(), actor.GetAddress(), err)
	}
	return setMessage(store, key, entry)
}

// unlock pays out the stakes whose unbonding ended by a height.
func unlock(store Store, height int64) error {
	due, err := unbondings(store, func(u *types.Unbonding) bool { return u.GetUnlockHeight() > height })
	if err != nil {
		return err
	}
	for _, unbonding := range due {
		key, err := unbondingKey(unbonding.GetUnlockHeight(), unbonding.GetType(), unbonding.GetAddress())
		if err != nil {
			return err
		}
		if err := credit(store, unbonding.GetAddress(), unbonding.GetAmountUpokt()); err != nil {
			return err
		}
		if err := store.Delete(key); err != nil {
			return fmt.Errorf("delete unbonding stake: %w", err)
		}
	}
	return nil
}
