package fisherman_test

import (
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/network/pocket"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// Benchmarks ask as our own chain's network does. It imports the fisherman, so only this package can import it.
func init() {
	fisherman.AskAs = func(key crypto.PrivateKey) round.Ask {
		return (&pocket.Asker{Key: key, Now: time.Now}).Ask
	}
}
