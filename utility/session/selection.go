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
	type ranked struct {
		rank  [32]byte
		actor *types.Actor
	}
	idBytes := decoded(id)
	ranking := make([]ranked, len(candidates))
	for i, actor := range candidates {
		ranking[i] = ranked{sha3.Sum256(slices.Concat(idBytes, decoded(actor.GetAddress()))), actor}
	}
	slices.SortFunc(ranking, func(a, b ranked) int {
		return cmp.Or(bytes.Compare(a.rank[:], b.rank[:]), cmp.Compare(a.actor.GetAddress(), b.actor.GetAddress()))
	})
	selected := make([]*types.Actor, max(0, min(n, len(ranking))))
	for i := range selected {
		selected[i] = ranking[i].actor
	}
	return selected
}

// decoded returns the bytes of a hex text. Ids come from ID and addresses are validated before they enter the state, so
// invalid text does not occur; Select never fails and uses the part that decodes.
func decoded(text string) []byte {
	raw, _ := hex.DecodeString(text)
	return raw
}
