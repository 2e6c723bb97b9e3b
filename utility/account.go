package utility

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Account returns what an address owns. An address that never owned anything has an empty account.
func Account(r Reader, address string) (*types.Account, error) {
	key, err := accountKey(address)
	if err != nil {
		return nil, err
	}
	value, err := r.Get(key)
	if err != nil {
		return nil, fmt.Errorf("read account %s: %w", address, err)
	}
	account := &types.Account{Address: address}
	if value == nil {
		return account, nil
	}
	if err := proto.Unmarshal(value, account); err != nil {
		return nil, fmt.Errorf("decode account %s: %w", address, err)
	}
	return account, nil
}

func setAccount(store Store, account *types.Account) error {
	key, err := accountKey(account.GetAddress())
	if err != nil {
		return err
	}
	if err := setMessage(store, key, account); err != nil {
		return fmt.Errorf("store account %s: %w", account.GetAddress(), err)
	}
	return nil
}

// credit adds an amount to an account.
func credit(store Store, address string, amount uint64) error {
	account, err := Account(store, address)
	if err != nil {
		return err
	}
	if account.BalanceUpokt, err = sum(account.BalanceUpokt, amount); err != nil {
		return fmt.Errorf("credit account %s: %w", address, err)
	}
	return setAccount(store, account)
}

// Fees returns the total of collected fees in uPOKT. They are not paid out yet.
func Fees(r Reader) (uint64, error) {
	value, err := r.Get([]byte(feesKey))
	switch {
	case err != nil:
		return 0, fmt.Errorf("read collected fees: %w", err)
	case value == nil:
		return 0, nil
	case len(value) != 8:
		return 0, fmt.Errorf("decode collected fees: %d bytes, want 8", len(value))
	}
	return binary.BigEndian.Uint64(value), nil
}

func collect(store Store, fee uint64) error {
	fees, err := Fees(store)
	if err != nil {
		return err
	}
	if fees, err = sum(fees, fee); err != nil {
		return fmt.Errorf("collect fee: %w", err)
	}
	if fees == 0 {
		return nil
	}
	return store.Set([]byte(feesKey), binary.BigEndian.AppendUint64(nil, fees))
}

// sum adds amounts. No sum that follows from a valid genesis overflows, because the total supply does not.
func sum(a, b uint64) (uint64, error) {
	if a > math.MaxUint64-b {
		return 0, fmt.Errorf("%d + %d uPOKT is more than can be counted", a, b)
	}
	return a + b, nil
}
