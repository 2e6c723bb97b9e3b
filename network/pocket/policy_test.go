package pocket

import (
	"testing"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
)

func TestEveryDistributionOfAGenesisIsKnown(t *testing.T) {
	for number, name := range genesis.CheckDistribution_name {
		if _, known := distributions[genesis.CheckDistribution(number)]; known != (number != 0) {
			t.Errorf("%s: known %v", name, known)
		}
	}
}
