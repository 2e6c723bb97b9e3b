package servicer_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// relayedBy is one relay: its chain, its upstream node, and the changes to the request before and after it is sealed.
type relayedBy struct {
	chain   func(*fakeChain)
	config  func(*servicer.Config)
	node    http.HandlerFunc
	request func(*types.RelayRequest)
	key     crypto.PrivateKey
	// spoil changes the sealed envelope; before runs before the relay and may send others.
	spoil  func([]byte) []byte
	before func(t *testing.T, s *servicer.Servicer, sealed *relay.SealedRequest)
}

// codes has, for every code, a relay that gets it.
var codes = map[types.RelayErrorCode]relayedBy{
	types.RelayErrorCode_RELAY_ERROR_CODE_UNSPECIFIED: {},
	types.RelayErrorCode_RELAY_ERROR_CODE_TOO_LARGE: {
		spoil: func([]byte) []byte { return make([]byte, relay.MaxRequestBytes+1) }},
	types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED: {
		spoil: func(envelope []byte) []byte { return envelope[:len(envelope)-1] }},
	types.RelayErrorCode_RELAY_ERROR_CODE_WRONG_SERVICER: {
		request: func(r *types.RelayRequest) { r.Servicer = strangerKey.Address() }},
	types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT: {
		request: func(r *types.RelayRequest) { r.Session = headerAt(0, servedChain) }},
	types.RelayErrorCode_RELAY_ERROR_CODE_CHAIN_NOT_SERVED: {
		request: func(r *types.RelayRequest) { r.Session = headerAt(20, unservedChain) }},
	types.RelayErrorCode_RELAY_ERROR_CODE_APPLICATION_NOT_STAKED: {
		request: func(r *types.RelayRequest) { r.Session = headerAt(20, foreignChain) }},
	types.RelayErrorCode_RELAY_ERROR_CODE_NOT_IN_SESSION: {
		chain: func(c *fakeChain) { c.servicers = func(int64) []string { return []string{strangerKey.Address()} } }},
	types.RelayErrorCode_RELAY_ERROR_CODE_REPLAYED: {
		before: func(t *testing.T, s *servicer.Servicer, sealed *relay.SealedRequest) { wantReply(t, ask(t, s, sealed)) }},
	types.RelayErrorCode_RELAY_ERROR_CODE_SIGNER_NOT_ALLOWED: {key: strangerKey},
	types.RelayErrorCode_RELAY_ERROR_CODE_BAD_SIGNATURE: {
		spoil: func(envelope []byte) []byte { envelope[len(envelope)-1] ^= 1; return envelope }},
	types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE: {
		chain: func(c *fakeChain) { c.stake, c.policy.RelaysPerPOKT = 2_000_000, 1 },
		before: func(t *testing.T, s *servicer.Servicer, _ *relay.SealedRequest) {
			wantReply(t, ask(t, s, seal(t, applicationKey, newRequest())))
		}},
	types.RelayErrorCode_RELAY_ERROR_CODE_BUSY: busy(),
	types.RelayErrorCode_RELAY_ERROR_CODE_NOT_READY: {chain: func(c *fakeChain) { c.height = 0 },
		request: func(r *types.RelayRequest) { r.Session = headerAt(0, servedChain) }},
	upstreamTimeout: {
		config: func(c *servicer.Config) { c.UpstreamTimeout = 20 * time.Millisecond },
		node: func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // a server notices that its client leaves once the body is read
			<-r.Context().Done()
		}},
	upstreamUnreachable: {node: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	upstreamTooLarge: {node: func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(jsonOf(relay.MaxResponsePayloadBytes + 1))
	}},
	upstreamNotJSON: {node: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }},
}

// busy returns a relay while another one holds the only slot.
func busy() relayedBy {
	asked := make(chan struct{})
	return relayedBy{
		config: func(c *servicer.Config) { c.MaxConcurrent, c.UpstreamTimeout = 1, time.Minute },
		node: func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			asked <- struct{}{}
			<-r.Context().Done()
		},
		before: func(t *testing.T, s *servicer.Servicer, _ *relay.SealedRequest) {
			ctx, cancel := context.WithCancel(context.Background())
			ended, first := make(chan struct{}), seal(t, applicationKey, newRequest())
			go func() {
				defer close(ended)
				s.HandleRelay(ctx, first.Envelope)
			}()
			t.Cleanup(func() { cancel(); <-ended })
			<-asked
		},
	}
}

// check sends the relay and checks the code that it gets.
func (r relayedBy) check(t *testing.T, want types.RelayErrorCode) {
	t.Helper()
	chain, node := newChain(25), newUpstream(t, func(w http.ResponseWriter, q *http.Request) {
		if r.node != nil {
			r.node(w, q)
			return
		}
		_, _ = w.Write(reply)
	})
	if r.chain != nil {
		r.chain(chain)
	}
	s := newServicer(t, chain, node.URL, func(c *servicer.Config) {
		if r.config != nil {
			r.config(c)
		}
	})
	request, key := newRequest(), applicationKey
	if r.request != nil {
		r.request(request)
	}
	if r.key.Bytes() != nil {
		key = r.key
	}
	sealed := seal(t, key, request)
	if r.before != nil {
		r.before(t, s, sealed)
	}
	envelope := bytes.Clone(sealed.Envelope)
	if r.spoil != nil {
		envelope = r.spoil(envelope)
	}
	hash, _ := relay.BodyHash(envelope)
	response := open(t, s.HandleRelay(t.Context(), envelope), hash)
	wantCode(t, response, want)
	if want != 0 && (len(response.GetPayload()) > 0 || response.GetError().GetMessage() == "") {
		t.Errorf("refused with %v", response)
	}
}

// Every code, including any new one, is given for a single error in an otherwise good relay.
func TestEveryCode(t *testing.T) {
	values := types.RelayErrorCode(0).Descriptor().Values()
	for i := range values.Len() {
		code := types.RelayErrorCode(values.Get(i).Number())
		t.Run(string(values.Get(i).Name()), func(t *testing.T) {
			relayed, known := codes[code]
			if !known {
				t.Fatal("no relay that gets this code is known")
			}
			relayed.check(t, code)
		})
	}
}
