package session

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Candidates are actors that sessions select among, prepared for many of them. They are never changed, and safe for
// concurrent use.
type Candidates struct {
	actors []*types.Actor
	// addresses are those of the actors, decoded; words are the same for ranking four at a time, nil if one is not of 20
	// bytes.
	addresses [][]byte
	words     [][3]uint64
}

// NewCandidates prepares actors, in any order. It keeps the slice, which nobody may change afterwards.
func NewCandidates(actors []*types.Actor) *Candidates {
	c := &Candidates{actors: actors, addresses: make([][]byte, len(actors)), words: make([][3]uint64, len(actors))}
	for i, actor := range actors {
		// Addresses are validated before they enter the state, so invalid text does not occur; what decodes is used.
		address, _ := hex.AppendDecode(make([]byte, 0, addressSize), []byte(actor.GetAddress()))
		c.addresses[i] = address
		if len(address) != addressSize {
			c.words = nil
		}
		if c.words != nil {
			c.words[i] = [3]uint64{binary.LittleEndian.Uint64(address), binary.LittleEndian.Uint64(address[8:]),
				uint64(binary.LittleEndian.Uint32(address[16:])) | suffix}
		}
	}
	return c
}

// Select returns the first n by rank, or all if there are fewer. The rank of a candidate is SHA3-256(id ‖ address), lowest
// first, of the 32 bytes of the session id and the 20 bytes of the address; equal ranks are ordered by address. The result
// shares the actors.
func (c *Candidates) Select(id string, n int) []*types.Actor {
	places := make([]ranked, 0, max(0, min(n, len(c.actors))))
	if cap(places) == 0 {
		return []*types.Actor{}
	}
	for i, rank := range c.ranks(id) {
		next := ranked{rank, c.actors[i]}
		if len(places) == cap(places) {
			if next.compare(places[len(places)-1]) >= 0 {
				continue
			}
			places = places[:len(places)-1]
		}
		at, _ := slices.BinarySearchFunc(places, next, ranked.compare)
		places = slices.Insert(places, at, next)
	}
	selected := make([]*types.Actor, len(places))
	for i, place := range places {
		selected[i] = place.actor
	}
	return selected
}

// Selects reports whether Select would take an address among the first n. It ranks only as many candidates as that needs,
// which are few when the address is far from being taken.
func (c *Candidates) Selects(id string, n int, address string) bool {
	own := slices.IndexFunc(c.actors, func(actor *types.Actor) bool { return actor.GetAddress() == address })
	if own < 0 || n <= 0 {
		return false
	}
	mine := ranked{rankOf(append(decoded(id), c.addresses[own]...)), c.actors[own]}
	for i, rank := range c.ranks(id) {
		if i == own || (ranked{rank, c.actors[i]}).compare(mine) >= 0 {
			continue
		}
		if n--; n == 0 {
			return false
		}
	}
	return true
}

// Select returns the first n candidates by rank, or all if there are fewer (Candidates.Select). The candidates are neither
// reordered nor changed.
func Select(id string, candidates []*types.Actor, n int) []*types.Actor {
	return NewCandidates(candidates).Select(id, n)
}

// ranked is a candidate with its rank.
type ranked struct {
	rank  rank
	actor *types.Actor
}

// compare orders by rank, and equal ranks by address.
func (r ranked) compare(other ranked) int {
	for i, word := range r.rank {
		if word != other.rank[i] {
			return cmp.Compare(word, other.rank[i])
		}
	}
	return cmp.Compare(r.actor.GetAddress(), other.actor.GetAddress())
}

// decoded returns the bytes of a hex text. Ids come from ID, so invalid text does not occur; what decodes is used.
func decoded(text string) []byte {
	raw, _ := hex.DecodeString(text)
	return raw
}
