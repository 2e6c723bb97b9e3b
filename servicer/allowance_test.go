package servicer_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

const overAllowance = types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE

// batchOf returns a JSON-RPC batch of that many requests.
func batchOf(size int) []byte {
	var requests [][]byte
	for id := range size {
		requests = append(requests, fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":"status"}`, id))
	}
	return append(append([]byte("["), bytes.Join(requests, []byte(","))...), ']')
}

// tenEach returns a chain on which the application has ten relays of this servicer, and each fisherman three.
func tenEach() *fakeChain {
	chain := newChain(25)
	chain.stake, chain.policy.RelaysPerPOKT, chain.policy.Reserve = 20_000_000, 1, 3 // shared by two servicers
	return chain
}

// spend sends relays until one is refused for the allowance, and counts the others.
func spend(t *testing.T, s *servicer.Servicer, key crypto.PrivateKey, start int64) int {
	t.Helper()
	for count := range 100 {
		request := newRequest()
		request.Session = headerAt(start, servedChain)
		response := ask(t, s, seal(t, key, request))
		if response.GetError() != nil {
			wantCode(t, response, overAllowance)
			return count
		}
	}
	t.Fatal("no end of relays")
	return 0
}

// In each session the application has an allowance and each fisherman a reserve; none draws on another's.
func TestAllowance(t *testing.T) {
	chain := tenEach()
	otherFisherman := seededKey(9)
	chain.fishermen = func(int64) []string { return []string{fishermanKey.Address(), otherFisherman.Address()} }
	s := newServicer(t, chain, newHonest(t).URL)
	for _, test := range []struct {
		name   string
		height int64
		key    crypto.PrivateKey
		start  int64
		want   int
	}{
		{"application", 25, applicationKey, 20, 10},
		{"application again", 25, applicationKey, 20, 0},
		{"fisherman", 25, fishermanKey, 20, 3},
		{"other fisherman", 25, otherFisherman, 20, 3},
		{"session before", 25, applicationKey, 10, 10},
		{"next session", 31, applicationKey, 30, 10},
		{"next session's fisherman", 31, fishermanKey, 30, 3},
		{"used up stays so in the grace", 31, applicationKey, 20, 0},
	} {
		chain.moveTo(test.height)
		if got := spend(t, s, test.key, test.start); got != test.want {
			t.Errorf("%s: %d relays, want %d", test.name, got, test.want)
		}
	}
	if reads := chain.policies.Load(); reads != 3 {
		t.Errorf("the policy was read %d times for three sessions", reads)
	}
}

// Relays that fishermen spend first do not reduce the application's allowance either.
func TestMeasuringCostsNoAllowance(t *testing.T) {
	s := newServicer(t, tenEach(), newHonest(t).URL)
	if got := spend(t, s, fishermanKey, 20); got != 3 {
		t.Errorf("fisherman: %d relays", got)
	}
	if got := spend(t, s, applicationKey, 20); got != 10 {
		t.Errorf("application: %d relays", got)
	}
}

// A batch costs as many tokens as it has requests, and is executed whole or not at all.
func TestBatchCostsItsRequests(t *testing.T) {
	node := newHonest(t)
	s := newServicer(t, tenEach(), node.URL)
	send := func(size int) *types.RelayResponse {
		request := newRequest()
		request.GetJsonRpc().Body = batchOf(size)
		return ask(t, s, seal(t, applicationKey, request))
	}
	wantReply(t, send(8))
	wantCode(t, send(3), overAllowance)
	wantReply(t, send(2))
	wantCode(t, send(1), overAllowance)
	if node.asked.Load() != 2 {
		t.Errorf("the upstream was asked %d times, want 2", node.asked.Load())
	}
}

// Refused relays cost nothing: replays, forgeries, malformed payloads, and relays without a free slot.
func TestRefusedRelaysAreFree(t *testing.T) {
	s := newServicer(t, tenEach(), newHonest(t).URL)
	sealed := seal(t, applicationKey, newRequest())
	wantReply(t, ask(t, s, sealed))
	spoiled := bytes.Clone(seal(t, applicationKey, newRequest()).Envelope)
	spoiled[len(spoiled)-1] ^= 1
	for range 20 {
		wantCode(t, ask(t, s, sealed), replayedCode)
		s.HandleRelay(t.Context(), spoiled)
		malformed := newRequest()
		malformed.GetJsonRpc().Body = []byte("[]")
		wantCode(t, ask(t, s, seal(t, applicationKey, malformed)), types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED)
	}
	if got := spend(t, s, applicationKey, 20); got != 9 {
		t.Errorf("%d relays were left, want 9", got)
	}
}

// Of many concurrent relays, no more are admitted than the allowance has.
func TestAllowanceIsSpentOnce(t *testing.T) {
	node := newHonest(t)
	s := newServicer(t, tenEach(), node.URL)
	var running sync.WaitGroup
	for range 40 {
		sealed := seal(t, applicationKey, newRequest())
		running.Go(func() { s.HandleRelay(t.Context(), sealed.Envelope) })
	}
	running.Wait()
	if node.asked.Load() != 10 {
		t.Errorf("the upstream was asked %d times, want 10", node.asked.Load())
	}
}

func TestBatchIsPassedOn(t *testing.T) {
	answers := []byte(`[{"jsonrpc":"2.0","id":0,"result":1},{"jsonrpc":"2.0","id":1,"result":2}]`)
	asked := make(chan []byte, 1)
	node := newUpstream(t, echoing(asked, answers))
	request := newRequest()
	request.GetJsonRpc().Body = batchOf(2)
	response := ask(t, newServicer(t, newChain(25), node.URL), seal(t, applicationKey, request))
	if got := <-asked; !bytes.Equal(got, batchOf(2)) || !bytes.Equal(response.GetPayload(), answers) {
		t.Errorf("asked %s, answered %s", got, response.GetPayload())
	}
}
