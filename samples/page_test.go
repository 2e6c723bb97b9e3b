package samples

import (
	"errors"
	"slices"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// A page reads no more than it shows, and the one after it, and little at once.
func TestPagesReadWhatTheyShow(t *testing.T) {
	store := sampled()
	const rounds = 3*mostAtOnce + 5
	for index := range uint32(rounds) {
		store.put(&types.QoSRound{SessionId: id("a"), Index: 2 * index})
	}
	reader := NewReader(store, NewRolling(), Prover{})
	for _, limit := range []int{1, mostAtOnce - 1, mostAtOnce, mostAtOnce + 1, rounds - 1, rounds, rounds + 1} {
		store.paged = 0
		page, err := reader.Rounds(t.Context(), RoundFilter{SessionID: id("a"), Limit: limit})
		want := min(limit, rounds)
		if err != nil || len(page.Rounds) != want || page.Rounds[want-1].Index != uint32(2*want-2) || page.Stored != rounds {
			t.Fatalf("limit %d: %d rounds of %d, %v", limit, len(page.Rounds), page.Stored, err)
		}
		if next := page.Next; (next != nil) != (limit < rounds) || next != nil && *next != uint32(2*limit) {
			t.Errorf("limit %d: next %v", limit, next)
		}
		if store.paged > want+1 || len(store.read) > 0 {
			t.Errorf("limit %d: read %d rounds, whole sessions %v", limit, store.paged, store.read)
		}
	}
}

func TestPagesOfRounds(t *testing.T) {
	_, store := fed()
	reader := NewReader(store, NewRolling(), Prover{})
	for name, test := range map[string]struct {
		filter  RoundFilter
		indices []uint32
		next    uint32
		samples int
		err     error
	}{
		"all":              {filter: RoundFilter{SessionID: id("c"), Limit: 9}, indices: []uint32{0, 1, 3}, samples: 2},
		"first":            {filter: RoundFilter{SessionID: id("c"), Limit: 2}, indices: []uint32{0, 1}, next: 3, samples: 2},
		"last":             {filter: RoundFilter{SessionID: id("c"), From: 2, Limit: 1}, indices: []uint32{3}, samples: 2},
		"servicer":         {filter: RoundFilter{SessionID: id("c"), Servicer: late, Limit: 1}, indices: []uint32{0}, next: 1, samples: 1},
		"beyond":           {filter: RoundFilter{SessionID: id("c"), From: 4, Limit: 1}},
		"unknown session":  {filter: RoundFilter{SessionID: id("d"), Limit: 1}, err: modules.ErrUnknownSession},
		"unknown servicer": {filter: RoundFilter{SessionID: id("b"), Servicer: late, Limit: 1}, err: ErrUnknownServicer},
	} {
		page, err := reader.Rounds(t.Context(), test.filter)
		if !errors.Is(err, test.err) {
			t.Errorf("%s: %v", name, err)
		}
		var indices []uint32
		for _, round := range page.Rounds {
			indices = append(indices, round.Index)
			if len(round.Samples) != test.samples {
				t.Errorf("%s: %d samples", name, len(round.Samples))
			}
		}
		var next uint32
		if page.Next != nil {
			next = *page.Next
		}
		if !slices.Equal(indices, test.indices) || next != test.next || err == nil && page.Stored != 3 {
			t.Errorf("%s: rounds %v, next %d, of %d", name, indices, next, page.Stored)
		}
	}
}
