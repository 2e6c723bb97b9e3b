package pocketd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// question asks for a block that is final.
var question = types.Payload{JSONRPC: []byte(`{"jsonrpc":"2.0","id":1,"method":"block","params":{"height":"2"}}`)}

// TestRelays sends relays to real RelayMiners by network/shannon/protocol: it seals what they accept, opens what they sign,
// and tells their errors apart.
func TestRelays(t *testing.T) {
	t.Parallel()
	ctx, network := start(t, Options{Suppliers: []SupplierOptions{
		{}, {Eager: true}, {Fault: Lying}, {Fault: Failing}, {Fault: Unreachable}, {Fault: Hanging}, {Keyless: true}}})
	suppliers := network.Suppliers()
	lazy, eager, lying, failing, unreachable, hanging, keyless := suppliers[0], suppliers[1], suppliers[2], suppliers[3],
		suppliers[4], suppliers[5], suppliers[6]
	g := newGateway(t, network)
	truth := directly(ctx, t, network)

	t.Run("fifty are answered", func(t *testing.T) {
		for i := range 50 {
			supplier := []*Supplier{lazy, eager}[i%2]
			request := g.seal(ctx, t, supplier, 0)
			answer := ask(ctx, t, supplier, request)
			reply, failure := request.Open(answer)
			if failure != nil {
				t.Fatalf("relay %d: %v", i, failure)
			}
			if !sameJSON(reply.Payload, truth) {
				t.Fatalf("relay %d: %.200s, the node says %.200s", i, reply.Payload, truth)
			}
			if i < 2 {
				g.keep(ctx, t, map[bool]string{false: "answer", true: "answer-eager"}[supplier.options.Eager], supplier, request.Body, answer)
			}
		}
	})
	t.Run("REST is unbound", func(t *testing.T) {
		request := g.sealPayload(ctx, t, lazy, 0, types.Payload{REST: &types.RESTPayload{Method: http.MethodGet, Path: "/block?height=2"}})
		answer := ask(ctx, t, lazy, request)
		reply, failure := request.Open(answer)
		if failure != nil || reply.Remark != protocol.Unbound || !bytes.Contains(reply.Payload, []byte(`"height":"2"`)) {
			t.Errorf("%v %q %.200s", failure, reply.Remark, reply.Payload)
		}
		g.keep(ctx, t, "answer-rest", lazy, request.Body, answer)
	})
	t.Run("replayed and foreign answers are caught", func(t *testing.T) {
		first, second := g.seal(ctx, t, lazy, 0), g.seal(ctx, t, lazy, 0)
		old := ask(ctx, t, lazy, first)
		if _, failure := second.Open(old); failure == nil || failure.Outcome != types.Outcome_OUTCOME_WRONG_BINDING {
			t.Errorf("the answer to another request: %v", failure)
		}
		if _, failure := first.Open(ask(ctx, t, lazy, first)); failure != nil {
			t.Errorf("a request that is sent again is answered again: %v", failure)
		}
		foreign := g.seal(ctx, t, eager, 0)
		if _, failure := foreign.Open(old); failure == nil || failure.Outcome != types.Outcome_OUTCOME_BAD_SIGNATURE {
			t.Errorf("the answer of another supplier: %v", failure)
		}
	})
	t.Run("a lie is signed", func(t *testing.T) {
		request := g.seal(ctx, t, lying, 0)
		answer := ask(ctx, t, lying, request)
		reply, failure := request.Open(answer)
		if failure != nil || sameJSON(reply.Payload, truth) {
			t.Errorf("%v %.200s", failure, reply.Payload)
		}
		g.keep(ctx, t, "answer-lie", lying, request.Body, answer)
	})
	t.Run("a lazy RelayMiner signs for a session that is none", func(t *testing.T) {
		header := g.header(ctx, t, 0)
		header.SessionId = strings.Repeat("ab", sha256.Size)
		request, err := protocol.Seal(g.signer, header, g.target(ctx, t, lazy), question)
		if err != nil {
			t.Fatal(err)
		}
		answer := ask(ctx, t, lazy, request)
		if _, failure := request.Open(answer); failure != nil {
			t.Error(failure)
		}
		g.keep(ctx, t, "answer-other-session", lazy, request.Body, answer)
	})
	t.Run("without a key on chain nothing is verified", func(t *testing.T) {
		request := g.seal(ctx, t, keyless, 0)
		answer := ask(ctx, t, keyless, request)
		if _, failure := request.Open(answer); failure == nil || failure.Outcome != types.Outcome_OUTCOME_VOID {
			t.Errorf("%v", failure)
		}
		g.keep(ctx, t, "answer-keyless", keyless, request.Body, answer)
	})

	for _, test := range []struct {
		name     string
		supplier *Supplier
		outcome  types.Outcome
		blame    types.Blame
		// label of the refusal; none for signed answers.
		label string
	}{
		{"backend-500", failing, types.Outcome_OUTCOME_BACKEND_ERROR, types.Blame_BLAME_BACKEND, ""},
		{"backend-refuses", unreachable, types.Outcome_OUTCOME_BACKEND_ERROR, types.Blame_BLAME_BACKEND, "relayer_proxy/5"},
		{"backend-hangs", hanging, types.Outcome_OUTCOME_BACKEND_ERROR, types.Blame_BLAME_BACKEND, "relayer_proxy/10"},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := g.seal(ctx, t, test.supplier, 0)
			answer := ask(ctx, t, test.supplier, request)
			_, failure := request.Open(answer)
			check(t, failure, test.outcome, test.blame, test.label)
			g.keep(ctx, t, test.name, test.supplier, request.Body, answer)
		})
	}
	g.refusals(ctx, t, lazy, eager)
}

// refusals sends what RelayMiners refuse. An eager one checks before it serves; of a lazy one only what it always refuses is
// expected here.
func (g gateway) refusals(ctx context.Context, t *testing.T, lazy, eager *Supplier) {
	stranger, err := protocol.NewPrivateKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	foreignRing := newSigner(t, stranger, stranger.PublicKey(), parseKey(t, g.network.GatewayKey()).PublicKey())
	if err := g.network.AwaitHeight(ctx, 21); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name     string
		supplier *Supplier
		signer   *protocol.Signer
		alter    func(*protocol.SessionHeader, *protocol.Target)
		// servicer: the supplier is blamed, because what it has staked for is not there.
		servicer bool
		label    string
	}{
		{"other-session", eager, g.signer, func(h *protocol.SessionHeader, _ *protocol.Target) {
			h.SessionId = strings.Repeat("ab", sha256.Size)
		}, false, "relay_authenticator/1"},
		{"other-heights", eager, g.signer, func(h *protocol.SessionHeader, _ *protocol.Target) {
			h.SessionStartBlockHeight--
		}, false, "relay_authenticator/1"},
		// The first session: its grace is over when the second one, in which the network is up, has ended.
		{"expired-session", eager, g.signer, func(h *protocol.SessionHeader, _ *protocol.Target) {
			h.SessionStartBlockHeight, h.SessionEndBlockHeight = 1, 10
		}, false, "relay_authenticator/1"},
		{"other-service", eager, g.signer, func(h *protocol.SessionHeader, _ *protocol.Target) { h.ServiceId = "eth" }, true, "relayer_proxy/3"},
		{"other-service-lazy", lazy, g.signer, func(h *protocol.SessionHeader, _ *protocol.Target) { h.ServiceId = "eth" }, true, "relayer_proxy/3"},
		{"other-supplier", lazy, g.signer, func(_ *protocol.SessionHeader, target *protocol.Target) { target.Address = eager.Address }, true, "relayer_proxy/9"},
		{"other-application", eager, g.signer, func(h *protocol.SessionHeader, _ *protocol.Target) {
			h.ApplicationAddress = g.network.Gateway()
		}, false, "rings/2"},
		{"other-ring", eager, foreignRing, func(*protocol.SessionHeader, *protocol.Target) {}, false, "rings/3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			header, target := g.header(ctx, t, 0), g.target(ctx, t, test.supplier)
			test.alter(header, &target)
			request, err := protocol.Seal(test.signer, header, target, question)
			if err != nil {
				t.Fatal(err)
			}
			answer := ask(ctx, t, test.supplier, request)
			_, failure := request.Open(answer)
			outcome, blame := types.Outcome_OUTCOME_VOID, types.Blame_BLAME_UNKNOWN
			if test.servicer {
				outcome, blame = types.Outcome_OUTCOME_RELAY_ERROR, types.Blame_BLAME_SERVICER
			}
			check(t, failure, outcome, blame, test.label)
			g.keep(ctx, t, "refusal-"+test.name, test.supplier, request.Body, answer)
		})
	}
	valid := g.seal(ctx, t, lazy, 0)
	var unsigned protocol.RelayRequest
	if err := proto.Unmarshal(valid.Body, &unsigned); err != nil {
		t.Fatal(err)
	}
	unsigned.Meta.Signature = nil
	body, err := proto.Marshal(&unsigned)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		body  []byte
		label string
	}{
		{"no-relay", []byte(`{"jsonrpc":"2.0","id":1,"method":"status"}`), "relayer_proxy/14"},
		{"empty", nil, "service/1111"},
		{"no-signature", body, "service/1111"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := send(ctx, t, lazy, post(t, lazy, test.body))
			_, failure := valid.Open(answer)
			check(t, failure, types.Outcome_OUTCOME_VOID, types.Blame_BLAME_UNKNOWN, test.label)
			g.keep(ctx, t, "refusal-"+test.name, lazy, test.body, answer)
		})
	}
}

// TestStakeLimit asks more than the application's stake pays for.
func TestStakeLimit(t *testing.T) {
	t.Parallel()
	ctx, network := start(t, Options{ApplicationStake: 2_000_000, Suppliers: []SupplierOptions{{Eager: true}}})
	g, supplier := newGateway(t, network), network.Suppliers()[0]
	for range 500 {
		request := g.seal(ctx, t, supplier, 0)
		answer := ask(ctx, t, supplier, request)
		if _, failure := request.Open(answer); failure != nil {
			check(t, failure, types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF, "relayer_proxy/7")
			g.keep(ctx, t, "refusal-stake", supplier, request.Body, answer)
			return
		}
	}
	t.Error("500 relays were answered for a stake of 2 POKT")
}

// check compares how a relay ended. The label of a refusal is empty where the supplier has signed.
func check(t *testing.T, failure *types.Failure, outcome types.Outcome, blame types.Blame, label string) {
	t.Helper()
	if failure == nil {
		t.Error("answered")
		return
	}
	var said string
	if failure.Refusal != nil {
		said = failure.Refusal.Label
	}
	t.Logf("%v, %v, %q: %v", failure.Outcome, failure.Blame, said, failure)
	if failure.Outcome != outcome || failure.Blame != blame || said != label {
		t.Errorf("want %v, %v, %q", outcome, blame, label)
	}
}

// directly asks the node itself.
func directly(ctx context.Context, t *testing.T, network *Network) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, network.RPC(), bytes.NewReader(question.JSONRPC))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, queryBytes))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// sameJSON reports whether two texts are the same JSON, up to white space.
func sameJSON(a, b []byte) bool {
	var one, other bytes.Buffer
	return json.Compact(&one, a) == nil && json.Compact(&other, b) == nil && bytes.Equal(one.Bytes(), other.Bytes())
}
