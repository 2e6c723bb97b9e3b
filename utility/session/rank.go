package session

import (
	"crypto/sha3"
	"encoding/binary"
	"iter"
	"math/bits"

	"github.com/cloudflare/circl/simd/keccakf1600"
)

// rank is a SHA3-256 hash as four big-endian words, so that it is ordered as its bytes are.
type rank [4]uint64

const (
	idSize      = 32
	addressSize = 20
	// lanes is how many hashes are computed at a time.
	lanes = 4
	// suffix and final are the padding of a SHA3-256 message of 52 bytes: in the word that ends the address, and in the last
	// of the 17 words of a block.
	suffix, final, lastWord = uint64(0x06) << 32, uint64(1) << 63, 16
)

// ranks yields the index and the rank of each candidate, in order. Each is one permutation of Keccak; where the processor
// has instructions for it, four of them take the time of two.
func (c *Candidates) ranks(id string) iter.Seq2[int, rank] {
	prefix := decoded(id)
	if c.words != nil && len(prefix) == idSize && len(c.words) >= lanes && keccakf1600.IsEnabledX4() {
		return fourAtATime([idSize]byte(prefix), c.words)
	}
	return func(yield func(int, rank) bool) {
		message := prefix
		for i, address := range c.addresses {
			message = append(message[:len(prefix)], address...)
			if !yield(i, rankOf(message)) {
				return
			}
		}
	}
}

// rankOf returns the rank of one message: an id with an address.
func rankOf(message []byte) (r rank) {
	sum := sha3.Sum256(message)
	for i := range r {
		r[i] = binary.BigEndian.Uint64(sum[8*i:])
	}
	return r
}

// fourAtATime yields the ranks of addresses, four or more, for an id. The states of four hashes are interleaved.
func fourAtATime(id [idSize]byte, addresses [][3]uint64) iter.Seq2[int, rank] {
	return func(yield func(int, rank) bool) {
		var state keccakf1600.StateX4
		words := state.Initialize(false)
		for from := 0; from < len(addresses); from += lanes {
			clear(words)
			four := min(lanes, len(addresses)-from)
			for lane := range lanes {
				for i := range idSize / 8 {
					words[lanes*i+lane] = binary.LittleEndian.Uint64(id[8*i:])
				}
				for i, word := range addresses[min(from+lane, len(addresses)-1)] {
					words[lanes*(idSize/8+i)+lane] = word
				}
				words[lanes*lastWord+lane] = final
			}
			state.Permute()
			for lane := range four {
				var r rank
				for i := range r {
					r[i] = bits.ReverseBytes64(words[lanes*i+lane])
				}
				if !yield(from+lane, r) {
					return
				}
			}
		}
	}
}
