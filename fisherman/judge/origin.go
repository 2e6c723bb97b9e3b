package judge

import (
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// origins returns for each exchange what its vote is counted by. Exchanges of one service URL's scheme, host and port have
// one vote, and so have those of one place.
//
// An origin whose exchanges led to several places counts as the first of these, in their order as text, and not as all of
// them: a name that resolves to a neighbour of this servicer and to a neighbour of that one would make the two one vote.
func origins(exchanges []Exchange) []string {
	counted, places := make([]string, len(exchanges)), make(map[string]string)
	for i := range exchanges {
		at, place := types.ServiceOrigin(exchanges[i].ServiceURL), exchanges[i].Place
		counted[i] = at
		if first, known := places[at]; place != "" && (!known || place < first) {
			places[at] = place
		}
	}
	for i, at := range counted {
		if place, known := places[at]; known {
			counted[i] = place
		}
	}
	return counted
}
