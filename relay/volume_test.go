package relay

import (
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// The hash is part of what servicers and, later, the chain agree on.
func TestVolumeHash(t *testing.T) {
	request, response := sha256.Sum256([]byte("request")), sha256.Sum256([]byte("response"))
	got := VolumeHash(request, response)
	want := sha256.Sum256([]byte("pocket/relay-volume/v1\x00" + string(request[:]) + string(response[:])))
	if got != want {
		t.Errorf("hash %s", hex.EncodeToString(got[:]))
	}
	if got == VolumeHash(response, request) {
		t.Error("request and response count alike")
	}
}

// Leading zeros and a bound on the number say the same.
func TestLeadingZeros(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var hash [sha256.Size]byte
		copy(hash[rapid.IntRange(0, sha256.Size).Draw(r, "zeros"):], rapid.SliceOfN(rapid.Byte(), 0, sha256.Size).Draw(r, "rest"))
		bits := rapid.IntRange(0, 256).Draw(r, "bits")
		bound := new(big.Int).Lsh(big.NewInt(1), uint(256-bits))
		if below := new(big.Int).SetBytes(hash[:]).Cmp(bound) < 0; below != (leadingZeros(hash) >= bits) {
			r.Fatalf("%x: %d zeros; below 2^(256-%d): %v", hash, leadingZeros(hash), bits, below)
		}
	})
}

func TestDifficulty(t *testing.T) {
	counts := map[int]int{}
	for n := range 4096 {
		request, response := sha256.Sum256([]byte{byte(n), byte(n >> 8)}), sha256.Sum256([]byte("response"))
		for _, bits := range []int{0, 2, 5, 255} {
			if IsVolumeApplicable(request, response, bits) {
				counts[bits]++
			}
		}
	}
	if counts[0] != 4096 || counts[2] < 900 || counts[2] > 1150 || counts[5] < 80 || counts[5] > 180 || counts[255] != 0 {
		t.Errorf("of 4096 relays are applicable, by bits: %v", counts)
	}
}
