package utility

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Supply is where all uPOKT are. No transaction and no block changes the total.
type Supply struct {
	// Liquid is in accounts, Staked with actors, Unbonding on the way back, Fees collected.
	Liquid, Staked, Unbonding, Fees uint64
}

// Total is everything together.
func (s Supply) Total() uint64 { return s.Liquid + s.Staked + s.Unbonding + s.Fees }

// ReadSupply adds up the whole state. It fails if the sum overflows.
func ReadSupply(r Reader) (Supply, error) {
	var supply Supply
	var err error
	if supply.Liquid, err = total(r, accountPrefix, new(types.Account), (*types.Account).GetBalanceUpokt); err != nil {
		return Supply{}, err
	}
	if supply.Staked, err = total(r, actorPrefix, new(types.Actor), (*types.Actor).GetStakeUpokt); err != nil {
		return Supply{}, err
	}
	if supply.Unbonding, err = total(r, unbondingPrefix, new(types.Unbonding), (*types.Unbonding).GetAmountUpokt); err != nil {
		return Supply{}, err
	}
	if supply.Fees, err = Fees(r); err != nil {
		return Supply{}, err
	}
	whole := uint64(0)
	for _, part := range []uint64{supply.Liquid, supply.Staked, supply.Unbonding, supply.Fees} {
		if whole, err = sum(whole, part); err != nil {
			return Supply{}, fmt.Errorf("add up the supply: %w", err)
		}
	}
	return supply, nil
}

// total adds up one amount of every message below a prefix; messages are decoded into scratch.
func total[M proto.Message](r Reader, prefix string, scratch M, amount func(M) uint64) (uint64, error) {
	whole := uint64(0)
	var failed error
	err := r.Iterate([]byte(prefix), func(_, value []byte) (stop bool) {
		if failed = proto.Unmarshal(value, scratch); failed == nil {
			whole, failed = sum(whole, amount(scratch))
		}
		return failed != nil
	})
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", prefix, err)
	}
	if failed != nil {
		return 0, fmt.Errorf("add up %s: %w", prefix, failed)
	}
	return whole, nil
}
