package utility

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Reader reads one version of the state.
type Reader interface {
	// Get is the value of a key; nil, nil when there is none. The caller may keep and change it.
	Get(key []byte) ([]byte, error)
	// Iterate visits the entries whose key starts with prefix, in ascending order of keys, until visit returns true. The
	// slices may be kept and changed.
	Iterate(prefix []byte, visit func(key, value []byte) (stop bool)) error
}

// Store is the working state that the next version is made of.
type Store interface {
	Reader
	Set(key, value []byte) error
	Delete(key []byte) error
}

// The state's keys. No key prefix is a prefix of another.
//
//	chain-id                              name of the chain, UTF-8
//	params                                genesis.Params in force
//	next-params                           genesis.Params of the next session; absent while nothing changes
//	fees                                  fees collected so far in uPOKT, 8 big-endian; absent while there are none
//	account/ <address, 20>                types.Account
//	actor/ <type, 1 byte> <address, 20>   types.Actor
//	unbonding/ <unlock height, 8 big-endian> <type, 1 byte> <address, 20>
//	                                      types.Unbonding
//	block-hash/ <height, 8 big-endian>    hash of the block, kept for each block before a session
//
// Messages are stored in protobuf's deterministic form. None of them has a map field, so that form is unique.
const (
	chainIDKey      = "chain-id"
	paramsKey       = "params"
	nextParamsKey   = "next-params"
	feesKey         = "fees"
	accountPrefix   = "account/"
	actorPrefix     = "actor/"
	unbondingPrefix = "unbonding/"
	blockHashPrefix = "block-hash/"
)

// actorsKey returns the common prefix of the keys of all actors of a type.
func actorsKey(actorType types.ActorType) []byte {
	return append([]byte(actorPrefix), byte(actorType))
}

// actorKey returns the key of one actor. It fails when the address is malformed.
func actorKey(actorType types.ActorType, address string) ([]byte, error) {
	if err := types.ValidateAddress(address); err != nil {
		return nil, fmt.Errorf("address of %s: %w", actorType.Label(), err)
	}
	raw, err := hex.DecodeString(address)
	if err != nil {
		return nil, fmt.Errorf("address of %s: %w", actorType.Label(), err)
	}
	return append(actorsKey(actorType), raw...), nil
}

// accountKey returns the key of one account. It fails when the address is malformed.
func accountKey(address string) ([]byte, error) {
	if err := types.ValidateAddress(address); err != nil {
		return nil, fmt.Errorf("address of account: %w", err)
	}
	raw, err := hex.DecodeString(address)
	if err != nil {
		return nil, fmt.Errorf("address of account: %w", err)
	}
	return append([]byte(accountPrefix), raw...), nil
}

// unbondingKey orders unbonding stakes by the height at which they are unlocked.
func unbondingKey(unlock int64, actorType types.ActorType, address string) ([]byte, error) {
	actor, err := actorKey(actorType, address)
	if err != nil {
		return nil, err
	}
	key := binary.BigEndian.AppendUint64([]byte(unbondingPrefix), uint64(unlock))
	return append(key, actor[len(actorPrefix):]...), nil
}

func blockHashKey(height int64) []byte {
	return binary.BigEndian.AppendUint64([]byte(blockHashPrefix), uint64(height))
}

// setMessage stores a message in its deterministic form.
func setMessage(store Store, key []byte, message proto.Message) error {
	value, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		return fmt.Errorf("marshal: %w", err)
	}
	return store.Set(key, value)
}
