package endpoints

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

const (
	asked    = types.Standing_STANDING_UNSPECIFIED
	unknown  = types.Standing_STANDING_UNIDENTIFIED
	elswhere = types.Standing_STANDING_OTHER_CHAIN
	noNode   = types.Standing_STANDING_NO_NODE
	http2    = types.Standing_STANDING_HTTP2_ONLY
)

// heard is what targets said in short: "1" is EVM chain 1, "c" CometBFT, "r" Cosmos' REST, "" nothing, "h" HTML, "2" HTTP/2.
func heard(said string) identified {
	of := func(kind question.ChainKind, chain string) identified {
		return identified{Identity: question.Identity{Kind: kind, Chain: chain, Head: 100}}
	}
	switch said {
	case "":
		return identified{err: errors.New("down")}
	case "h":
		return identified{err: fmt.Errorf("%w: HTML", question.ErrNotNode)}
	case "2":
		return identified{err: wire.Fail(types.Outcome_OUTCOME_MALFORMED, types.Attempt_ATTEMPT_READ_ANSWER, wire.ErrHTTP2Only)}
	case "c":
		return of(question.ChainCometBFT, "net")
	case "r":
		return of(question.ChainCosmos, "net")
	}
	return of(question.ChainEVM, said)
}

func TestStandings(t *testing.T) {
	for name, test := range map[string]struct {
		said      []string
		operators string
		hosts     string
		want      []types.Standing
		chain     string
	}{
		"all alike":                         {said: []string{"1", "1", "1"}, want: []types.Standing{asked, asked, asked}, chain: "1"},
		"one of another chain":              {said: []string{"137", "1", "1"}, want: []types.Standing{elswhere, asked, asked}, chain: "1"},
		"of two the first":                  {said: []string{"137", "1"}, want: []types.Standing{asked, elswhere}, chain: "137"},
		"of two and two the first":          {said: []string{"1", "137", "137", "1"}, want: []types.Standing{asked, elswhere, elswhere, asked}, chain: "1"},
		"one target":                        {said: []string{"5"}, want: []types.Standing{asked}, chain: "5"},
		"one target, down":                  {said: []string{""}, want: []types.Standing{unknown}},
		"all down":                          {said: []string{"", "", ""}, want: []types.Standing{unknown, unknown, unknown}},
		"one down":                          {said: []string{"1", "", "1"}, want: []types.Standing{asked, unknown, asked}, chain: "1"},
		"all but one down":                  {said: []string{"", "1", ""}, want: []types.Standing{unknown, asked, unknown}, chain: "1"},
		"a page, and HTTP/2":                {said: []string{"1", "h", "2"}, want: []types.Standing{asked, noNode, http2}, chain: "1"},
		"an operator has one vote":          {said: []string{"137", "137", "1", "1"}, operators: "xxyz", want: []types.Standing{elswhere, elswhere, asked, asked}, chain: "1"},
		"an origin has one vote":            {said: []string{"137", "137", "1", "1"}, hosts: "aabc", want: []types.Standing{elswhere, elswhere, asked, asked}, chain: "1"},
		"an operator that says both":        {said: []string{"137", "1", "137"}, operators: "xxy", want: []types.Standing{asked, elswhere, asked}, chain: "137"},
		"kinds are mixed":                   {said: []string{"c", "1", "1"}, want: []types.Standing{elswhere, asked, asked}, chain: "1"},
		"the kind of most, of many chains":  {said: []string{"c", "1", "137"}, want: []types.Standing{elswhere, asked, elswhere}, chain: "1"},
		"the kind of most operators":        {said: []string{"c", "c", "1", "1"}, operators: "xxyz", want: []types.Standing{elswhere, elswhere, asked, asked}, chain: "1"},
		"one kind each, the first":          {said: []string{"r", "c"}, want: []types.Standing{asked, elswhere}, chain: "net"},
		"the same chain, of different kind": {said: []string{"r", "c", "c"}, want: []types.Standing{elswhere, asked, asked}, chain: "net"},
	} {
		var targets []groups.Target
		for i := range test.said {
			host := fmt.Sprint("t", i)
			if test.hosts != "" {
				host = test.hosts[i : i+1]
			}
			target := groups.Target{Name: fmt.Sprint("t", i), URL: groups.NewSecret("https://" + host + ".example/" + fmt.Sprint(i))}
			if test.operators != "" {
				target.Operator = test.operators[i : i+1]
			}
			targets = append(targets, target)
		}
		group := groupOf("g", targets...)
		group.Chain = groups.ChainAuto
		n := networkOf(farSide{}, false, group)
		p := n.prepare(t.Context(), group)
		for i, said := range test.said {
			p.said[i] = heard(said)
		}
		n.learn(p)
		s := n.newSession(p, 1000)
		members := 0
		for i, member := range s.GetTargets() {
			if member.GetStanding() != test.want[i] {
				t.Errorf("%s: %s is %v, want %v", name, member.GetAddress(), member.GetStanding(), test.want[i])
			}
			if test.want[i] != elswhere {
				members++
			}
		}
		if s.GetChainIdentity() != test.chain || len(s.GetServicers()) != members {
			t.Errorf("%s: chain %q of %d, want %q of %d", name, s.GetChainIdentity(), len(s.GetServicers()), test.chain, members)
		}
	}
}

// A majority needs three that are apart: with fewer, nothing is decidable.
func TestQuorum(t *testing.T) {
	for name, test := range map[string]struct {
		hosts, operators string
		voters           int
	}{
		"one": {"a", "", 1}, "two": {"ab", "", 2}, "three": {"abc", "", 3},
		"three of two hosts": {"aab", "", 2}, "four of two operators": {"abcd", "xxyy", 2}, "three operators": {"abcd", "xyzz", 3},
	} {
		var targets []groups.Target
		for i := range len(test.hosts) {
			target := groups.Target{Name: fmt.Sprint(i), URL: groups.NewSecret("https://" + test.hosts[i:i+1] + ".example/" + fmt.Sprint(i))}
			if test.operators != "" {
				target.Operator = test.operators[i : i+1]
			}
			targets = append(targets, target)
		}
		n := networkOf(farSide{}, false)
		group := groupOf("g", targets...)
		s := n.add(n.prepare(t.Context(), group), 1000)
		if undecidable := s.policy.Quorum > test.voters; undecidable != (test.voters < leastCompared) || !s.policy.Direct {
			t.Errorf("%s: quorum %d", name, s.policy.Quorum)
		}
	}
}

func TestHeadOfTargets(t *testing.T) {
	for want, heads := range map[int64][]int64{
		0: {}, 7: {7}, 6: {9, 6}, 100: {100, 1, 1 << 40}, 50: {50, 50, 1, 60}, 10: {0, 10, 0},
	} {
		var said []identified
		for _, head := range heads {
			said = append(said, identified{Identity: question.Identity{Head: head}})
		}
		if got := headOf(said, make([]types.Standing, len(said))); got != want {
			t.Errorf("%v: %d, want %d", heads, got, want)
		}
	}
	said := []identified{{Identity: question.Identity{Head: 7}}, {Identity: question.Identity{Head: 900}}, {Identity: question.Identity{Head: 900}}}
	if got := headOf(said, []types.Standing{asked, elswhere, unknown}); got != 7 {
		t.Errorf("other chains count: %d", got)
	}
}

// A session's id follows from what is configured and when it starts, and from no secret.
func TestSessionIDs(t *testing.T) {
	made := func() groups.Group {
		group := groupOf("g", targetsOf("a", "b")...)
		lag := int64(3)
		group.MaxLag, group.Targets[0].Headers = &lag, map[string]groups.Secret{"B": groups.NewSecret("1"), "A": groups.NewSecret("2")}
		return group
	}
	first := sessionID(made(), 1000)
	if raw, err := hex.DecodeString(first); err != nil || len(raw) != 32 || first != strings.ToLower(first) {
		t.Errorf("%q", first)
	}
	for range 20 {
		if again := sessionID(made(), 1000); again != first {
			t.Fatalf("%s, then %s", first, again)
		}
	}
	seen := map[string]string{first: "as it is"}
	differ := func(what string, start int64, change func(*groups.Group)) {
		group := made()
		change(&group)
		id := sessionID(group, start)
		if other, taken := seen[id]; taken {
			t.Errorf("%s has the id of %s", what, other)
		}
		seen[id] = what
	}
	differ("another start", 1001, func(*groups.Group) {})
	differ("another name", 1000, func(g *groups.Group) { g.Name = "h" })
	differ("another chain", 1000, func(g *groups.Group) { g.Chain = groups.ChainAuto })
	differ("another interval", 1000, func(g *groups.Group) { g.Interval++ })
	differ("another length", 1000, func(g *groups.Group) { g.Session += time.Second })
	differ("another SLA", 1000, func(g *groups.Group) { g.SLA++ })
	differ("another timeout", 1000, func(g *groups.Group) { g.Timeout++ })
	differ("another lag", 1000, func(g *groups.Group) { lag := int64(4); g.MaxLag = &lag })
	differ("no lag", 1000, func(g *groups.Group) { g.MaxLag = nil })
	differ("another spread", 1000, func(g *groups.Group) { g.Spread = groups.SpreadEven })
	differ("another quorum", 1000, func(g *groups.Group) { g.Quorum++ })
	differ("another allowance", 1000, func(g *groups.Group) { g.NullsAllowed++ })
	differ("a field ignored", 1000, func(g *groups.Group) { g.IgnoredFields = []string{"/a"} })
	differ("another target", 1000, func(g *groups.Group) { g.Targets = targetsOf("a", "c") })
	differ("one target less", 1000, func(g *groups.Group) { g.Targets = g.Targets[:1] })
	differ("one target more", 1000, func(g *groups.Group) { g.Targets = append(g.Targets, targetsOf("c")...) })
	differ("another host", 1000, func(g *groups.Group) { g.Targets[1].URL = groups.NewSecret("https://c.example/v2/KEY-OF-B") })
	differ("another operator", 1000, func(g *groups.Group) { g.Targets[1].Operator = "x" })
	secret := made()
	secret.Targets[1].URL = groups.NewSecret("https://b.example/v2/ANOTHER-KEY")
	secret.Targets[0].Headers["A"] = groups.NewSecret("3")
	if sessionID(secret, 1000) != first {
		t.Error("an id follows from a secret")
	}
}

// Names cannot be moved from one field to the next so that two groups have one id.
func TestSessionIDsAreApart(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.StringMatching(`[a-c"\\,{}]{1,3}`)
		draw := func(label string) groups.Group {
			var targets []groups.Target
			for i := range rapid.IntRange(1, 3).Draw(r, label) {
				host := rapid.SampledFrom([]string{"a", "b"}).Draw(r, label)
				targets = append(targets, groups.Target{Name: name.Draw(r, label) + fmt.Sprint(i), URL: groups.NewSecret("https://" + host + ".example/")})
			}
			return groupOf(name.Draw(r, label), targets...)
		}
		one, other := draw("one"), draw("other")
		same := one.Name == other.Name && len(one.Targets) == len(other.Targets)
		for i := range min(len(one.Targets), len(other.Targets)) {
			same = same && one.Targets[i].Name == other.Targets[i].Name && one.Targets[i].Origin() == other.Targets[i].Origin()
		}
		if (sessionID(one, 7) == sessionID(other, 7)) != same {
			r.Fatalf("%+v and %+v", one, other)
		}
	})
}

// Schedules with jitter are kept only where the rate leaves room for them.
func TestSpreadFollowsTheRate(t *testing.T) {
	n := networkOf(farSide{}, false)
	n.config.Patience = time.Nanosecond
	for _, test := range []struct {
		rate     float64
		interval time.Duration
		want     schedule.Distribution
	}{
		{2, 500 * time.Millisecond, schedule.Even}, {2, time.Second, schedule.StratifiedJitter}, {2, 15 * time.Second, schedule.StratifiedJitter},
		{1, 2 * time.Second, schedule.Even}, {0.1, 10 * time.Second, schedule.Even}, {10, 200 * time.Millisecond, schedule.StratifiedJitter},
	} {
		group := groupOf("g", targetsOf("a")...)
		group.Rate, group.Interval, group.Session = test.rate, test.interval, 100*time.Second
		if got := n.newSession(n.prepare(t.Context(), group), 1000).policy.Distribution; got != test.want {
			t.Errorf("one check in %v at %g a second: %v", test.interval, test.rate, got)
		}
	}
}

// Whether an address may be private is decided when it is dialled, by what the user said of the target.
func TestPrivateAddresses(t *testing.T) {
	node := httptest.NewServer(good())
	defer node.Close()
	_, port, err := net.SplitHostPort(node.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	names := fakes.StartNames(t)
	named := func(host string, private bool) groups.Target {
		return groups.Target{Name: host, URL: groups.NewSecret("http://" + host + ":" + port + "/KEY-OF-A-NODE"), Private: private}
	}
	group := groupOf("g", named("127.0.0.1", false), named("rebound.example", false), named("own.example", true))
	n := New(Config{Groups: []groups.Group{group}, Catalogue: catalogueOf})
	n.dialers.public.Resolver, n.dialers.private.Resolver = names.Resolver(), names.Resolver()
	s := n.add(n.prepare(t.Context(), group), 1000)
	for i, want := range []types.Standing{unknown, unknown, asked} {
		if got := s.GetTargets()[i]; got.GetStanding() != want {
			t.Errorf("%v", got)
		}
	}
	for i, allowed := range []bool{false, false, true} {
		conn, err := n.Dial(t.Context(), group.Targets[i].Origin())
		if (err == nil) != allowed || err != nil && !strings.Contains(err.Error(), "no public address") {
			t.Errorf("%s: %v", group.Targets[i].Origin(), err)
		}
		if conn != nil {
			conn.Close()
		}
	}
	// What is configured otherwise counts from the next session on: the running one goes on as it was begun.
	changed := groupOf("h", named("127.0.0.1", false))
	n.Replace([]groups.Group{changed})
	if conn, err := n.Dial(t.Context(), group.Targets[2].Origin()); err != nil {
		t.Errorf("in the running session: %v", err)
	} else {
		conn.Close()
	}
	n.add(n.prepare(t.Context(), changed), s.end()+kept+1)
	n.Replace([]groups.Group{changed})
	if conn, err := n.Dial(t.Context(), group.Targets[2].Origin()); err == nil {
		conn.Close()
		t.Error("dialled though it is not configured any more")
	}
}

// Two targets at one host have each its own path, key and headers.
func TestTwoTargetsAtOneHost(t *testing.T) {
	var first, second atomic.Int64
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/v2/FIRST-KEY" && r.Header.Get("X-Key") == "":
			first.Add(1)
		case r.URL.Path == "/v2/SECOND-KEY" && r.Header.Get("X-Key") == "x-value":
			second.Add(1)
		default:
			w.WriteHeader(401)
			return
		}
		good().ServeHTTP(w, r)
	}))
	defer node.Close()
	group := groupOf("g",
		groups.Target{Name: "first", URL: groups.NewSecret(node.URL + "/v2/FIRST-KEY"), Private: true},
		groups.Target{Name: "second", URL: groups.NewSecret(node.URL + "/v2/SECOND-KEY"), Private: true, Headers: map[string]groups.Secret{"X-Key": groups.NewSecret("x-value")}})
	n := New(Config{Groups: []groups.Group{group}, Catalogue: catalogueOf})
	s := n.add(n.prepare(t.Context(), group), 1000)
	if first.Load() != 3 || second.Load() != 3 || s.GetTargets()[0].GetStanding() != asked || s.GetTargets()[1].GetStanding() != asked {
		t.Errorf("asked %d and %d times: %v", first.Load(), second.Load(), s.GetTargets())
	}
	for _, servicer := range s.GetServicers() {
		if servicer.GetServiceUrl() != node.URL {
			t.Errorf("%v", servicer)
		}
	}
}
