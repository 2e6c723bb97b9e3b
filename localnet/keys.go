package localnet

import (
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"strconv"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

const (
	keyLabel      = "pocket/localnet/key/v1"
	chainIDPrefix = "pocket-localnet-"
)

// Key returns the development key of an actor of the LocalNet with the given seed; servicers, and the validators and
// fishermen of a Fleet, count from index 0; the other roles have only index 0. The key is SHA-256 over length-prefixed label, seed,
// role and index, so anyone can compute it. Never use it on a real network.
func Key(seed uint64, role types.ActorType, index int) crypto.PrivateKey {
	material := binary.BigEndian.AppendUint32(nil, uint32(len(keyLabel)))
	material = append(material, keyLabel...)
	material = binary.BigEndian.AppendUint64(material, seed)
	material = binary.BigEndian.AppendUint32(material, uint32(role))
	material = binary.BigEndian.AppendUint64(material, uint64(index))
	return crypto.KeyFromSeed(sha256.Sum256(material))
}

// ChainID returns the id of the LocalNet's chain: "pocket-localnet-" and the seed in decimal.
func ChainID(seed uint64) string {
	return chainIDPrefix + strconv.FormatUint(seed, 10)
}

// SeedOf returns the inverse of ChainID; false if the chain is not a LocalNet's.
func SeedOf(chainID string) (uint64, bool) {
	digits, ok := strings.CutPrefix(chainID, chainIDPrefix)
	if !ok {
		return 0, false
	}
	seed, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || ChainID(seed) != chainID {
		return 0, false
	}
	return seed, true
}

// FindKey returns the key of an address among the actors that a LocalNet with this chain id can have; false if the
// chain is not a LocalNet's or the address belongs to none of its actors.
func FindKey(chainID, address string) (crypto.PrivateKey, bool) {
	seed, ok := SeedOf(chainID)
	if !ok || types.ValidateAddress(address) != nil {
		return crypto.PrivateKey{}, false
	}
	for key := range actorKeys(seed) {
		if key.Address() == address {
			return key, true
		}
	}
	return crypto.PrivateKey{}, false
}

// FindAddresses returns the addresses that begin with a prefix among the actors that a LocalNet with this chain id can have;
// none if the chain is not a LocalNet's.
func FindAddresses(chainID, prefix string) (found []string) {
	seed, ok := SeedOf(chainID)
	if !ok {
		return nil
	}
	for key := range actorKeys(seed) {
		if address := key.Address(); strings.HasPrefix(address, prefix) {
			found = append(found, address)
		}
	}
	return found
}

// actorKeys are the keys of all actors that a LocalNet can have.
func actorKeys(seed uint64) iter.Seq[crypto.PrivateKey] {
	return func(yield func(crypto.PrivateKey) bool) {
		for _, role := range []struct {
			actor types.ActorType
			count int
		}{
			{types.ActorType_ACTOR_TYPE_APPLICATION, 1},
			{types.ActorType_ACTOR_TYPE_FISHERMAN, MaxFishermen},
			{types.ActorType_ACTOR_TYPE_VALIDATOR, MaxValidators},
			{types.ActorType_ACTOR_TYPE_SERVICER, MaxServicers},
		} {
			for index := range role.count {
				if !yield(Key(seed, role.actor, index)) {
					return
				}
			}
		}
	}
}

func servicerKey(seed uint64, index int) crypto.PrivateKey {
	return Key(seed, types.ActorType_ACTOR_TYPE_SERVICER, index)
}
