package session

import (
	"crypto/sha3"
	"encoding/binary"
	"encoding/hex"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// ID returns the id of a session, as 64 lower-case hex digits: SHA3-256 over chain id, start height (8 bytes,
// big-endian), hash of the block before the start height (empty when there is none), relay chain, geo zone and the
// application's public key (32 bytes), in this order, each preceded by its length in bytes as 4 bytes, big-endian. The
// start height must not be negative.
func ID(chainID string, startHeight int64, previousBlockHash []byte, relayChain, geoZone string,
	applicationPublicKey []byte) string {
	var preimage []byte
	field := func(value []byte) {
		preimage = binary.BigEndian.AppendUint32(preimage, uint32(len(value)))
		preimage = append(preimage, value...)
	}
	field([]byte(chainID))
	field(binary.BigEndian.AppendUint64(nil, uint64(startHeight)))
	field(previousBlockHash)
	field([]byte(relayChain))
	field([]byte(geoZone))
	field(applicationPublicKey)
	sum := sha3.Sum256(preimage)
	return hex.EncodeToString(sum[:])
}

// StartHeight returns the first height of the session that height belongs to: the largest multiple of blocksPerSession
// that is not above it. The height must not be negative, blocksPerSession must be at least 1.
func StartHeight(height, blocksPerSession int64) int64 {
	return height - height%blocksPerSession
}

// FixedAt returns the height of the block after which it is fixed who may take part in the session that starts at start:
// the one before the previous session, so that an actor was what it is for a whole session, and the hash that makes the
// session's id did not exist. It is 0, the genesis, for the first two sessions of a chain. The start must not be negative,
// blocksPerSession must be at least 1.
func FixedAt(start, blocksPerSession int64) int64 {
	return max(0, start-blocksPerSession-1)
}

// FirstStart returns the start of the first session that an actor which is what it is since a height may take part in; 0 for
// one of the genesis. The height must not be negative, blocksPerSession must be at least 1.
func FirstStart(since, blocksPerSession int64) int64 {
	return types.FirstSessionStart(since, blocksPerSession)
}

// MayTakePart reports whether an actor may take part in a session on a relay chain in a zone for which it was fixed at a
// height (FixedAt) who may: it is unpaused, and since then at the latest it is staked for the chain, in the zone and at the
// URL that it has.
func MayTakePart(actor *types.Actor, relayChain, geoZone string, fixedAt int64) bool {
	since, staked := actor.SinceOn(relayChain)
	return staked && since <= fixedAt && actor.GetPausedHeight() == 0 && actor.GetGeoZone() == geoZone
}
