package shannon_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/network/networktest"
	"github.com/pocket-fisherman/fisherman/network/shannon"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// contractHeight is that of the sessions in the contract's tests.
const contractHeight = 95

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// RelayMiners do not sign their refusals, so the contract's part about those that are signed is not theirs: see the tests of
// package protocol.
func TestNetworkKeepsTheContract(t *testing.T) {
	networktest.Run(t, func(t *testing.T) networktest.Subject {
		w, secret := newWorld(), keyOf("gateway").Bytes()
		const token = "TOKEN-OF-AN-RPC"
		n, _ := w.network(t, func(c *shannon.Config) { c.RPC[0] += "/" + token + "?key=" + token })
		return networktest.Subject{
			Network: n,
			Publish: n.Publish,
			Height:  contractHeight,
			Read:    read,
			Answer:  w.answered,
			Verify:  w.verify,
			Secrets: []string{token, string(secret), hex.EncodeToString(secret)},
		}
	})
}

// verify checks what is kept of a request with the body of the answer, as the chain would know who has which key.
func (w *world) verify(request, response []byte) error {
	var kept protocol.AskedRelay
	if proto.Unmarshal(request, &kept) != nil {
		return errors.New("malformed")
	}
	exchange, err := protocol.ReadExchange(kept.GetRequest(), response)
	if err != nil {
		return err
	}
	key := w.keys[exchange.Request.GetMeta().GetSupplierOperatorAddress()]
	if key == nil || !bytes.Equal(key.PublicKey(), kept.GetSupplierPublicKey()) || kept.GetKeyHeight() != contractHeight {
		return errors.New("the chain has another key")
	}
	if _, err := exchange.Signers(); err != nil {
		return err
	}
	if err := exchange.VerifyResponse(key.PublicKey()); err != nil {
		return err
	}
	return exchange.Bound(types.Payload{JSONRPC: exchange.Asked.GetBody()})
}
