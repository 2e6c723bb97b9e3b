package relay_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

var updateWire = flag.Bool("update-wire", false, "write the golden requests on the wire anew")

func TestWireRequestIsGolden(t *testing.T) {
	for name, serviceURL := range map[string]string{
		"wire_root.golden": "http://servicer.example:8080",
		"wire_base.golden": "https://servicer.example/base/",
		"wire_ipv6.golden": "http://[2001:db8::1]:9",
	} {
		got, err := relay.WireRequest(serviceURL, []byte("an envelope"))
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

func protocol() *relay.Protocol {
	return &relay.Protocol{Key: askerKey, Now: func() time.Time { return time.Unix(1_700_000_000, 5) }}
}

func sampleSession() *types.Session { return &types.Session{Header: sampleRequest().GetSession()} }

func actorAt(key crypto.PrivateKey, serviceURL string) *types.Actor {
	return &types.Actor{Address: key.Address(), PublicKey: key.PublicKeyHex(), ServiceUrl: serviceURL}
}

func TestSealIsAddressedAndFresh(t *testing.T) {
	question := []byte(`{"jsonrpc":"2.0","id":1,"method":"status"}`)
	servicer := actorAt(servicerKey, "http://servicer.example")
	nonces := make(map[string]bool)
	for range 10 {
		sealed, err := protocol().Seal(sampleSession(), servicer, types.Payload{JSONRPC: question})
		if err != nil {
			t.Fatal(err)
		}
		opened, err := relay.OpenRequest(sealed.Envelope)
		if err != nil {
			t.Fatal(err)
		}
		request := opened.Request
		if !opened.VerifySignature() || opened.SignerAddress() != askerKey.Address() || request.GetServicer() != servicerKey.Address() ||
			request.GetClientTimeUnixNano() != 1_700_000_000_000_000_005 || !bytes.Equal(request.GetJsonRpc().GetBody(), question) {
			t.Fatalf("sealed %v", request)
		}
		if !bytes.HasSuffix(sealed.Wire, append([]byte("\r\n\r\n"), sealed.Envelope...)) {
			t.Fatal("the wire does not end with the envelope")
		}
		nonces[string(request.GetNonce())] = true
	}
	if len(nonces) != 10 {
		t.Errorf("%d nonces in 10 requests", len(nonces))
	}
}

// A URL that passes as a service URL but cannot be put into a request is its owner's fault.
func TestSealForAnUnusableURL(t *testing.T) {
	const serviceURL = "http://xn--a\u00ad\u0301.example"
	if err := types.ValidateServiceURL(serviceURL); err != nil {
		t.Fatalf("not even staked: %v", err)
	}
	_, err := protocol().Seal(sampleSession(), actorAt(servicerKey, serviceURL), types.Payload{JSONRPC: []byte("{}")})
	var failure *relay.Failure
	if !errors.As(err, &failure) || failure.Outcome != types.Outcome_OUTCOME_CONNECT || failure.Blame != types.Blame_BLAME_SERVICER {
		t.Errorf("got %v", err)
	}
}

func TestSealRefusesWhatCannotBeOpened(t *testing.T) {
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
		sealed, err := protocol().Seal(test.session, test.servicer, types.Payload{JSONRPC: test.payload})
		var failure *relay.Failure
		if err == nil || sealed != nil || errors.As(err, &failure) {
			t.Errorf("%s: %v, %v", name, sealed, err)
		}
	}
}

func TestOpenSaysHowAnAnswerFailed(t *testing.T) {
	sealed, err := protocol().Seal(sampleSession(), actorAt(servicerKey, "http://servicer.example"), types.Payload{JSONRPC: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := relay.OpenRequest(sealed.Envelope)
	if err != nil {
		t.Fatal(err)
	}
	envelope := func(key crypto.PrivateKey, change func(*types.RelayResponse)) []byte {
		response := sampleResponse(opened.BodyHash)
		change(response)
		sealed, err := relay.SealResponse(key, response)
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	signed := func(code types.RelayErrorCode) []byte {
		return envelope(servicerKey, func(r *types.RelayResponse) { refuse(r); r.Error.Code = code })
	}
	good := envelope(servicerKey, func(*types.RelayResponse) {})
	ok := func(body []byte) *relay.Answer {
		return &relay.Answer{Status: 200, ContentType: relay.ContentType, Body: body}
	}
	const servicer, backend, self = types.Blame_BLAME_SERVICER, types.Blame_BLAME_BACKEND, types.Blame_BLAME_SELF
	for name, test := range map[string]struct {
		answer  *relay.Answer
		outcome types.Outcome
		blame   types.Blame
		code    types.RelayErrorCode
	}{
		"status 500":     {&relay.Answer{Status: 500, ContentType: relay.ContentType, Body: good}, types.Outcome_OUTCOME_HTTP_STATUS, servicer, 0},
		"status 204":     {&relay.Answer{Status: 204}, types.Outcome_OUTCOME_HTTP_STATUS, servicer, 0},
		"content type":   {&relay.Answer{Status: 200, ContentType: "text/html", Body: good}, types.Outcome_OUTCOME_MALFORMED, servicer, 0},
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
		response, err := sealed.Open(test.answer)
		var failure *relay.Failure
		if response != nil || !errors.As(err, &failure) {
			t.Errorf("%s: %v, %v", name, response, err)
			continue
		}
		if failure.Outcome != test.outcome || failure.Blame != test.blame || failure.Code != test.code || strings.ContainsAny(failure.Error(), "\n\x1b") {
			t.Errorf("%s: %v, %v, %v: %v", name, failure.Outcome, failure.Blame, failure.Code, failure)
		}
	}
	if response, err := sealed.Open(ok(good)); err != nil || len(response.GetPayload()) == 0 {
		t.Errorf("good: %v, %v", response, err)
	}
}
