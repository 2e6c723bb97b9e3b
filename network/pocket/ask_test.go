package pocket_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/network/pocket"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/wire"
)

var updateWire = flag.Bool("update-wire", false, "write the golden requests on the wire anew")

func TestWireRequestIsGolden(t *testing.T) {
	for name, serviceURL := range map[string]string{
		"wire_root.golden": "http://servicer.example:8080",
		"wire_base.golden": "https://servicer.example/base/",
		"wire_ipv6.golden": "http://[2001:db8::1]:9",
	} {
		got, err := pocket.Post(serviceURL, []byte("an envelope"))
		if err != nil {
			t.Fatalf("%s: %v", serviceURL, err)
		}
		path := filepath.Join("testdata", name)
		if *updateWire {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", serviceURL, got, want)
		}
	}
}

func keyOf(name string) crypto.PrivateKey { return crypto.KeyFromSeed(sha256.Sum256([]byte(name))) }

var askerKey, servicerKey, strangerKey = keyOf("asker"), keyOf("servicer"), keyOf("stranger")

func asker() *pocket.Asker {
	return &pocket.Asker{Key: askerKey, Now: func() time.Time { return time.Unix(1_700_000_000, 5) }}
}

func sampleSession() *types.Session {
	return &types.Session{Header: &types.SessionHeader{
		Id: strings.Repeat("ab", 32), StartHeight: 20, RelayChain: "0001", GeoZone: "eu-west", Application: askerKey.Address(),
	}}
}

func actorAt(key crypto.PrivateKey, serviceURL string) *types.Actor {
	return &types.Actor{Address: key.Address(), PublicKey: key.PublicKeyHex(), ServiceUrl: serviceURL}
}

// opened is a request as its servicer reads it.
func opened(t *testing.T, envelope []byte) *relay.OpenedRequest {
	t.Helper()
	opened, err := relay.OpenRequest(envelope)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func TestRequestIsAddressedAndFresh(t *testing.T) {
	question := []byte(`{"jsonrpc":"2.0","id":1,"method":"status"}`)
	servicer := actorAt(servicerKey, "http://servicer.example")
	nonces := make(map[string]bool)
	for range 10 {
		asked, err := asker().Ask(sampleSession(), servicer, types.Payload{JSONRPC: question})
		if err != nil {
			t.Fatal(err)
		}
		opened := opened(t, asked.Evidence())
		request := opened.Request
		if !opened.VerifySignature() || opened.SignerAddress() != askerKey.Address() || request.GetServicer() != servicerKey.Address() ||
			request.GetClientTimeUnixNano() != 1_700_000_000_000_000_005 || !bytes.Equal(request.GetJsonRpc().GetBody(), question) {
			t.Fatalf("asked %v", request)
		}
		if !bytes.HasSuffix(asked.Wire(), append([]byte("\r\n\r\n"), asked.Evidence()...)) {
			t.Fatal("the wire does not end with the envelope")
		}
		nonces[string(request.GetNonce())] = true
	}
	if len(nonces) != 10 {
		t.Errorf("%d nonces in 10 requests", len(nonces))
	}
}

// A URL that cannot be put into a request, from a chain on which it could be staked, is its owner's fault.
func TestUnusableServiceURL(t *testing.T) {
	const serviceURL = "http://xn--a\u00ad\u0301.example"
	if err := types.ValidateHTTPURL(serviceURL); err != nil {
		t.Fatalf("not even a URL: %v", err)
	}
	for _, serviceURL := range []string{serviceURL, "http://[::1"} {
		_, err := asker().Ask(sampleSession(), actorAt(servicerKey, serviceURL), types.Payload{JSONRPC: []byte("{}")})
		failure, is := errors.AsType[*wire.Failure](err)
		if !is || failure.Outcome != types.Outcome_OUTCOME_CONNECT || failure.Blame != types.Blame_BLAME_SERVICER || failure.Attempt != types.Attempt_ATTEMPT_BUILD_REQUEST {
			t.Errorf("got %v", err)
		}
	}
}

// What a servicer could not open is not asked, and is nobody else's fault.
func TestWhatCannotBeOpenedIsNotAsked(t *testing.T) {
	servicer := actorAt(servicerKey, "http://servicer.example")
	broken := actorAt(servicerKey, "http://servicer.example")
	broken.PublicKey = "zz"
	for name, test := range map[string]struct {
		session  *types.Session
		servicer *types.Actor
		payload  []byte
	}{
		"no payload":       {sampleSession(), servicer, nil},
		"too much payload": {sampleSession(), servicer, bytes.Repeat([]byte("x"), relay.MaxRequestBytes)},
		"no session":       {&types.Session{}, servicer, []byte("{}")},
		"no key":           {sampleSession(), broken, []byte("{}")},
	} {
		request, err := asker().Ask(test.session, test.servicer, types.Payload{JSONRPC: test.payload})
		if _, theirs := errors.AsType[*wire.Failure](err); err == nil || request != nil || theirs {
			t.Errorf("%s: %v, %v", name, request, err)
		}
	}
}

func sampleResponse(hash [sha256.Size]byte) *types.RelayResponse {
	return &types.RelayResponse{
		RequestHash:      hash[:],
		Servicer:         servicerKey.Address(),
		ReceivedUnixNano: 1_700_000_000_100_000_000,
		AnsweredUnixNano: 1_700_000_000_200_000_000,
		UpstreamStatus:   200,
		Payload:          []byte(`{"jsonrpc":"2.0","id":1,"result":{}}`),
	}
}

// answered is an HTTP response with an envelope.
func answered(status int, contentType string, body []byte) *wire.Answer {
	return &wire.Answer{
		Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: body,
		Times: wire.Times{Sent: time.Unix(1_700_000_000, 0), LastByte: time.Unix(1_700_000_000, 300_000_000)},
	}
}

func TestOpenSaysHowAnAnswerFailed(t *testing.T) {
	request, err := asker().Ask(sampleSession(), actorAt(servicerKey, "http://servicer.example"), types.Payload{JSONRPC: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	hash := opened(t, request.Evidence()).BodyHash
	envelope := func(key crypto.PrivateKey, change func(*types.RelayResponse)) []byte {
		response := sampleResponse(hash)
		change(response)
		sealed, err := relay.SealResponse(key, response)
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	signed := func(code types.RelayErrorCode) []byte {
		return envelope(servicerKey, func(r *types.RelayResponse) {
			r.Payload, r.Error = nil, &types.RelayError{Code: code, Message: "busy"}
		})
	}
	good := envelope(servicerKey, func(*types.RelayResponse) {})
	ok := func(body []byte) *wire.Answer { return answered(http.StatusOK, relay.ContentType, body) }
	const servicer, backend, self = types.Blame_BLAME_SERVICER, types.Blame_BLAME_BACKEND, types.Blame_BLAME_SELF
	for name, test := range map[string]struct {
		answer  *wire.Answer
		outcome types.Outcome
		blame   types.Blame
		code    uint32
	}{
		"status 500":     {answered(500, relay.ContentType, good), types.Outcome_OUTCOME_HTTP_STATUS, servicer, 0},
		"status 204":     {&wire.Answer{Status: 204}, types.Outcome_OUTCOME_HTTP_STATUS, servicer, 0},
		"content type":   {answered(200, "text/html", good), types.Outcome_OUTCOME_MALFORMED, servicer, 0},
		"escapes":        {answered(200, "a\x1b[2J\nb", good), types.Outcome_OUTCOME_MALFORMED, servicer, 0},
		"empty":          {ok(nil), types.Outcome_OUTCOME_MALFORMED, servicer, 0},
		"cut":            {ok(good[:len(good)-1]), types.Outcome_OUTCOME_MALFORMED, servicer, 0},
		"forged":         {ok(envelope(strangerKey, func(*types.RelayResponse) {})), types.Outcome_OUTCOME_BAD_SIGNATURE, servicer, 0},
		"replayed":       {ok(envelope(servicerKey, func(r *types.RelayResponse) { r.RequestHash = make([]byte, 32) })), types.Outcome_OUTCOME_WRONG_BINDING, servicer, 0},
		"other servicer": {ok(envelope(servicerKey, func(r *types.RelayResponse) { r.Servicer = strangerKey.Address() })), types.Outcome_OUTCOME_WRONG_BINDING, servicer, 0},
		"busy":           {ok(signed(12)), types.Outcome_OUTCOME_RELAY_ERROR, servicer, 12},
		"not ready":      {ok(signed(13)), types.Outcome_OUTCOME_RELAY_ERROR, servicer, 13},
		"over allowance": {ok(signed(11)), types.Outcome_OUTCOME_VOID, self, 11},
		"last refusal":   {ok(signed(99)), types.Outcome_OUTCOME_RELAY_ERROR, servicer, 99},
		"upstream":       {ok(signed(100)), types.Outcome_OUTCOME_BACKEND_ERROR, backend, 100},
		"later upstream": {ok(signed(250)), types.Outcome_OUTCOME_BACKEND_ERROR, backend, 250},
	} {
		reply, failure := request.Open(test.answer)
		if failure == nil || len(reply.Payload) > 0 {
			t.Errorf("%s: %v", name, reply)
			continue
		}
		var code uint32
		if failure.Refusal != nil {
			code = failure.Refusal.Code
		}
		if failure.Outcome != test.outcome || failure.Blame != test.blame || code != test.code || strings.ContainsAny(failure.Error(), "\n\x1b") {
			t.Errorf("%s: %v, %v, %v: %v", name, failure.Outcome, failure.Blame, code, failure)
		}
		if attempt := failure.Attempt; (attempt == types.Attempt_ATTEMPT_SIGNED_ERROR) != (code > 0) || code == 0 && attempt != types.Attempt_ATTEMPT_OPEN_ANSWER {
			t.Errorf("%s: attempt %v", name, attempt)
		}
	}
	reply, failure := request.Open(ok(good))
	if failure != nil || reply.Status != 200 || string(reply.Payload) != `{"jsonrpc":"2.0","id":1,"result":{}}` || reply.Remark != "" {
		t.Errorf("good: %+v, %v", reply, failure)
	}
	// A clock that is wrong is remarked upon; the answer counts.
	reply, failure = request.Open(ok(envelope(servicerKey, func(r *types.RelayResponse) { r.ReceivedUnixNano, r.AnsweredUnixNano = 5, 5 })))
	if failure != nil || len(reply.Payload) == 0 || !strings.Contains(reply.Remark, "behind ours") {
		t.Errorf("wrong clock: %+v, %v", reply, failure)
	}
}
