package shannon_test

import (
	"bytes"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/network/shannon"
	"github.com/pocket-fisherman/fisherman/network/shannon/chain"
	"github.com/pocket-fisherman/fisherman/network/shannon/chaintest"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// only returns the one session at a height.
func only(t testing.TB, n *shannon.Network, height int64) *types.Session {
	t.Helper()
	sessions, err := n.Sessions(t.Context(), height)
	if err != nil || len(sessions) != 1 {
		t.Fatalf("%d sessions at %d, %v", len(sessions), height, err)
	}
	return sessions[0]
}

func TestASessionIsThatOfTheChain(t *testing.T) {
	w := newWorld()
	n, node := w.network(t)
	session := only(t, n, 95)
	header := session.GetHeader()
	if header.GetId() != w.session(service, 95).GetSessionId() || header.GetStartHeight() != 91 || session.GetBlocks() != 10 ||
		header.GetRelayChain() != "eth-on-pocket" || header.GetApplication() != keyOf("application").Address() || len(session.GetServicers()) != 3 {
		t.Errorf("%v", session)
	}
	for i, actor := range session.GetServicers() {
		supplier := w.suppliers[i]
		if target := session.GetTargets()[i]; target.GetAddress() != supplier.GetOperatorAddress() || target.GetOwner() != supplier.GetOwnerAddress() ||
			target.GetStakeUpokt() != 60_000_000 || target.GetServiceUrl() != actor.GetServiceUrl() {
			t.Errorf("%v of %v", target, supplier)
		}
		if actor.GetAddress() != supplier.GetOperatorAddress() || actor.GetOperator() != supplier.GetOwnerAddress() || actor.GetStakeUpokt() != 60_000_000 ||
			actor.GetServiceUrl() != supplier.GetServices()[0].GetEndpoints()[0].GetUrl() {
			t.Errorf("%v of %v", actor, supplier)
		}
	}
	asked := node.Asked("abci_query")
	for height := int64(91); height <= 100; height++ {
		if again := only(t, n, height); !proto.Equal(again, session) {
			t.Errorf("at %d: %v", height, again)
		}
	}
	if node.Asked("abci_query") != asked {
		t.Errorf("%d queries for a session that is known", node.Asked("abci_query")-asked)
	}
}

func TestParametersAreReadAtEachSession(t *testing.T) {
	w := newWorld()
	n, node := w.network(t)
	only(t, n, 95)
	before := n.States()[0]
	w.change(func() {
		w.blocks, w.shared.NumBlocksPerSession = 25, 25
		w.shared.ComputeUnitsToTokensMultiplier = 4_000_000
		w.services[service] = 100
	})
	node.Claim(130)
	session := only(t, n, 101)
	after := n.States()[0]
	if before.Estimate.Relay != perRelay || after.Estimate.Relay != 20*perRelay || session.GetBlocks() != 25 || session.GetHeader().GetStartHeight() != 101 ||
		after.Start != 101 || after.End != 125 {
		t.Errorf("%+v, then %+v", before, after)
	}
	if _, err := n.Policy(t.Context(), only(t, n, 95)); err != nil {
		t.Errorf("the session before is not known any more: %v", err)
	}
}

// What is wrong is one line in the log, one count, and no session; what passes is an error.
func TestProblems(t *testing.T) {
	for name, test := range map[string]struct {
		harm   func(*world, *shannon.Config)
		broken chaintest.Faults
		want   shannon.Problem
		fails  bool
	}{
		"not staked":                  {func(w *world, _ *shannon.Config) { w.application = nil }, chaintest.Faults{}, shannon.ProblemNotStaked, false},
		"unknown service":             {func(_ *world, c *shannon.Config) { c.Groups[0].Service = "nosuch" }, chaintest.Faults{}, shannon.ProblemUnknownService, false},
		"another service":             {func(w *world, _ *shannon.Config) { w.application.ServiceConfigs[0].ServiceId = "btc" }, chaintest.Faults{}, shannon.ProblemOtherService, false},
		"no suppliers":                {func(w *world, _ *shannon.Config) { w.suppliers = nil }, chaintest.Faults{}, shannon.ProblemNoSuppliers, false},
		"a wrong key":                 {func(_ *world, c *shannon.Config) { c.Groups[0].Signer = keyOf("stranger") }, chaintest.Faults{}, shannon.ProblemNotDelegated, false},
		"not delegated":               {func(w *world, _ *shannon.Config) { w.application.DelegateeGatewayAddresses = nil }, chaintest.Faults{}, shannon.ProblemNotDelegated, false},
		"no key":                      {func(w *world, _ *shannon.Config) { w.keyless[w.application.GetAddress()] = true }, chaintest.Faults{}, shannon.ProblemNoKey, false},
		"impossible parameters":       {func(w *world, _ *shannon.Config) { w.shared.ComputeUnitCostGranularity = 0 }, chaintest.Faults{}, shannon.ProblemParams, false},
		"a node that catches up":      {func(*world, *shannon.Config) {}, chaintest.Faults{CatchingUp: true}, shannon.ProblemNotSynced, true},
		"a node of another chain":     {func(_ *world, c *shannon.Config) { c.ChainID = "mainnet" }, chaintest.Faults{}, shannon.ProblemOtherChain, true},
		"a node that is down":         {func(*world, *shannon.Config) {}, chaintest.Faults{Down: true}, shannon.ProblemUnreachable, true},
		"nonsense":                    {func(*world, *shannon.Config) {}, chaintest.Faults{Raw: []byte("<html>")}, shannon.ProblemMalformed, true},
		"the state of another height": {func(*world, *shannon.Config) {}, chaintest.Faults{AtHeight: 3}, shannon.ProblemMalformed, true},
		"another session": {forge(chain.PathSession, func(m proto.Message) {
			m.(*protocol.QueryGetSessionResponse).Session.Header.SessionStartBlockHeight = 5
		}), chaintest.Faults{}, shannon.ProblemMalformed, true},
		"another application's session": {forge(chain.PathSession, func(m proto.Message) {
			m.(*protocol.QueryGetSessionResponse).Session.Header.ApplicationAddress = keyOf("x").Address()
		}), chaintest.Faults{}, shannon.ProblemMalformed, true},
		"a session without an id": {forge(chain.PathSession, func(m proto.Message) {
			m.(*protocol.QueryGetSessionResponse).Session.Header.SessionId = "x"
		}), chaintest.Faults{}, shannon.ProblemMalformed, true},
		"a supplier twice": {func(w *world, _ *shannon.Config) { w.suppliers[1] = w.suppliers[0] }, chaintest.Faults{}, shannon.ProblemMalformed, true},
		"another's key": {forge(chain.PathAccount, func(m proto.Message) {
			m.(*protocol.QueryAccountResponse).Account.Value = newWorld().accountOf(keyOf("owner 1").Address()).(*protocol.QueryAccountResponse).Account.Value
		}), chaintest.Faults{}, shannon.ProblemMalformed, true},
		"a stake of nonsense": {func(w *world, _ *shannon.Config) { w.application.Stake = upokt("-5") }, chaintest.Faults{}, shannon.ProblemMalformed, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			var log bytes.Buffer
			n, node := w.network(t, func(c *shannon.Config) {
				test.harm(w, c)
				c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
			})
			node.Break(test.broken)
			for range 3 {
				sessions, err := n.Sessions(t.Context(), 95)
				if len(sessions) > 0 || (err != nil) != test.fails {
					t.Fatalf("%d sessions, %v", len(sessions), err)
				}
			}
			state := n.States()[0]
			if state.Problem != test.want || state.Problems[test.want] != 3 || state.Reason == "" || state.Session != "" {
				t.Errorf("%+v", state)
			}
			if lines := strings.Count(log.String(), "the group has no session"); lines != 1 {
				t.Errorf("%d lines in the log:\n%s", lines, log.String())
			}
		})
	}
}

// forge changes the answers to a query.
func forge(of string, change func(proto.Message)) func(*world, *shannon.Config) {
	return func(w *world, _ *shannon.Config) {
		w.forge = func(path string, answer proto.Message) {
			if path == of {
				change(answer)
			}
		}
	}
}

func TestASessionOutlivesItsNode(t *testing.T) {
	w := newWorld()
	n, node := w.network(t)
	session := only(t, n, 95)
	node.Break(chaintest.Faults{Down: true})
	if again := only(t, n, 99); !proto.Equal(again, session) {
		t.Errorf("%v", again)
	}
	if _, err := n.Sessions(t.Context(), 101); !errors.Is(err, chain.ErrUnreachable) {
		t.Errorf("the next one: %v", err)
	}
	node.Break(chaintest.Faults{})
	node.Claim(101)
	only(t, n, 101)
	if state := n.States()[0]; state.Problem != shannon.ProblemNone || state.Problems[shannon.ProblemUnreachable] != 1 {
		t.Errorf("%+v", state)
	}
}

// A node that fails when a session begins is asked again: the next head may be a minute away.
func TestASessionIsAskedForAgain(t *testing.T) {
	n, node := newWorld().network(t, func(c *shannon.Config) { c.Patience = time.Minute })
	node.Break(chaintest.Faults{Down: true})
	var reading sync.WaitGroup
	reading.Go(func() { only(t, n, 95) })
	node.Until(t, "it was asked twice", func() bool { return node.Asked("down") >= 2 })
	node.Break(chaintest.Faults{})
	reading.Wait()
}

// A supplier without a key on the chain is not asked, and not blamed; it is once it has one.
func TestASupplierWithoutAKey(t *testing.T) {
	w := newWorld()
	keyless := w.suppliers[1].GetOperatorAddress()
	w.keyless[keyless] = true
	n, _ := w.network(t)
	session := only(t, n, 95)
	if targets := session.GetTargets(); len(session.GetServicers()) != 2 || len(targets) != 3 || targets[1].GetAddress() != keyless ||
		targets[1].GetStanding() != types.Standing_STANDING_UNVERIFIABLE || n.States()[0].Unverifiable != 1 {
		t.Errorf("%v", session)
	}
	w.change(func() { delete(w.keyless, keyless) })
	if same := only(t, n, 95); !proto.Equal(same, session) {
		t.Errorf("at the same height: %v", same)
	}
	if later := only(t, n, 96); len(later.GetServicers()) != 3 || later.GetTargets()[1].GetStanding() != types.Standing_STANDING_UNSPECIFIED || later.GetHeader().GetId() != session.GetHeader().GetId() {
		t.Errorf("later: %v", later)
	}
}

func TestTheApplicationSignsForItself(t *testing.T) {
	w := newWorld()
	w.application.DelegateeGatewayAddresses = nil
	n, _ := w.network(t, func(c *shannon.Config) { c.Groups[0].Signer = keyOf("application") })
	session := only(t, n, 95)
	request, err := n.Ask(session, session.GetServicers()[0], types.Payload{JSONRPC: []byte(`{"jsonrpc":"2.0","id":1,"method":"x"}`)})
	if err != nil {
		t.Fatal(err)
	}
	far(t, request.Wire())
}

// A gateway that the application has left signs until the end of the session in which it was left.
func TestAGatewayThatWasLeft(t *testing.T) {
	w := newWorld()
	w.application.DelegateeGatewayAddresses = nil
	w.application.PendingUndelegations = map[uint64]*protocol.UndelegatingGatewayList{100: {GatewayAddresses: []string{keyOf("gateway").Address()}}}
	n, node := w.network(t)
	only(t, n, 95)
	node.Claim(101)
	if sessions, err := n.Sessions(t.Context(), 101); len(sessions) > 0 || err != nil || n.States()[0].Problem != shannon.ProblemNotDelegated {
		t.Errorf("%d sessions, %v, %+v", len(sessions), err, n.States()[0])
	}
}

// Staked URLs are a stranger's choice. Whatever they are, their owner is a member that fails with one line.
func TestHostileURLs(t *testing.T) {
	for _, staked := range []string{"http://127.0.0.1:1/x", "http://169.254.169.254/", "ftp://host.example", "not a URL", "http://a.example/\x1b[2J",
		"http://a.example/" + strings.Repeat("x", 5000), "//host", "http://[::1", "http://127.0.0.1:99999999/"} {
		w := newWorld()
		w.suppliers[0].Services[0].Endpoints[0].Url = staked
		n, _ := w.network(t)
		session := only(t, n, 95)
		bad := session.GetServicers()[0]
		if len(session.GetServicers()) != 3 || len(bad.GetServiceUrl()) > 512 || strings.ContainsAny(bad.GetServiceUrl(), "\x1b\n") {
			t.Errorf("%q: %v", staked, session)
		}
		_, err := n.Ask(session, bad, types.Payload{JSONRPC: []byte(`{"jsonrpc":"2.0","id":1,"method":"x"}`)})
		if err == nil {
			_, err = n.Dial(t.Context(), bad.GetServiceUrl())
		}
		failure, theirs := errors.AsType[*wire.Failure](err)
		if !theirs || failure.Outcome != types.Outcome_OUTCOME_CONNECT || failure.Blame != types.Blame_BLAME_SERVICER || strings.Contains(failure.Error(), "\n") {
			t.Errorf("%q: %v", staked, err)
		}
	}
}

func TestEndpointsOfOtherKindsAreLeftOut(t *testing.T) {
	w := newWorld()
	w.suppliers[0].Services[0].Endpoints[0].RpcType = protocol.RPCType_RPC_TYPE_WEBSOCKET
	w.suppliers[1].Services[0].Endpoints = append([]*protocol.SupplierEndpoint{{Url: "https://rest.example", RpcType: protocol.RPCType_RPC_TYPE_REST}},
		w.suppliers[1].Services[0].Endpoints...)
	n, _ := w.network(t, func(c *shannon.Config) {
		c.Groups[0].RPCTypes = []protocol.RPCType{protocol.RPCType_RPC_TYPE_REST, protocol.RPCType_RPC_TYPE_JSON_RPC}
	})
	session := only(t, n, 95)
	if got := session.GetServicers(); len(got) != 2 || got[0].GetServiceUrl() != "https://rest.example" || n.States()[0].Unreachable != 1 {
		t.Errorf("%v", session)
	}
}

func TestPolicyPaysForItsChecks(t *testing.T) {
	w := newWorld()
	path := filepath.Join(t.TempDir(), "spent")
	limited := func(c *shannon.Config) {
		c.Spendings, c.Groups[0].Limits, c.Groups[0].Checks = path, shannon.Limits{PerSession: 10 * perRelay}, 20
	}
	n, _ := w.network(t, limited)
	session := only(t, n, 95)
	policy, err := n.Policy(t.Context(), session)
	if err != nil || policy.Checks != 20 {
		t.Fatalf("%+v, %v", policy, err)
	}
	pay := func(budget fisherman.Budget, want int) {
		t.Helper()
		paid := 0
		for range 5 {
			if err := budget.Take(3); err == nil {
				paid++
			} else if !errors.Is(err, shannon.ErrOverBudget) {
				t.Error(err)
			}
		}
		if paid != want {
			t.Errorf("%d checks are paid for, want %d", paid, want)
		}
	}
	pay(policy.Budget, 3)
	policy.Budget.Return(2)
	if state := n.States()[0]; state.Spent.Session != 7*perRelay || *state.Spent.SessionLeft != 3*perRelay || state.Spent.DayLeft != nil || state.Spent.Refused != 2 ||
		state.Estimate.Paid != 3 || state.Estimate.Check != 3*perRelay {
		t.Errorf("%+v", state)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	again, node := w.network(t, limited)
	policy, err = again.Policy(t.Context(), only(t, again, 96))
	if err != nil {
		t.Fatal(err)
	}
	pay(policy.Budget, 1)
	node.Claim(101)
	policy, err = again.Policy(t.Context(), only(t, again, 101))
	if err != nil {
		t.Fatal(err)
	}
	pay(policy.Budget, 3)
}

// The number of checks follows from the interval and the time that blocks take, which is a minute here.
func TestChecksOfASession(t *testing.T) {
	for interval, want := range map[time.Duration]int{time.Minute: 10, 20 * time.Second: 30, time.Hour: 1} {
		n, _ := newWorld().network(t, func(c *shannon.Config) { c.Groups[0].Interval = interval })
		session := only(t, n, 95)
		policy, err := n.Policy(t.Context(), session)
		if err != nil || policy.Checks != want {
			t.Errorf("every %v: %d checks, %v", interval, policy.Checks, err)
		}
		if state := n.States()[0]; state.Estimate.SessionsPerDay != 144 {
			t.Errorf("%+v", state.Estimate)
		}
	}
}

func TestALowStakeIsWarnedOf(t *testing.T) {
	w := newWorld()
	w.application.Stake = upokt("1000001")
	n, _ := w.network(t)
	only(t, n, 95)
	if state := n.States()[0]; !state.StakeLow || state.Stake != 1_000_001 || state.MinStake != 1_000_000 {
		t.Errorf("%+v", state)
	}
}

func TestGroupsAreApart(t *testing.T) {
	w := newWorld()
	w.application.ServiceConfigs = append(w.application.ServiceConfigs, &protocol.ApplicationServiceConfig{ServiceId: "btc"})
	w.services["btc"] = 5
	second := groupOf()
	second.Name, second.Service = "btc-on-pocket", "nosuch"
	n, _ := w.network(t, func(c *shannon.Config) { c.Groups = append(c.Groups, second) })
	only(t, n, 95)
	if states := n.States(); states[0].Problem != shannon.ProblemNone || states[1].Problem != shannon.ProblemUnknownService {
		t.Errorf("%+v", states)
	}
}

func TestBadConfigurations(t *testing.T) {
	const rpc = "http://127.0.0.1:1"
	for name, harm := range map[string]func(*shannon.Config){
		"no RPC":         func(c *shannon.Config) { c.RPC = nil },
		"no group":       func(c *shannon.Config) { c.Groups = nil },
		"a group twice":  func(c *shannon.Config) { c.Groups = append(c.Groups, c.Groups[0]) },
		"a name twice":   func(c *shannon.Config) { c.Groups = append(c.Groups, c.Groups[0]); c.Groups[1].Service = "btc" },
		"no name":        func(c *shannon.Config) { c.Groups[0].Name = "" },
		"a bad name":     func(c *shannon.Config) { c.Groups[0].Name = "a b" },
		"no address":     func(c *shannon.Config) { c.Groups[0].Application = "pokt1x" },
		"no service":     func(c *shannon.Config) { c.Groups[0].Service = "" },
		"no signer":      func(c *shannon.Config) { c.Groups[0].Signer = nil },
		"no limit":       func(c *shannon.Config) { c.Groups[0].Limits = shannon.Limits{} },
		"no questions":   func(c *shannon.Config) { c.Groups[0].Chain = fisherman.Chain{} },
		"SLA > timeout":  func(c *shannon.Config) { c.Groups[0].SLA = time.Minute },
		"many checks":    func(c *shannon.Config) { c.Groups[0].Checks = 1 << 20 },
		"spendings in /": func(c *shannon.Config) { c.Spendings = filepath.Join(t.TempDir(), "no", "such", "dir") },
	} {
		config := shannon.Config{RPC: []string{rpc}, Groups: []shannon.Group{groupOf()}}
		harm(&config)
		if _, err := shannon.New(config); err == nil || strings.Contains(err.Error(), rpc) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
