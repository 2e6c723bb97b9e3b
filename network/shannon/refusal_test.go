package shannon_test

import (
	"net/http"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// refusal is a RelayMiner's unsigned error.
func refusal(codespace string, code uint32) *wire.Answer {
	body, _ := proto.Marshal(&protocol.RelayResponse{Meta: &protocol.RelayResponseMetadata{},
		RelayMinerError: &protocol.RelayMinerError{Codespace: []byte(codespace), Code: code, Message: []byte("no")}})
	return &wire.Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/octet-stream"}}, Body: body}
}

// A supplier that says that our session, our ring or our request is wrong is contradicted by our view of the chain, but for the
// first blocks of a session and the last of its grace.
func TestRefusalsAreHeldAgainstOurView(t *testing.T) {
	for _, test := range []struct {
		grace        uint64
		asked, heard int64
		contradicted bool
	}{
		// The session has the blocks 91 to 100.
		{10, 91, 91, false}, {10, 92, 92, false}, {10, 93, 93, true}, {10, 97, 98, true}, {10, 100, 100, true}, {10, 92, 97, false},
		{10, 100, 108, true}, {10, 100, 109, false}, {10, 100, 130, false},
		{1, 99, 99, true}, {1, 100, 100, false}, {0, 98, 98, true}, {0, 99, 99, false},
	} {
		for _, said := range []struct {
			codespace string
			code      uint32
		}{{"relay_authenticator", 1}, {"relay_authenticator", 2}, {"rings", 3}, {"session", 1108}, {"relayer_proxy", 14}, {"service", 1111}} {
			w := newWorld()
			w.shared.GracePeriodEndOffsetBlocks = test.grace
			n, node := w.network(t)
			node.Claim(test.asked)
			session := only(t, n, test.asked)
			see := func(height int64) {
				node.Claim(height)
				if got, err := n.Sync(t.Context()); err != nil || got != height {
					t.Fatalf("height %d, %v", got, err)
				}
			}
			see(test.asked)
			request, err := n.Ask(session, session.GetServicers()[0], types.Payload{JSONRPC: []byte(`{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}`)})
			if err != nil {
				t.Fatal(err)
			}
			see(test.heard)
			_, failure := request.Open(refusal(said.codespace, said.code))
			if failure == nil || failure.Outcome != types.Outcome_OUTCOME_VOID || failure.Blame != types.Blame_BLAME_UNKNOWN || failure.Refusal == nil || !failure.Refusal.DisputesRequest {
				t.Fatalf("%+v: %+v", test, failure)
			}
			if failure.Refusal.Contradicted != test.contradicted {
				t.Errorf("%+v, %s/%d: contradicted %t", test, said.codespace, said.code, failure.Refusal.Contradicted)
			}
		}
	}
}

// A supplier that says that the application's stake is used up is believed when what we have spent comes near its share of the
// stake. Otherwise it is in doubt: others may spend the stake too.
func TestStakeThatIsUsedUp(t *testing.T) {
	w := newWorld()
	w.application.Stake = upokt("1320") // 440 a supplier: 20 relays
	n, _ := w.network(t)
	session := only(t, n, 95)
	policy, err := n.Policy(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	for relays, want := range map[int]types.Blame{1: types.Blame_BLAME_UNKNOWN, 18: types.Blame_BLAME_UNKNOWN, 19: types.Blame_BLAME_SELF, 30: types.Blame_BLAME_SELF} {
		if err := policy.Budget.Take(3 * relays); err != nil {
			t.Fatal(err)
		}
		request, err := n.Ask(session, session.GetServicers()[0], types.Payload{JSONRPC: []byte(`{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}`)})
		if err != nil {
			t.Fatal(err)
		}
		_, failure := request.Open(refusal("relayer_proxy", 7))
		if failure == nil || failure.Outcome != types.Outcome_OUTCOME_VOID || failure.Blame != want || !failure.Refusal.OverAllowance || failure.Refusal.Contradicted {
			t.Errorf("after %d relays: %+v, want blame %v", relays, failure, want)
		}
		policy.Budget.Return(3 * relays)
	}
}
