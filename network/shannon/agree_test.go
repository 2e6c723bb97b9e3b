package shannon_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/network/shannon"
	"github.com/pocket-fisherman/fisherman/network/shannon/chain"
	"github.com/pocket-fisherman/fisherman/network/shannon/chaintest"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
)

// lies are what a node can say of the state so that money goes elsewhere, or more of it than the limits say.
var lies = map[string]func(path string, answer proto.Message){
	"a supplier more": func(_ string, answer proto.Message) {
		if of, is := answer.(*protocol.QueryGetSessionResponse); is {
			of.Session.Suppliers = append(of.Session.Suppliers, newWorld().supplier("stranger", "stranger", "https://stranger.example/"))
		}
	},
	"a supplier less": func(_ string, answer proto.Message) {
		if of, is := answer.(*protocol.QueryGetSessionResponse); is {
			of.Session.Suppliers = of.Session.Suppliers[1:]
		}
	},
	"another URL": func(_ string, answer proto.Message) {
		if of, is := answer.(*protocol.QueryGetSessionResponse); is {
			of.Session.Suppliers[0].Services[0].Endpoints[0].Url = "https://elsewhere.example/"
		}
	},
	"another stake": func(_ string, answer proto.Message) {
		if of, is := answer.(*protocol.QueryGetSessionResponse); is {
			of.Session.Application.Stake = upokt("100000000000")
		}
	},
	"another session": func(_ string, answer proto.Message) {
		if of, is := answer.(*protocol.QueryGetSessionResponse); is {
			of.Session.SessionId = strings.Repeat("ab", 32)
			of.Session.Header.SessionId = of.Session.SessionId
		}
	},
	"a longer session": func(_ string, answer proto.Message) {
		if of, is := answer.(*protocol.QueryGetSessionResponse); is {
			of.Session.Header.SessionEndBlockHeight, of.Session.NumBlocksPerSession = 200, 110
		}
	},
	"a low price": func(_ string, answer proto.Message) {
		if of, is := answer.(*protocol.QuerySharedParamsResponse); is {
			of.Params.ComputeUnitsToTokensMultiplier = 1
		}
	},
	"no inflation": func(_ string, answer proto.Message) {
		if of, is := answer.(*protocol.QueryTokenomicsParamsResponse); is {
			of.Params.GlobalInflationPerClaim = 0
		}
	},
	"few compute units": func(_ string, answer proto.Message) {
		if of, is := answer.(*protocol.QueryGetServiceResponse); is {
			of.Service.ComputeUnitsPerRelay = 1
		}
	},
	"a low least stake": func(_ string, answer proto.Message) {
		if of, is := answer.(*protocol.QueryApplicationParamsResponse); is {
			of.Params.MinStake = upokt("1")
		}
	},
}

// nodesOf are nodes of one chain, each with a lie or none.
func nodesOf(t *testing.T, told ...func(string, proto.Message)) (nodes []*chaintest.Node, rpc []string) {
	for _, lie := range told {
		w := newWorld()
		w.forge = lie
		node := chaintest.New(t, "pocket", 100)
		node.Serve(w.answer)
		nodes, rpc = append(nodes, node), append(rpc, node.URL)
	}
	return nodes, rpc
}

func networkAt(t *testing.T, rpc []string) *shannon.Network {
	t.Helper()
	n, err := shannon.New(shannon.Config{RPC: rpc, Groups: []shannon.Group{groupOf()}, Patience: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// One node of several that lies about a session or its costs is not believed: of three the other two are, wherever it is among
// them; of two none is, nothing is asked, and one line says so.
func TestALyingNodeIsNotBelieved(t *testing.T) {
	for name, lie := range lies {
		t.Run(name, func(t *testing.T) {
			for at := range 3 {
				told := make([]func(string, proto.Message), 3)
				told[at] = lie
				_, rpc := nodesOf(t, told...)
				n := networkAt(t, rpc)
				session := only(t, n, 95)
				state := n.States()[0]
				if len(session.GetServicers()) != 3 || state.Estimate.Relay != perRelay || state.Stake != 100_000_000 || state.MinStake != 1_000_000 ||
					session.GetHeader().GetId() != newWorld().session(service, 95).GetSessionId() || session.GetServicers()[0].GetServiceUrl() != "https://supplier0.example/relay" {
					t.Errorf("liar %d: %v, %+v", at, session, state)
				}
			}
			for at := range 2 {
				told := make([]func(string, proto.Message), 2)
				told[at] = lie
				_, rpc := nodesOf(t, told...)
				n := networkAt(t, rpc)
				sessions, err := n.Sessions(t.Context(), 95)
				state := n.States()[0]
				// A session that cannot be is no answer, so that the other one is alone.
				want := state.Problem == shannon.ProblemDisputed || state.Problem == shannon.ProblemUnconfirmed
				if len(sessions) > 0 || err == nil || strings.Contains(err.Error(), "\n") || !want || state.Reason == "" || state.Problems[state.Problem] != 1 {
					t.Errorf("liar %d: %d sessions, %v, %v: %s", at, len(sessions), err, state.Problem.Label(), state.Reason)
				}
			}
		})
	}
}

// Two have to say the same, so one that is down, behind or of another chain leaves a third to agree with. Of two no other is
// asked for money.
func TestTwoNodesAgree(t *testing.T) {
	for name, faulty := range map[string]func(*chaintest.Node) string{
		"down":             func(*chaintest.Node) string { return "http://127.0.0.1:1" },
		"of another chain": func(node *chaintest.Node) string { node.Become("elsewhere"); return node.URL },
		"behind": func(node *chaintest.Node) string {
			node.Break(chaintest.Faults{CatchingUp: true})
			return node.URL
		},
	} {
		t.Run(name, func(t *testing.T) {
			for at := range 3 {
				nodes, rpc := nodesOf(t, nil, nil, nil)
				rpc[at] = faulty(nodes[at])
				if n := networkAt(t, rpc); len(only(t, n, 95).GetServicers()) != 3 {
					t.Error("no session")
				}
			}
			nodes, rpc := nodesOf(t, nil, nil)
			rpc[1] = faulty(nodes[1])
			client, err := chain.New(chain.Config{RPC: rpc, ChainID: "pocket"})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if _, err := client.Session(t.Context(), groupOf().Application, service, 95); shannon.ProblemOf(err) != shannon.ProblemUnconfirmed || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v: %v", shannon.ProblemOf(err).Label(), err)
			}
			nodes[0].Serve(func(string, []byte, int64) chaintest.Answer { return chaintest.Answer{Code: 22, Codespace: "sdk"} })
			if _, err := client.Service(t.Context(), service, 95); shannon.ProblemOf(err) != shannon.ProblemUnconfirmed {
				t.Errorf("a refusal of one: %v", err)
			}
		})
	}
}

// A node that does not answer holds up nobody where two others agree.
func TestAgreementWaitsForNoThird(t *testing.T) {
	nodes, rpc := nodesOf(t, nil, nil, nil)
	client, err := chain.New(chain.Config{RPC: rpc, Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	hanging := make(chan struct{})
	t.Cleanup(func() { close(hanging) })
	nodes[0].Serve(func(string, []byte, int64) chaintest.Answer { <-hanging; return chaintest.Answer{} })
	if found, err := client.Session(t.Context(), groupOf().Application, service, 95); err != nil || len(found.GetSuppliers()) != 3 {
		t.Errorf("%v, %v", found, err)
	}
	if params, err := client.Params(t.Context(), 95); err != nil || params.Shared.GetNumBlocksPerSession() != 10 {
		t.Errorf("%v, %v", params, err)
	}
}
