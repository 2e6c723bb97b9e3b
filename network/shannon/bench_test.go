package shannon_test

import (
	"fmt"
	"testing"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// The requests of one check of 50 suppliers are signed, and the answers to them opened: what a check costs this machine
// beside the network.
func BenchmarkCheckOf50Suppliers(b *testing.B) {
	w := newWorld()
	w.suppliers = nil
	for i := range 50 {
		w.suppliers = append(w.suppliers, w.supplier(fmt.Sprint("supplier ", i), fmt.Sprint("owner ", i), fmt.Sprintf("https://supplier%d.example/relay", i)))
	}
	n, _ := w.network(b)
	session := only(b, n, 95)
	payload := types.Payload{JSONRPC: []byte(`{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["0x10",false]}`)}
	ask := func(servicer *types.Actor) fisherman.Request {
		request, err := n.Ask(session, servicer, payload)
		if err != nil {
			b.Fatal(err)
		}
		return request
	}
	b.Run("ask", func(b *testing.B) {
		for b.Loop() {
			for _, servicer := range session.GetServicers() {
				ask(servicer)
			}
		}
	})
	requests, answers := make([]fisherman.Request, 50), make([]*wire.Answer, 50)
	for i, servicer := range session.GetServicers() {
		requests[i] = ask(servicer)
		answers[i] = w.answered(b, requests[i].Wire(), servicer, 200, []byte(`{"jsonrpc":"2.0","id":1,"result":{"number":"0x10"}}`))
	}
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			for i, request := range requests {
				if _, failure := request.Open(answers[i]); failure != nil {
					b.Fatal(failure)
				}
			}
		}
	})
}
