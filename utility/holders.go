package utility

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Holders returns the addresses that begin with a prefix, ordered, at most limit: those that are staked as role, or with
// ActorType_ACTOR_TYPE_UNSPECIFIED those that have an account.
func Holders(r Reader, role types.ActorType, prefix string, limit int) ([]string, error) {
	stem := []byte(accountPrefix)
	if role != types.ActorType_ACTOR_TYPE_UNSPECIFIED {
		if err := validateRole(role); err != nil {
			return nil, err
		}
		stem = actorsKey(role)
	}
	var found []string
	for _, whole := range bytesOf(prefix) {
		err := r.Iterate(slices.Concat(stem, whole), func(key, _ []byte) (stop bool) {
			found = append(found, hex.EncodeToString(key[len(stem):]))
			return len(found) >= limit
		})
		if err != nil {
			return nil, fmt.Errorf("read addresses: %w", err)
		}
		if len(found) >= limit {
			break
		}
	}
	return found, nil
}

// bytesOf returns the bytes that addresses with a prefix begin with, ordered: sixteen ways for an odd number of digits. None
// begins with what is no hex digit of lower case.
func bytesOf(prefix string) [][]byte {
	ends := []string{""}
	if len(prefix)%2 == 1 {
		ends = strings.Split("0123456789abcdef", "")
	}
	var all [][]byte
	for _, end := range ends {
		whole, err := hex.DecodeString(prefix + end)
		if err != nil || prefix != strings.ToLower(prefix) {
			return nil
		}
		all = append(all, whole)
	}
	return all
}

// Addresses is Holders of the state after the block at height. Errors: modules.ErrHeightUnavailable.
func (m *Module) Addresses(ctx context.Context, height int64, role types.ActorType, prefix string, limit int) ([]string, error) {
	r, err := m.committed(ctx, height)
	if err != nil {
		return nil, err
	}
	return Holders(r, role, prefix, limit)
}
