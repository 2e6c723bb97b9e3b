package relay

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

const relayPayload = `{"jsonrpc":"2.0","id":1,"method":"status"}`

var (
	applicationKey = localnet.Key(7, types.ActorType_ACTOR_TYPE_APPLICATION, 0)
	servicerKey    = localnet.Key(7, types.ActorType_ACTOR_TYPE_SERVICER, 0)
	strangerKey    = localnet.Key(7, types.ActorType_ACTOR_TYPE_SERVICER, 1)
)

// fakeNetwork is a node's API with one session, and its one servicer.
type fakeNetwork struct {
	chainID     string
	publicKey   string
	application string
	// answer is what the servicer answers to an opened request.
	answer func(w http.ResponseWriter, request *relay.OpenedRequest)
	// mu orders the servicer's goroutine and the test's.
	mu   sync.Mutex
	last *relay.OpenedRequest
	// wire is what the servicer read.
	wire recorder
	// serviceURL of the servicer, once it is started.
	serviceURL string
}

// start returns the URL of the node.
func (n *fakeNetwork) start(t *testing.T) string {
	t.Helper()
	servicer := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		envelope, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != relay.Path || r.Header.Get("Content-Type") != relay.ContentType {
			t.Errorf("POST %s, %v", r.URL, err)
		}
		opened, err := relay.OpenRequest(envelope)
		if err != nil {
			t.Error(err)
			return
		}
		n.mu.Lock()
		n.last = opened
		n.mu.Unlock()
		n.answer(w, opened)
	}))
	servicer.Listener = n.wire.listen(servicer.Listener)
	servicer.Start()
	t.Cleanup(servicer.Close)
	n.serviceURL = servicer.URL
	session := api.Session{
		ID: strings.Repeat("1f", 32), StartHeight: 10, Blocks: 10, Height: 12, RelayChain: "0001", GeoZone: "local",
		Application: api.Actor{Address: n.application},
		Servicers:   []api.Actor{{Address: servicerKey.Address(), PublicKey: n.publicKey, ServiceURL: servicer.URL}},
	}
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		var body any = session
		if r.URL.Path == "/v1/status" {
			body = api.Status{ChainID: n.chainID, Height: 12}
		}
		if err := json.NewEncoder(w).Encode(body); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(node.Close)
	return node.URL
}

// opened is the last relay that reached the servicer; nil for none.
func (n *fakeNetwork) opened() *relay.OpenedRequest {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.last
}

func newFakeNetwork(answer func(http.ResponseWriter, *relay.OpenedRequest)) *fakeNetwork {
	return &fakeNetwork{chainID: localnet.ChainID(7), publicKey: servicerKey.PublicKeyHex(),
		application: applicationKey.Address(), answer: answer}
}

// sealed answers with a response, signed by a key, after it was changed.
func sealed(key crypto.PrivateKey, change func(*types.RelayResponse)) func(http.ResponseWriter, *relay.OpenedRequest) {
	return func(w http.ResponseWriter, request *relay.OpenedRequest) {
		response := &types.RelayResponse{RequestHash: request.BodyHash[:], Servicer: servicerKey.Address(), UpstreamStatus: 200,
			Payload: []byte(`{"jsonrpc":"2.0","id":1,"result":{"height":"12","text":"\u001b<ü>"}}`)}
		change(response)
		envelope, err := relay.SealResponse(key, response)
		if err != nil {
			panic(err)
		}
		w.Header().Set("Content-Type", relay.ContentType)
		_, _ = w.Write(envelope)
	}
}

func unchanged(*types.RelayResponse) {}

func relayTo(node string, more ...string) []string {
	return append([]string{"relay", "--node", node, "--application", applicationKey.Address(), "--servicer", servicerKey.Address(),
		"--chain", "0001", "--payload", relayPayload}, more...)
}

func TestRelayShowsAVerifiedAnswer(t *testing.T) {
	network := newFakeNetwork(sealed(servicerKey, unchanged))
	node := network.start(t)
	code, stdout, stderr := commandtest.Pocket(t, New, relayTo(node)...)
	if code != command.ExitOK || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	hash := hex.EncodeToString(network.opened().BodyHash[:])
	for _, want := range []string{"servicer " + servicerKey.Address() + " (verified)", "request " + hash + " (verified)", "HTTP status 200", `"height": "12"`} {
		if !strings.Contains(stdout, want) {
			t.Errorf("stdout does not say %q:\n%s", want, stdout)
		}
	}
	request := network.opened().Request
	if !network.opened().VerifySignature() || network.opened().SignerAddress() != applicationKey.Address() ||
		string(request.GetJsonRpc().GetBody()) != relayPayload || request.GetSession().GetId() != strings.Repeat("1f", 32) ||
		request.GetSession().GetStartHeight() != 10 || request.GetServicer() != servicerKey.Address() {
		t.Errorf("the servicer got %v, signed by %s", request, network.opened().SignerAddress())
	}
}

func TestRelayAsJSON(t *testing.T) {
	network := newFakeNetwork(sealed(servicerKey, unchanged))
	code, stdout, stderr := commandtest.Pocket(t, New, relayTo(network.start(t), "--output", "json")...)
	if code != command.ExitOK || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	var result map[string]any
	if err := json.Unmarshal([]byte(stdout), &result); err != nil {
		t.Fatal(err)
	}
	roundTrip, timed := result["round_trip_ms"].(float64)
	if !timed || roundTrip <= 0 || roundTrip > float64(time.Minute/time.Millisecond) {
		t.Errorf("round trip %v", result["round_trip_ms"])
	}
	delete(result, "round_trip_ms")
	want := map[string]any{
		"servicer": servicerKey.Address(), "session_id": strings.Repeat("1f", 32), "request_hash": hex.EncodeToString(network.opened().BodyHash[:]),
		"upstream_status": 200.0, "signature_verified": true, "error": nil,
		"answer": map[string]any{"jsonrpc": "2.0", "id": 1.0, "result": map[string]any{"height": "12", "text": "\x1b<ü>"}},
	}
	if got, wanted := fmt.Sprint(result), fmt.Sprint(want); got != wanted {
		t.Errorf("result %s, want %s", got, wanted)
	}
}

func TestRelayOfREST(t *testing.T) {
	args := func(node string, more ...string) []string {
		return append([]string{"relay", "--node", node, "--application", applicationKey.Address(), "--servicer", servicerKey.Address(),
			"--chain", "0001", "--path", "/a?b=c", "--method", "POST", "--header", "Accept: */*", "--body", "hello"}, more...)
	}
	for payload, wants := range map[string][]string{
		`{"a":1}`:      {`"a": 1`},
		"<p>\x1b":      {`\u001b"`},
		"\xff":         {`"answer": null`, `"answer_base64": "/w=="`},
		"":             {`"answer": ""`},
		"two\nlines\n": {`"two\nlines\n"`},
	} {
		network := newFakeNetwork(sealed(servicerKey, func(r *types.RelayResponse) {
			r.Payload, r.Headers = []byte(payload), []*types.HTTPHeader{{Name: "Etag", Value: "7"}}
		}))
		node := network.start(t)
		code, stdout, stderr := commandtest.Pocket(t, New, args(node, "--output", "json")...)
		if code != command.ExitOK || stderr != "" {
			t.Fatalf("%q: exit code %d, stderr %q", payload, code, stderr)
		}
		for _, want := range append(wants, `"Etag": "7"`) {
			if !strings.Contains(stdout, want) {
				t.Errorf("%q: stdout does not say %s:\n%s", payload, want, stdout)
			}
		}
		rest := network.opened().Request.GetRest()
		if rest.GetMethod() != "POST" || rest.GetPath() != "/a?b=c" || string(rest.GetBody()) != "hello" || len(rest.GetHeaders()) != 1 ||
			rest.GetHeaders()[0].GetName() != "Accept" || rest.GetHeaders()[0].GetValue() != "*/*" {
			t.Errorf("the servicer got %v", rest)
		}
		if code, stdout, stderr = commandtest.Pocket(t, New, args(node)...); code != command.ExitOK || stderr != "" || !strings.Contains(stdout, "header         Etag: 7") ||
			strings.Contains(stdout, "\x1b") {
			t.Errorf("%q: exit code %d, stderr %q, stdout %q", payload, code, stderr, stdout)
		}
	}
}

func TestSignedRefusalIsShown(t *testing.T) {
	refusal := sealed(servicerKey, func(response *types.RelayResponse) {
		response.Payload, response.UpstreamStatus = nil, 0
		response.Error = &types.RelayError{Code: types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE, Message: "the allowance is used up"}
	})
	node := newFakeNetwork(refusal).start(t)
	code, stdout, stderr := commandtest.Pocket(t, New, relayTo(node, "--output", "json")...)
	if code != command.ExitUntrusted || !strings.Contains(stderr, "OVER_ALLOWANCE: the allowance is used up") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	for _, want := range []string{`"code": "OVER_ALLOWANCE"`, `"answer": null`, `"signature_verified": true`} {
		if !strings.Contains(stdout, want) {
			t.Errorf("stdout %q does not say %s", stdout, want)
		}
	}
	if code, stdout, _ = commandtest.Pocket(t, New, relayTo(node)...); code != command.ExitUntrusted || !strings.Contains(stdout, "signed error   OVER_ALLOWANCE") {
		t.Errorf("exit code %d, stdout %q", code, stdout)
	}
}

func TestAnswersThatCannotBeTrusted(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(http.ResponseWriter, *relay.OpenedRequest)
		says   string
	}{
		"another's signature": {sealed(strangerKey, unchanged), "bad signature"},
		"another's name":      {sealed(servicerKey, func(r *types.RelayResponse) { r.Servicer = strangerKey.Address() }), "wrong binding"},
		"another's question":  {sealed(servicerKey, func(r *types.RelayResponse) { r.RequestHash = make([]byte, 32) }), "wrong binding"},
		"no envelope":         {func(w http.ResponseWriter, _ *relay.OpenedRequest) { _, _ = io.WriteString(w, "hello") }, "cannot be trusted"},
		"not JSON":            {sealed(servicerKey, func(r *types.RelayResponse) { r.Payload = []byte("\x1b[31m") }), "not JSON"},
		"web server":          {func(w http.ResponseWriter, _ *relay.OpenedRequest) { w.WriteHeader(502) }, "HTTP status 502"},
		"redirect": {func(w http.ResponseWriter, _ *relay.OpenedRequest) {
			w.Header().Set("Location", "/v1/relay")
			w.WriteHeader(307)
		}, "HTTP status 307"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := commandtest.Pocket(t, New, relayTo(newFakeNetwork(test.answer).start(t))...)
			if code != command.ExitUntrusted || stdout != "" || !strings.Contains(stderr, test.says) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit code %d, stdout %q, stderr %q; want it to say %q", code, stdout, stderr, test.says)
			}
		})
	}
}

func TestSlowServicerIsNotWaitedForLongerThanTold(t *testing.T) {
	release := make(chan struct{})
	node := newFakeNetwork(func(http.ResponseWriter, *relay.OpenedRequest) { <-release }).start(t)
	t.Cleanup(func() { close(release) }) // before the servers' own clean-up, which waits for their handlers
	code, _, stderr := commandtest.Pocket(t, New, relayTo(node, "--timeout", "50ms")...)
	if code != command.ExitUntrusted || !strings.Contains(stderr, "did not answer") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

func TestRelayThatIsNotSent(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*fakeNetwork)
		args   []string
		code   command.ExitCode
		says   string
	}{
		"servicer of no session":  {func(*fakeNetwork) {}, []string{"--servicer", strangerKey.Address()}, command.ExitNotFound, "is not in session 1f1f1f1f1f1f"},
		"chain without keys":      {func(n *fakeNetwork) { n.chainID = "mainnet" }, nil, command.ExitNotFound, "see 'pocket keys list'"},
		"application without key": {func(*fakeNetwork) {}, []string{"--application", strings.Repeat("0", 40)}, command.ExitNotFound, "none of the actors"},
		"key of another address":  {func(n *fakeNetwork) { n.publicKey = strangerKey.PublicKeyHex() }, nil, command.ExitUntrusted, "does not belong"},
		"key that is none":        {func(n *fakeNetwork) { n.publicKey = "zz" }, nil, command.ExitUntrusted, "does not belong"},
	} {
		t.Run(name, func(t *testing.T) {
			network := newFakeNetwork(sealed(servicerKey, unchanged))
			test.change(network)
			code, stdout, stderr := commandtest.Pocket(t, New, relayTo(network.start(t), test.args...)...)
			if code != test.code || stdout != "" || !strings.Contains(stderr, test.says) {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
			}
			if network.opened() != nil {
				t.Error("a relay was sent")
			}
		})
	}
}

func TestRelayToNobody(t *testing.T) {
	network := newFakeNetwork(func(w http.ResponseWriter, _ *relay.OpenedRequest) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	})
	code, _, stderr := commandtest.Pocket(t, New, relayTo(network.start(t))...)
	if code != command.ExitUntrusted || !strings.Contains(stderr, "did not answer") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

func TestRelaySignsWithAStoredKey(t *testing.T) {
	key := crypto.KeyFromSeed([32]byte{9})
	directory, passphraseFile := commandtest.StoredKey(t, key)
	network := newFakeNetwork(sealed(servicerKey, unchanged))
	network.chainID, network.application = "mainnet", key.Address()
	node := network.start(t)
	args := relayTo(node, "--application", key.Address(), "--keys", directory)
	for name, test := range map[string]struct {
		args []string
		code command.ExitCode
		says string
	}{
		"no passphrase":            {[]string{"--allow-private"}, command.ExitUsage, "no passphrase"},
		"servicer on this machine": {[]string{"--passphrase-file", passphraseFile}, command.ExitUntrusted, "did not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := commandtest.Pocket(t, New, append(args, test.args...)...)
			if code != test.code || stdout != "" || !strings.Contains(stderr, test.says) || network.opened() != nil {
				t.Errorf("exit code %d, stdout %q, stderr %q, relay %v", code, stdout, stderr, network.opened())
			}
		})
	}
	code, _, stderr := commandtest.Pocket(t, New, append(args, "--allow-private", "--passphrase-file", passphraseFile)...)
	if code != command.ExitOK || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	if !network.opened().VerifySignature() || network.opened().SignerAddress() != key.Address() {
		t.Errorf("signed by %s", network.opened().SignerAddress())
	}
}

func TestStoredKeyGoesBeforeTheWellKnownOne(t *testing.T) {
	directory, _ := commandtest.StoredKey(t, applicationKey)
	node := newFakeNetwork(sealed(servicerKey, unchanged)).start(t)
	if code, _, stderr := commandtest.Pocket(t, New, relayTo(node, "--keys", directory)...); code != command.ExitUsage || !strings.Contains(stderr, "no passphrase") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	if code, _, stderr := commandtest.Pocket(t, New, relayTo(node, "--keys", filepath.Join(directory, "absent"))...); code != command.ExitOK {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}
