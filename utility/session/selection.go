package session

import (
	"bytes"
	"cmp"
	"crypto/sha3"
	"encoding/hex"
	"slices"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Select returns the first n candidates by rank, or all if there are fewer. The rank of a candidate is SHA3-256(id ‖
// address), lowest first, of the 32 bytes of the session id and the 20 bytes of the address; equal ranks are ordered by
// address. The candidates are neither reordered nor changed; the result shares the actors.
func Select(id string, candidates []*types.Actor, n int) []*types.Actor {
	places := make([]ranked, 0, max(0, min(n, len(candidates))))
	if cap(places) == 0 {
		return []*types.Actor{}
	}
	preimage := decoded(id)
	prefix := len(preimage)
	for _, actor := range candidates {
		preimage, _ = hex.AppendDecode(preimage[:prefix], []byte(actor.GetAddress()))
		next := ranked{sha3.Sum256(preimage), actor}
		if len(places) == cap(places) {
			if next.compare(places[len(places)-1]) >= 0 {
				continue
			}
			places = places[:len(places)-1]
		}
		i, _ := slices.BinarySearchFunc(places, next, ranked.compare)
		places = slices.Insert(places, i, next)
	}
	selected := make([]*types.Actor, len(places))
	for i, place := range places {
		selected[i] = place.actor
	}
	return selected
}

// Selects reports whether Select would take an address among the first n candidates. It ranks only as many of them as that
// needs, which are few when the address is far from being taken.
func Selects(id string, candidates []*types.Actor, n int, address string) bool {
	own := slices.IndexFunc(candidates, func(actor *types.Actor) bool { return actor.GetAddress() == address })
	if own < 0 {
		return false
	}
	preimage := decoded(id)
	prefix := len(preimage)
	rank := func(actor *types.Actor) ranked {
		preimage, _ = hex.AppendDecode(preimage[:prefix], []byte(actor.GetAddress()))
		return ranked{sha3.Sum256(preimage), actor}
	}
	mine := rank(candidates[own])
	for i, actor := range candidates {
		if n <= 0 {
			break
		}
		if i != own && rank(actor).compare(mine) < 0 {
			n--
		}
	}
	return n > 0
}

// ranked is a candidate with its rank.
type ranked struct {
	rank  [32]byte
	actor *types.Actor
}

// compare orders by rank, and equal ranks by address.
func (r ranked) compare(other ranked) int {
	return cmp.Or(bytes.Compare(r.rank[:], other.rank[:]), cmp.Compare(r.actor.GetAddress(), other.actor.GetAddress()))
}

// decoded returns the bytes of a hex text. Ids come from ID and addresses are validated before they enter the state, so
// invalid text does not occur; Select never fails and uses the part that decodes.
func decoded(text string) []byte {
	raw, _ := hex.DecodeString(text)
	return raw
}
