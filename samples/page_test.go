package samples

import (
	"errors"
	"slices"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/modules"
)

func TestPagesOfRounds(t *testing.T) {
	_, store := fed()
	reader := NewReader(store, Prover{})
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
