package shannon_test

import (
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/network/shannon"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
)

// Other rules are those of the next session. What was spent stays spent, and the running session keeps its own.
func TestRulesChangeWithTheNextSession(t *testing.T) {
	w := newWorld()
	n, node := w.network(t, func(c *shannon.Config) {
		c.Groups[0].Checks, c.Groups[0].Limits = 4, shannon.Limits{PerSession: 1_000, PerDay: 1_000}
	})
	first := only(t, n, 95)
	policy, err := n.Policy(t.Context(), first)
	if err != nil || policy.Checks != 4 {
		t.Fatalf("%d checks, %v", policy.Checks, err)
	}
	if err := policy.Budget.Take(30); err != nil {
		t.Fatal(err)
	}
	changed := groupOf()
	changed.Checks, changed.SLA, changed.Timeout, changed.Limits = 7, time.Second, 3*time.Second, shannon.Limits{PerDay: 700}
	if err := n.Replace([]shannon.Group{changed}); err != nil {
		t.Fatal(err)
	}
	again := only(t, n, 98)
	if policy, err := n.Policy(t.Context(), again); err != nil || again.GetHeader().GetId() != first.GetHeader().GetId() || policy.Checks != 4 || n.States()[0].Spent.PerSession != 1_000 {
		t.Errorf("the running session has %d checks, limits %+v, %v", policy.Checks, n.States()[0].Spent.Limits, err)
	}
	node.Claim(101)
	policy, err = n.Policy(t.Context(), only(t, n, 101))
	if err != nil || policy.Checks != 7 || policy.LatencySLA != time.Second || policy.Timeout != 3*time.Second {
		t.Errorf("%+v, %v", policy, err)
	}
	if spent := n.States()[0].Spent; spent.PerSession != 0 || spent.PerDay != 700 || spent.Day != 660 || *spent.DayLeft != 40 {
		t.Errorf("%+v", spent)
	}
	if policy.Budget.Take(2) == nil || policy.Budget.Take(1) != nil {
		t.Error("the new limit is not held")
	}
}

// What a session is read by does not change while it runs: such changes are refused, all of a call together.
func TestOtherSessionsNeedARestart(t *testing.T) {
	w := newWorld()
	n, _ := w.network(t)
	for name, change := range map[string]func(*shannon.Group){
		"name":        func(g *shannon.Group) { g.Name = "other" },
		"application": func(g *shannon.Group) { g.Application = keyOf("gateway").Address() },
		"service":     func(g *shannon.Group) { g.Service = "pocket" },
		"signer":      func(g *shannon.Group) { g.Signer = keyOf("stranger") },
		"endpoints":   func(g *shannon.Group) { g.RPCTypes = []protocol.RPCType{protocol.RPCType_RPC_TYPE_REST} },
		"no limit":    func(g *shannon.Group) { g.Limits = shannon.Limits{} },
		"times":       func(g *shannon.Group) { g.Timeout = time.Millisecond },
	} {
		good, changed := groupOf(), groupOf()
		good.Checks = 3
		change(&changed)
		if err := n.Replace([]shannon.Group{good, changed}); err == nil {
			t.Errorf("%s: taken over", name)
		}
	}
	if policy, err := n.Policy(t.Context(), only(t, n, 95)); err != nil || policy.Checks == 3 {
		t.Errorf("%d checks, %v", policy.Checks, err)
	}
}
