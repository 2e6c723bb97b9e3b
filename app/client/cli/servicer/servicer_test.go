package servicer

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

var (
	applicationKey = localnet.Key(7, types.ActorType_ACTOR_TYPE_APPLICATION, 0)
	servicerKey    = localnet.Key(7, types.ActorType_ACTOR_TYPE_SERVICER, 0)
	strangerKey    = localnet.Key(7, types.ActorType_ACTOR_TYPE_SERVICER, 1)
)

// keptRelay is a relay as a node shows it.
func keptRelay(t *testing.T, session string) api.KeptRelay {
	t.Helper()
	request, err := relay.SealRequest(applicationKey, &types.RelayRequest{
		Session:  &types.SessionHeader{Id: session, StartHeight: 10, RelayChain: "0001", GeoZone: "local", Application: applicationKey.Address()},
		Servicer: servicerKey.Address(), Nonce: make([]byte, relay.NonceSize),
		Payload: &types.RelayRequest_JsonRpc{JsonRpc: &types.JSONRPCPayload{Body: []byte(`{"jsonrpc":"2.0","id":1,"method":"status"}`)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	response, err := relay.SealResponse(servicerKey, &types.RelayResponse{RequestHash: request.BodyHash[:], Servicer: servicerKey.Address(),
		ReceivedUnixNano: 1_700_000_000_000_000_123, AnsweredUnixNano: 1_700_000_000_000_000_456, UpstreamStatus: 200, Payload: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	return api.KeptRelay{RequestHash: hex.EncodeToString(request.BodyHash[:]), Servicer: servicerKey.Address(),
		Application: applicationKey.Address(), Signer: applicationKey.Address(), Received: time.Unix(1_700_000_000, 123).UTC(),
		Answered: time.Unix(1_700_000_000, 456).UTC(), UpstreamStatus: 200, Request: request.Envelope, Response: response}
}

// TestKeptRelaysAreVerified: what the envelopes do not prove is shown as not verified, and ends with its own exit code.
func TestKeptRelaysAreVerified(t *testing.T) {
	session := strings.Repeat("1f", 32)
	for name, test := range map[string]struct {
		spoil func(*api.KeptRelay)
		code  command.ExitCode
		says  string
	}{
		"as it is":           {func(*api.KeptRelay) {}, command.ExitOK, ""},
		"response altered":   {func(r *api.KeptRelay) { r.Response[len(r.Response)-1] ^= 1 }, command.ExitUntrusted, "relay 5: response: bad signature"},
		"request missing":    {func(r *api.KeptRelay) { r.Request = nil }, command.ExitUntrusted, "relay 5: request: malformed"},
		"another hash":       {func(r *api.KeptRelay) { r.RequestHash = strings.Repeat("0", 64) }, command.ExitUntrusted, "something else than the node"},
		"another time":       {func(r *api.KeptRelay) { r.Received = r.Received.Add(1) }, command.ExitUntrusted, "something else"},
		"another servicer":   {func(r *api.KeptRelay) { r.Servicer = strangerKey.Address() }, command.ExitUntrusted, "something else"},
		"escapes of a liar":  {func(r *api.KeptRelay) { r.Signer = "\x1b[31m" }, command.ExitUntrusted, "something else"},
		"another upstream":   {func(r *api.KeptRelay) { r.UpstreamStatus = 500 }, command.ExitUntrusted, "something else"},
		"another's relation": {func(r *api.KeptRelay) { r.Application = strangerKey.Address() }, command.ExitUntrusted, "something else"},
	} {
		t.Run(name, func(t *testing.T) {
			kept, next := keptRelay(t, session), int64(6)
			kept.Place = 5
			test.spoil(&kept)
			node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if err := json.NewEncoder(w).Encode(api.RelayPage{Session: session, Kept: 9, Next: &next, Relays: []api.KeptRelay{kept}}); err != nil {
					t.Error(err)
				}
			}))
			defer node.Close()
			code, stdout, stderr := commandtest.Pocket(t, New, "servicer", "relays", "--node", node.URL, "--session", session)
			if code != test.code || !strings.Contains(stderr, test.says) || strings.Contains(stdout, "\x1b") ||
				!strings.Contains(stdout, "9 kept, 1 shown; go on with --from 6") || strings.Contains(stdout, "both fit") != (code == command.ExitOK) {
				t.Errorf("exit code %d, stderr %q, stdout\n%s", code, stderr, stdout)
			}
			_, stdout, _ = commandtest.Pocket(t, New, "servicer", "relays", "--node", node.URL, "--session", session, "--output", "json")
			var page verifiedPage
			if err := json.Unmarshal([]byte(stdout), &page); err != nil || len(page.Relays) != 1 || page.Relays[0].Verified != (code == command.ExitOK) {
				t.Errorf("%v in\n%s", err, stdout)
			}
		})
	}
}
