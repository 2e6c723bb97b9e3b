package endpoints

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// run runs a network until the returned function is called.
func run(t *testing.T, n *Network) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := n.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}

// current are the sessions of this moment, by group. Two of one group fail the test.
func current(t *testing.T, n *Network) map[string]*types.Session {
	t.Helper()
	height := n.height(time.Now())
	sessions, err := n.Sessions(t.Context(), height)
	if err != nil {
		t.Fatal(err)
	}
	byGroup := make(map[string]*types.Session)
	for _, session := range sessions {
		header := session.GetHeader()
		if header.GetStartHeight() > height {
			continue // it is there early
		}
		if other := byGroup[header.GetRelayChain()]; other != nil {
			t.Errorf("at %d: two sessions of %s, from %d and from %d on", height, header.GetRelayChain(), other.GetHeader().GetStartHeight(), header.GetStartHeight())
		}
		byGroup[header.GetRelayChain()] = session
	}
	return byGroup
}

// noOverlap checks that no two sessions of a group that were ever prepared overlap, and that few are known.
func noOverlap(t *testing.T, n *Network) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, one := range n.sessions {
		for _, other := range n.sessions {
			if one != other && one.GetHeader().GetRelayChain() == other.GetHeader().GetRelayChain() && one.start() < other.end() && other.start() < one.end() {
				t.Errorf("sessions of %s overlap: %d to %d and %d to %d", one.GetHeader().GetRelayChain(), one.start(), one.end(), other.start(), other.end())
			}
		}
	}
}

func farOf(names ...string) (farSide, map[string]*evmNode) {
	far, nodes := make(farSide), make(map[string]*evmNode)
	for _, name := range names {
		nodes[name] = good()
		far[originOf(name)] = nodes[name]
	}
	return far, nodes
}

// Sessions follow one another without a gap, from the first moment on, and are there before they begin.
func TestSessionsFollowOneAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, _ := farOf("a", "b", "c")
		n := networkOf(far, false, groupOf("g", targetsOf("a", "b", "c")...))
		defer run(t, n)()
		time.Sleep(3 * tick)
		first := current(t, n)["g"].GetHeader().GetStartHeight()
		seen := make(map[string]bool)
		for range 100 {
			session := current(t, n)["g"]
			if session == nil {
				t.Fatalf("no session at %v", time.Now())
			}
			if start := session.GetHeader().GetStartHeight(); (start-first)%20 != 0 || session.GetBlocks() != 20 || session.GetEndUnixNano()-session.GetStartUnixNano() != int64(20*time.Second) || session.GetStartUnixNano() != start*1e9 {
				t.Errorf("%v", session)
			}
			seen[session.GetHeader().GetId()] = true
			time.Sleep(tick)
		}
		if len(seen) < 5 || len(seen) > 6 {
			t.Errorf("%d sessions in 100 s", len(seen))
		}
	})
}

// What is configured meanwhile takes effect with the next session: other targets, another length, another group. A group
// that is gone ends with its session, and one that comes back waits for it.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, _ := farOf("a", "b", "c", "d")
		g, h := groupOf("g", targetsOf("a", "b", "c")...), groupOf("h", targetsOf("a")...)
		n := networkOf(far, false, g, h)
		defer run(t, n)()
		time.Sleep(25 * tick)
		before := current(t, n)
		if before["g"] == nil || before["h"] == nil {
			t.Fatalf("%v", before)
		}
		changed := groupOf("g", targetsOf("a", "d")...)
		changed.Session = 30 * time.Second
		n.Replace([]groups.Group{changed, groupOf("i", targetsOf("b")...)})
		if now := current(t, n); now["g"] != before["g"] || now["h"] != before["h"] {
			t.Error("a running session has changed")
		}
		time.Sleep(20 * tick)
		now := current(t, n)
		if now["h"] != nil || now["i"] == nil {
			t.Errorf("groups %v", now)
		}
		// Those of 30 s begin where the last one of 20 s ended.
		time.Sleep(20 * tick)
		if now = current(t, n); now["g"].GetBlocks() != 30 || len(now["g"].GetServicers()) != 2 || now["g"].GetServicers()[1].GetAddress() != "d" {
			t.Errorf("%v", now["g"])
		}
		noOverlap(t, n)
	})
}

// However often groups come, go and change, no two sessions of one overlap, and what is kept is bounded.
func TestReloadsAtRandomMoments(t *testing.T) {
	for seed := range int64(5) {
		synctest.Test(t, func(t *testing.T) {
			far, _ := farOf("a", "b", "c")
			lengths := []time.Duration{10, 20, 15, 60}
			n := networkOf(far, false, groupOf("g", targetsOf("a")...))
			end := run(t, n)
			for step := range int64(150) {
				chance := (seed*7919 + step*104729) % 9973
				group := groupOf("g", targetsOf([]string{"a", "b", "c"}[:1+chance%3]...)...)
				group.Session = lengths[chance%4] * time.Second
				group.Rate = float64(1 + chance%5)
				configured := []groups.Group{group}
				if chance%5 == 0 {
					configured = []groups.Group{groupOf(fmt.Sprint("other", step), targetsOf("a", "b")...)}
				}
				n.Replace(configured)
				time.Sleep(time.Duration(chance%17000) * time.Millisecond / 2)
				current(t, n)
				noOverlap(t, n)
			}
			n.mu.Lock()
			if len(n.sessions) > 60 || len(n.throttles) > 8 || len(n.known) > 8 || len(n.kinds) > 2 {
				t.Errorf("%d sessions, %d throttles, %d identities and %d kinds are kept", len(n.sessions), len(n.throttles), len(n.known), len(n.kinds))
			}
			n.mu.Unlock()
			end()
		})
	}
}

// A machine that slept goes on with the session of its wall clock at once.
func TestSessionsAfterSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, _ := farOf("a")
		group := groupOf("g", targetsOf("a")...)
		group.Session, group.Interval = 24*time.Hour, time.Minute
		n := networkOf(far, false, group)
		defer run(t, n)()
		time.Sleep(5 * tick)
		first := current(t, n)["g"]
		n.clock.mu.Lock()
		n.clock.base += 30 * 3600
		n.clock.mu.Unlock()
		time.Sleep(15 * tick)
		if second := current(t, n)["g"]; second == nil || second.GetHeader().GetId() == first.GetHeader().GetId() {
			t.Errorf("after 30 h: %v", second.GetHeader())
		}
	})
}

// A target that was given another URL, key or kind of chain is asked anew who it is; one that was not is not.
func TestIdentityIsKeptOfTheSameTarget(t *testing.T) {
	far, nodes := farOf("a", "b", "c", "d")
	group := groupOf("g", targetsOf("a", "b", "c")...)
	group.Rate = 1000
	n := networkOf(far, false, group)
	count := func(name string) int { return len(nodes[name].moments()) }
	n.prepare(t.Context(), group)
	if p := n.prepare(t.Context(), group); count("a") != 3 || p.fresh {
		t.Errorf("asked %d times", count("a"))
	}
	group.Targets[0].URL = groups.NewSecret("https://d.example/v2/KEY-OF-D")
	nodes["d"].chain = "0x89"
	p := n.prepare(t.Context(), group)
	if count("d") != 3 || count("b") != 3 || p.said[0].Chain != "137" {
		t.Errorf("asked %d and %d times, %+v", count("d"), count("b"), p.said[0].Identity)
	}
	group.Targets[1].URL = groups.NewSecret("https://b.example/v2/ANOTHER-KEY")
	if n.prepare(t.Context(), group); count("b") != 6 {
		t.Errorf("with another key asked %d times", count("b"))
	}
	group.Chain = groups.ChainAuto
	if n.prepare(t.Context(), group); count("c") != 6 {
		t.Errorf("as another kind of chain asked %d times", count("c"))
	}
}

// Whether they are asked who they are, in checks or as control, targets are asked no more often than the rate allows, in
// any second of several sessions.
func TestRateOfAllRequests(t *testing.T) {
	for _, test := range []struct {
		rate     float64
		interval time.Duration
		control  bool
	}{{2, 500 * time.Millisecond, false}, {2, time.Second, true}, {2, 2 * time.Second, true}, {5, 400 * time.Millisecond, true}, {1, time.Second, false}, {0.5, 5 * time.Second, true}} {
		synctest.Test(t, func(t *testing.T) {
			far, nodes := farOf("a", "b", "c")
			group := groupOf("g", targetsOf("a", "b", "c")...)
			group.Rate, group.Interval = test.rate, test.interval
			if test.control {
				group.Control.Target = "a"
			}
			n := networkOf(far, false, group)
			store := newStore(t)
			fish(t, n, store, 90*time.Second)
			for name, node := range nodes {
				moments := node.moments()
				slices.SortFunc(moments, time.Time.Compare)
				if len(moments) < int(45/test.interval.Seconds()) {
					t.Errorf("%+v: %s was asked %d times", test, name, len(moments))
				}
				window, most := max(time.Second, time.Duration(float64(time.Second)/test.rate)), max(1, int(test.rate))
				for i := range moments {
					if i+most < len(moments) && moments[i+most].Sub(moments[i]) < time.Duration(float64(window)/rateSlack) {
						t.Errorf("%+v: %s was asked %d times in %v, at %v", test, name, most+1, moments[i+most].Sub(moments[i]), moments[i])
						break
					}
				}
			}
		})
	}
}

// A fisherman that is started again in the middle of a session goes on with it, and asks no check twice.
func TestRestartInTheMiddle(t *testing.T) {
	for _, killed := range []time.Duration{5300, 9800, 12100, 14500} {
		synctest.Test(t, func(t *testing.T) {
			far, _ := farOf("a", "b", "c")
			store := newStore(t)
			group := groupOf("g", targetsOf("a", "b", "c", "late")...)
			fish(t, networkOf(far, false, group), store, killed*time.Millisecond)
			first, _ := store.Sessions(t.Context())
			far[originOf("late")] = &evmNode{chain: "0x89", head: 5000} // it was down
			again := networkOf(far, false, group)
			again.config.Stored = first
			fish(t, again, store, 40*time.Second-killed*time.Millisecond)
			if len(first) != 1 {
				t.Fatalf("%d sessions before", len(first))
			}
			id := first[0].GetHeader().GetId()
			rounds, err := store.Rounds(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			labels := make(map[string]bool)
			for _, round := range rounds {
				if label := round.GetQuestion(); round.GetKind() == types.RoundKind_ROUND_KIND_SETTLED && round.GetStatus() == types.RoundStatus_ROUND_STATUS_DONE {
					if labels[label] {
						t.Errorf("%q is asked twice", label)
					}
					labels[label] = true
				}
			}
			store.mu.Lock()
			session := store.sessions[id]
			store.mu.Unlock()
			for _, member := range session.GetServicers() {
				if want := map[bool]types.Standing{true: elswhere}[member.GetAddress() == "late"]; member.GetStanding() != want {
					t.Errorf("%v", member)
				}
			}
			if len(rounds) != 20 || !session.GetClosed() || len(labels) < 8 {
				t.Errorf("killed after %v: %d rounds, %d settled, %v", killed, len(rounds), len(labels), session)
			}
		})
	}
}

// One session of each group, as soon as all have been asked who they are, and its end is told before Run returns.
func TestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, nodes := farOf("a", "b", "c")
		far[originOf("mute")] = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		hang := make(chan struct{})
		far[originOf("mute")] = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang })
		defer close(hang)
		nodes["c"].refuse, nodes["c"].after = 429, "3600"
		group := groupOf("g", targetsOf("a", "b", "c", "mute", "down")...)
		group.Session, group.Interval = 10*time.Second, 500*time.Millisecond
		other := groupOf("h", targetsOf("a")...)
		other.Session = 10 * time.Second
		n := networkOf(far, true, group, other)
		heads, cancel := n.Subscribe()
		defer cancel()
		began := time.Now()
		if err := n.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 10*time.Second || took > 15*time.Second {
			t.Errorf("took %v", took)
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		last := (<-heads).Height
		if len(n.sessions) != 2 {
			t.Errorf("%d sessions", len(n.sessions))
		}
		for _, s := range n.sessions {
			if last < s.end() {
				t.Errorf("the last head is %d, a session ends at %d", last, s.end())
			}
			for _, member := range s.GetTargets() {
				want := map[string]types.Standing{"a": asked, "b": asked}[member.GetAddress()]
				if _, is := map[string]bool{"a": true, "b": true}[member.GetAddress()]; !is {
					want = unknown
				}
				if member.GetStanding() != want {
					t.Errorf("%v", member)
				}
			}
		}
	})
}

// Run leaves no goroutine behind, whenever it is ended.
func TestRunEnds(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, 3 * time.Second, 19 * time.Second, 21 * time.Second} {
		for _, once := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				hang := make(chan struct{})
				defer close(hang)
				far := farSide{originOf("a"): http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }), originOf("b"): good()}
				n := networkOf(far, once, groupOf("g", targetsOf("a", "b")...), groupOf("h", targetsOf("b")...))
				end := run(t, n)
				time.Sleep(after)
				began := time.Now()
				if end(); time.Since(began) > 0 {
					t.Errorf("took %v to end", time.Since(began))
				}
			})
		}
	}
}

// Who answers 429 sits out, and speaks against itself in no check; who does it in most of them is not known to be well.
func TestThrottledTargetSitsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far, nodes := farOf("a", "b", "c", "d")
		nodes["d"].refuse, nodes["d"].after = 429, "7"
		n := networkOf(far, false, groupOf("g", targetsOf("a", "b", "c", "d")...))
		store := newStore(t)
		fish(t, n, store, 60*time.Second)
		outcomes := make(map[types.Outcome]int)
		for _, rounds := range store.rounds {
			for _, round := range rounds {
				for _, sample := range round.GetSamples() {
					if sample.GetServicer() == "d" {
						outcomes[sample.GetOutcome()]++
					}
				}
			}
		}
		if outcomes[types.Outcome_OUTCOME_THROTTLED] < 30 || len(outcomes) != 1 {
			t.Errorf("%v", outcomes)
		}
		moments := nodes["d"].moments()
		for i := 1; i < len(moments); i++ {
			if moments[i].Sub(moments[i-1]) < 7*time.Second {
				t.Errorf("asked again after %v", moments[i].Sub(moments[i-1]))
			}
		}
		if len(moments) < 3 {
			t.Errorf("asked %d times", len(moments))
		}
	})
}

// A control is heard only while it is fit: one that is behind, or on another chain, decides nothing.
func TestControls(t *testing.T) {
	for name, test := range map[string]struct {
		control *evmNode
		asURL   bool
		want    types.ControlFitness
	}{
		"a target":         {good(), false, types.ControlFitness_CONTROL_FITNESS_FIT},
		"a URL":            {good(), true, types.ControlFitness_CONTROL_FITNESS_FIT},
		"behind":           {&evmNode{chain: "0x1", head: 1000}, true, types.ControlFitness_CONTROL_FITNESS_BEHIND},
		"of another chain": {&evmNode{chain: "0x1", head: 5000, lie: "other"}, true, types.ControlFitness_CONTROL_FITNESS_FOREIGN},
	} {
		synctest.Test(t, func(t *testing.T) {
			far, _ := farOf("a", "b", "c")
			group := groupOf("g", targetsOf("a", "b", "c")...)
			if test.asURL {
				group.Control.URL = groups.NewSecret("https://control.example/" + controlKey)
				far[originOf("control")] = test.control
			} else {
				group.Control.Target = "a"
			}
			n := networkOf(far, false, group)
			store := newStore(t)
			states := controls(t, n, store, 60*time.Second)
			if len(states) != 1 || states[0].Fitness != test.want {
				t.Errorf("%s: %+v", name, states)
			}
			for _, rounds := range store.rounds {
				for _, round := range rounds {
					shown, _ := json.Marshal(round)
					if shows(string(shown), controlKey) {
						t.Errorf("%s: %s", name, shown)
					}
				}
			}
		})
	}
}

// cometNode is a node of CometBFT, which says of methods that it does not know that they do not exist.
func cometNode(w http.ResponseWriter, r *http.Request) {
	var call struct {
		ID     json.RawMessage
		Method string
	}
	_ = json.NewDecoder(r.Body).Decode(&call)
	if call.Method != "status" {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"Method not found","data":""}}`, call.ID)
		return
	}
	fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":{"node_info":{"network":"net","version":"0.38"},"sync_info":{"latest_block_height":"77","catching_up":false}}}`, call.ID)
}

// The kind of chain is found by asking.
func TestKindIsFoundByAsking(t *testing.T) {
	far, _ := farOf("a")
	far[originOf("b")], far[originOf("c")] = http.HandlerFunc(cometNode), http.HandlerFunc(cometNode)
	group := groupOf("g", targetsOf("a", "b", "c")...)
	group.Chain, group.Rate = groups.ChainAuto, 1000
	n := networkOf(far, false, group)
	s := n.add(n.prepare(t.Context(), group), 1000)
	if s.GetChainIdentity() != "net" || s.GetTargets()[0].GetStanding() != elswhere || s.policy.Chain.Catalogue.Name != "cometbft" || n.Kind(group).String() != "cometbft" {
		t.Errorf("%v, %s", s.Session, s.policy.Chain.Catalogue.Name)
	}
}

// While nobody has said of which kind it is, a group is asked nothing that could be held against a node of another kind; as
// soon as one has, it is asked what its kind is asked.
func TestKindThatIsNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		up := false
		node := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if !up {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			cometNode(w, r)
		})
		far := farSide{originOf("a"): node, originOf("b"): node, originOf("c"): node}
		group := groupOf("g", targetsOf("a", "b", "c")...)
		group.Chain = groups.ChainAuto
		n := networkOf(far, false, group)
		defer run(t, n)()
		catalogues := make(map[string]int)
		for second := range 100 {
			time.Sleep(tick)
			if session := current(t, n)["g"]; session != nil {
				policy, err := n.Policy(t.Context(), session)
				if err != nil {
					t.Fatal(err)
				}
				catalogues[policy.Chain.Catalogue.Name]++
			}
			mu.Lock()
			up = up || second == 30
			mu.Unlock()
		}
		if catalogues["custom"] < 10 || catalogues["cometbft"] < 40 || len(catalogues) != 2 || n.Kind(group).String() != "cometbft" {
			t.Errorf("%v, %v", catalogues, n.Kind(group))
		}
	})
}
