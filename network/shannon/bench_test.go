package shannon_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/fisherman/round"
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
	// As a round does it, on all processors.
	b.Run("prepare", func(b *testing.B) {
		pool := &wire.Pool{}
		defer pool.Close()
		runner := round.Runner{Ask: func(session *types.Session, servicer *types.Actor, payload types.Payload) (round.Request, error) {
			return n.Ask(session, servicer, payload)
		}, Dial: func(context.Context, string) (*wire.Conn, error) {
			return nil, wire.Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_CONNECT, errors.New("nobody is asked"))
		}, Pool: pool}
		for b.Loop() {
			runner.Execute(b.Context(), round.Spec{Session: session, Question: question.Question{Payload: payload}, Due: time.Now(), Timeout: time.Second}).Leave()
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
