package relay

import (
	"crypto/sha256"
	"math/bits"
)

// volumeDomain keeps the hash of a relay apart from all other hashes.
const volumeDomain = "pocket/relay-volume/v1"

// VolumeHash is the hash of a relay: SHA-256 over the domain "pocket/relay-volume/v1", a zero byte, and the SHA-256 of the
// request's body and of the response's body as they travelled. Signatures are not part of it, so that a signature made
// in another way does not make another relay.
func VolumeHash(request, response [sha256.Size]byte) [sha256.Size]byte {
	message := make([]byte, 0, len(volumeDomain)+1+2*sha256.Size)
	message = append(message, volumeDomain...)
	message = append(message, 0)
	message = append(message, request[:]...)
	return sha256.Sum256(append(message, response[:]...))
}

// IsVolumeApplicable tells whether the hash of a relay, given by those of its two bodies, begins with that many zero bits:
// the hash, read as a number, is below 2^(256 − bits). No bits are asked of every relay.
func IsVolumeApplicable(request, response [sha256.Size]byte, difficultyBits int) bool {
	return difficultyBits <= 0 || leadingZeros(VolumeHash(request, response)) >= difficultyBits
}

func leadingZeros(hash [sha256.Size]byte) (zeros int) {
	for _, octet := range hash {
		zeros += bits.LeadingZeros8(octet)
		if octet != 0 {
			break
		}
	}
	return zeros
}
