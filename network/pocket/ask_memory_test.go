package pocket

import (
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// TestAskingTakesLittleMemory: what does not differ between two requests to a servicer is not made twice. It was 41 pieces when
// it was.
func TestAskingTakesLittleMemory(t *testing.T) {
	key := crypto.KeyFromSeed([32]byte{1})
	asker := &Asker{Key: key, Now: time.Now}
	session := &types.Session{Header: &types.SessionHeader{
		Id: strings.Repeat("ab", 32), StartHeight: 20, RelayChain: "0001", GeoZone: "eu-west", Application: key.Address(),
	}}
	servicer := servicerOf(2, "http://a.example")
	taken := testing.AllocsPerRun(100, func() {
		if _, err := asker.Ask(session, servicer, types.Payload{JSONRPC: []byte(`{}`)}); err != nil {
			t.Fatal(err)
		}
	})
	if taken > 9 {
		t.Errorf("%v pieces of memory for a request", taken)
	}
}
