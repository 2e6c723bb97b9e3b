package servicer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

func TestRelayIsAnswered(t *testing.T) {
	chain, node := newChain(25), newHonest(t)
	clock := time.Unix(1000, 0)
	s := newServicer(t, chain, node.URL, func(c *servicer.Config) {
		c.Now = func() time.Time { clock = clock.Add(time.Second); return clock }
	})
	if s.Address() != servicerKey.Address() {
		t.Errorf("address %s", s.Address())
	}
	response := ask(t, s, seal(t, applicationKey, newRequest()))
	wantReply(t, response)
	if response.GetReceivedUnixNano() != 1001e9 || response.GetAnsweredUnixNano() != 1002e9 {
		t.Errorf("received %d, answered %d", response.GetReceivedUnixNano(), response.GetAnsweredUnixNano())
	}
	wantReply(t, ask(t, s, seal(t, fishermanKey, newRequest())))
}

// refusals has one row for every code of the admission; the relay has only that one error.
var refusals = []struct {
	name   string
	code   types.RelayErrorCode
	chain  func(*fakeChain)
	change func(*types.RelayRequest)
}{
	{name: "other servicer", code: types.RelayErrorCode_RELAY_ERROR_CODE_WRONG_SERVICER,
		change: func(r *types.RelayRequest) { r.Servicer = strangerKey.Address() }},
	{name: "no block yet", code: types.RelayErrorCode_RELAY_ERROR_CODE_NOT_READY,
		chain: func(c *fakeChain) { c.height = 0 }, change: func(r *types.RelayRequest) { r.Session = headerAt(0, servedChain) }},
	{name: "state not at hand", code: types.RelayErrorCode_RELAY_ERROR_CODE_NOT_READY,
		chain: func(c *fakeChain) { c.fail = func(int64) error { return modules.ErrHeightUnavailable } }},
	{name: "state broken", code: types.RelayErrorCode_RELAY_ERROR_CODE_NOT_READY,
		chain: func(c *fakeChain) { c.fail = func(int64) error { return errors.New("disk") } }},
	{name: "state of the session's start broken", code: types.RelayErrorCode_RELAY_ERROR_CODE_NOT_READY,
		chain: func(c *fakeChain) { c.fail = failBelow(25, errors.New("disk")) }},
	{name: "state of the session before broken", code: types.RelayErrorCode_RELAY_ERROR_CODE_NOT_READY,
		chain:  func(c *fakeChain) { c.fail = failBelow(20, errors.New("disk")) },
		change: func(r *types.RelayRequest) { r.Session = headerAt(10, servedChain) }},
	{name: "session too old", code: types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT,
		change: func(r *types.RelayRequest) { r.Session = headerAt(0, servedChain) }},
	{name: "session far ahead", code: types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT,
		change: func(r *types.RelayRequest) { r.Session = headerAt(30, servedChain) }},
	{name: "start within the session", code: types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT,
		change: func(r *types.RelayRequest) { r.Session.StartHeight = 21 }},
	{name: "start within the session before", code: types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT,
		change: func(r *types.RelayRequest) { r.Session.StartHeight = 19 }},
	{name: "start with the next block, which starts no session", code: types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT,
		change: func(r *types.RelayRequest) { r.Session.StartHeight = 26 }},
	{name: "session before pruned", code: types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT,
		chain:  func(c *fakeChain) { c.fail = failBelow(20, modules.ErrHeightUnavailable) },
		change: func(r *types.RelayRequest) { r.Session = headerAt(10, servedChain) }},
	{name: "chain not served", code: types.RelayErrorCode_RELAY_ERROR_CODE_CHAIN_NOT_SERVED,
		change: func(r *types.RelayRequest) { r.Session = headerAt(20, unservedChain) }},
	{name: "application unknown", code: types.RelayErrorCode_RELAY_ERROR_CODE_APPLICATION_NOT_STAKED,
		change: func(r *types.RelayRequest) { r.Session.Application = strangerKey.Address() }},
	{name: "application not staked for the chain", code: types.RelayErrorCode_RELAY_ERROR_CODE_APPLICATION_NOT_STAKED,
		change: func(r *types.RelayRequest) { r.Session = headerAt(20, foreignChain) }},
	{name: "application paused", code: types.RelayErrorCode_RELAY_ERROR_CODE_APPLICATION_NOT_STAKED,
		chain: func(c *fakeChain) { c.fail = func(int64) error { return modules.ErrApplicationPaused } }},
	{name: "application new", code: types.RelayErrorCode_RELAY_ERROR_CODE_APPLICATION_NOT_STAKED,
		chain: func(c *fakeChain) { c.fail = func(int64) error { return modules.ErrApplicationNew } }},
	{name: "application was paused in the session before", code: types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT,
		chain:  func(c *fakeChain) { c.fail = failBelow(20, modules.ErrApplicationPaused) },
		change: func(r *types.RelayRequest) { r.Session = headerAt(10, servedChain) }},
	{name: "other session id", code: types.RelayErrorCode_RELAY_ERROR_CODE_NOT_IN_SESSION,
		change: func(r *types.RelayRequest) { r.Session.Id = strings.Repeat("0", 64) }},
	{name: "other zone", code: types.RelayErrorCode_RELAY_ERROR_CODE_NOT_IN_SESSION,
		change: func(r *types.RelayRequest) { r.Session.GeoZone = "us" }},
	{name: "not a member", code: types.RelayErrorCode_RELAY_ERROR_CODE_NOT_IN_SESSION,
		chain: func(c *fakeChain) { c.servicers = func(int64) []string { return []string{strangerKey.Address()} } }},
	{name: "stranger signs", code: types.RelayErrorCode_RELAY_ERROR_CODE_SIGNER_NOT_ALLOWED},
	{name: "payload not JSON-RPC", code: types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED,
		change: func(r *types.RelayRequest) { r.GetJsonRpc().Body = []byte("{}") }},
	{name: "batch too large", code: types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED,
		change: func(r *types.RelayRequest) { r.GetJsonRpc().Body = batchOf(relay.MaxBatch + 1) }},
	{name: "REST to a JSON-RPC node", code: types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED,
		change: func(r *types.RelayRequest) { r.Payload = restPayload("GET", "/") }},
	{name: "JSON-RPC to a REST node", code: types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED,
		change: func(r *types.RelayRequest) { r.Session = headerAt(20, restChain) }},
	{name: "REST out of the base", code: types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED,
		change: func(r *types.RelayRequest) {
			r.Session, r.Payload = headerAt(20, restChain), restPayload("GET", "/a/%2e%2e/b")
		}},
	{name: "REST with another method", code: types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED,
		change: func(r *types.RelayRequest) {
			r.Session, r.Payload = headerAt(20, restChain), restPayload("CONNECT", "/a")
		}},
	{name: "allowance of nothing", code: types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE,
		chain: func(c *fakeChain) { c.stake = 1 }},
	{name: "parameters not at hand", code: types.RelayErrorCode_RELAY_ERROR_CODE_NOT_READY,
		chain: func(c *fakeChain) { c.refused = modules.ErrHeightUnavailable }},
	{name: "payload with hostile text", code: types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED,
		change: func(r *types.RelayRequest) { r.GetJsonRpc().Body = []byte("\x1b[2J\n") }},
}

func failBelow(height int64, err error) func(int64) error {
	return func(h int64) error {
		if h < height {
			return err
		}
		return nil
	}
}

func TestRefusals(t *testing.T) {
	for _, test := range refusals {
		t.Run(test.name, func(t *testing.T) {
			chain, node := newChain(25), newHonest(t)
			if test.chain != nil {
				test.chain(chain)
			}
			request, key := newRequest(), applicationKey
			if test.change != nil {
				test.change(request)
			}
			if test.code == types.RelayErrorCode_RELAY_ERROR_CODE_SIGNER_NOT_ALLOWED {
				key = strangerKey
			}
			response := ask(t, newServicer(t, chain, node.URL), seal(t, key, request))
			wantCode(t, response, test.code)
			if response.GetUpstreamStatus() != 0 || node.asked.Load() != 0 {
				t.Errorf("the upstream was asked: status %d", response.GetUpstreamStatus())
			}
		})
	}
}

func TestRefusedForBadSignature(t *testing.T) {
	node := newHonest(t)
	s := newServicer(t, newChain(25), node.URL)
	sealed := seal(t, applicationKey, newRequest())
	spoiled := bytes.Clone(sealed.Envelope)
	spoiled[len(spoiled)-1] ^= 1
	wantCode(t, open(t, s.HandleRelay(t.Context(), spoiled), sealed.BodyHash), types.RelayErrorCode_RELAY_ERROR_CODE_BAD_SIGNATURE)
	if node.asked.Load() != 0 {
		t.Error("the upstream was asked")
	}
	// A forged copy must not spend the nonce of the true request.
	wantReply(t, ask(t, s, sealed))
}

func TestRefusedUnread(t *testing.T) {
	s := newServicer(t, newChain(25), newHonest(t).URL)
	inside := marshal(t, &types.Envelope{Body: []byte("not a request"), Signature: &types.Signature{
		Scheme: types.SignatureScheme_SIGNATURE_SCHEME_ED25519, PublicKey: make([]byte, 32), Value: make([]byte, 64),
	}})
	for _, test := range []struct {
		name     string
		envelope []byte
		hash     [32]byte
		code     types.RelayErrorCode
	}{
		{"empty", nil, [32]byte{}, types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED},
		{"garbage", []byte("\xff\x00garbage"), [32]byte{}, types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED},
		{"malformed inside", inside, sha256.Sum256([]byte("not a request")), types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED},
		{"at the limit", make([]byte, relay.MaxRequestBytes), [32]byte{}, types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED},
		{"one over the limit", make([]byte, relay.MaxRequestBytes+1), [32]byte{}, types.RelayErrorCode_RELAY_ERROR_CODE_TOO_LARGE},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantCode(t, open(t, s.HandleRelay(t.Context(), test.envelope), test.hash), test.code)
		})
	}
}

// Which sessions are accepted as the chain moves on.
func TestSessionsTaken(t *testing.T) {
	for _, test := range []struct {
		height int64
		taken  []int64
	}{
		{1, []int64{0}},
		{8, []int64{0}},
		{9, []int64{0, 10}},
		{10, []int64{0, 10}},
		{19, []int64{0, 10, 20}},
		{20, []int64{10, 20}},
		{25, []int64{10, 20}},
		{29, []int64{10, 20, 30}},
	} {
		s := newServicer(t, newChain(test.height), newHonest(t).URL)
		var taken []int64
		for start := int64(0); start <= 40; start += blocks {
			request := newRequest()
			request.Session = headerAt(start, servedChain)
			response := ask(t, s, seal(t, applicationKey, request))
			if response.GetError() == nil {
				taken = append(taken, start)
				continue
			}
			wantCode(t, response, types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT)
		}
		if fmt.Sprint(taken) != fmt.Sprint(test.taken) {
			t.Errorf("at height %d: took sessions of %v, want %v", test.height, taken, test.taken)
		}
	}
}

// Members are replaced within a session: both the members at its start and the current ones may serve and sign.
func TestSubstitution(t *testing.T) {
	me, other := servicerKey.Address(), strangerKey.Address()
	from := func(height int64, before, after string) func(int64) []string {
		return func(h int64) []string {
			if h < height {
				return []string{before}
			}
			return []string{after}
		}
	}
	never := types.RelayErrorCode_RELAY_ERROR_CODE_NOT_IN_SESSION
	for _, test := range []struct {
		name      string
		height    int64
		start     int64
		servicers func(int64) []string
		want      types.RelayErrorCode
	}{
		{"joined before now", 25, 20, from(24, other, me), 0},
		{"joins later", 25, 20, from(26, other, me), never},
		{"left before now", 25, 20, from(24, me, other), 0},
		{"left in the session that starts with the chain", 5, 0, from(4, me, other), 0},
		{"left in the first session, which is over", 15, 0, from(4, me, other), 0},
		{"left before the session", 25, 20, from(20, me, other), never},
		{"joined in the session before", 25, 10, from(15, other, me), 0},
		{"joined after the session before", 25, 10, from(20, other, me), never},
		{"joins with the next session", 29, 30, from(30, other, me), 0},
		{"leaves with the next session", 29, 30, from(30, me, other), never},
	} {
		t.Run(test.name, func(t *testing.T) {
			chain := newChain(test.height)
			chain.servicers = test.servicers
			request := newRequest()
			request.Session = headerAt(test.start, servedChain)
			wantCode(t, ask(t, newServicer(t, chain, newHonest(t).URL), seal(t, applicationKey, request)), test.want)
		})
	}
	t.Run("fisherman joined", func(t *testing.T) {
		chain := newChain(25)
		chain.fishermen = from(24, other, fishermanKey.Address())
		wantReply(t, ask(t, newServicer(t, chain, newHonest(t).URL), seal(t, fishermanKey, newRequest())))
	})
	t.Run("start pruned", func(t *testing.T) {
		chain := newChain(25)
		chain.fail = failBelow(24, modules.ErrHeightUnavailable)
		wantReply(t, ask(t, newServicer(t, chain, newHonest(t).URL), seal(t, applicationKey, newRequest())))
	})
}

// A member that leaves or joins is noticed with the next block; for each block state is read once.
func TestSessionsAreReadOncePerBlock(t *testing.T) {
	chain := newChain(24)
	chain.servicers = func(h int64) []string {
		if h < 25 {
			return nil
		}
		return []string{servicerKey.Address()}
	}
	s := newServicer(t, chain, newHonest(t).URL)
	wantCode(t, ask(t, s, seal(t, applicationKey, newRequest())), types.RelayErrorCode_RELAY_ERROR_CODE_NOT_IN_SESSION)
	chain.moveTo(25)
	wantReply(t, ask(t, s, seal(t, applicationKey, newRequest())))
	reads := chain.reads.Load()
	for range 10 {
		wantReply(t, ask(t, s, seal(t, applicationKey, newRequest())))
	}
	if chain.reads.Load() != reads {
		t.Errorf("state was read %d times more in the same block", chain.reads.Load()-reads)
	}
}

// Whatever heights strangers name, state is read at the servicer's own height.
func TestStrangersDoNotChooseHeights(t *testing.T) {
	chain := newChain(1005)
	s := newServicer(t, chain, newHonest(t).URL)
	for start := int64(0); start < 900; start += blocks {
		request := newRequest()
		request.Session = headerAt(start, servedChain)
		wantCode(t, ask(t, s, seal(t, strangerKey, request)), types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT)
	}
	if reads := chain.reads.Load(); reads > 2 {
		t.Errorf("state was read %d times", reads)
	}

	chain = newChain(1005)
	request := newRequest()
	request.Session = headerAt(1020, servedChain)
	wantCode(t, ask(t, newServicer(t, chain, newHonest(t).URL), seal(t, strangerKey, request)), types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT)
	if reads := chain.reads.Load(); reads != 0 {
		t.Errorf("state was read %d times for a height ahead", reads)
	}
}

// Whatever bytes a stranger sends, they are answered with a signed and bound refusal.
func TestStrangersBytesAreRefused(t *testing.T) {
	s := newServicer(t, newChain(25), newHonest(t).URL)
	sealed := seal(t, strangerKey, newRequest()).Envelope
	rapid.Check(t, func(r *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(r, "bytes")
		if rapid.Bool().Draw(r, "spoil a sealed request") {
			at := rapid.IntRange(0, len(sealed)).Draw(r, "at")
			data = slices.Concat(sealed[:at], data, sealed[min(len(sealed), at+len(data)):])
		}
		hash, _ := relay.BodyHash(data)
		response, err := relay.OpenResponse(s.HandleRelay(context.Background(), data), relay.Binding{
			RequestHash: hash, Servicer: servicerKey.Address(), PublicKey: servicerKey.PublicKey(),
		})
		if err != nil || response.GetError() == nil {
			r.Fatalf("got %v, %v, want a refusal", response, err)
		}
	})
}
