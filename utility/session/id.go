package session

import (
	"crypto/sha3"
	"encoding/binary"
	"encoding/hex"
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
