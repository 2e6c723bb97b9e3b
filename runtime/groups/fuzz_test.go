package groups

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/account"
)

// Whatever the text is, a configuration or a bounded error comes of it, soon, and neither shows a secret. What is accepted is
// within its bounds.
func FuzzParse(f *testing.F) {
	f.Add(Example())
	f.Add(inGroup("max_lag: 3 blocks", "control: one", "rate: 10", "interval: 100ms"))
	f.Add(inGroup("chain: custom", `head: {path: /h, height: /h}`, `questions: [{path: "/b/{height}", headers: {A: b}, errors: [404]}]`))
	f.Add("\ufeffgroups: [{name: a, targets: [{name: a, url: {file: /dev/null}, headers: {X: \"${S}\"}}]}]")
	f.Add(suppliers("quorum: 5", "nulls_allowed: 3"))
	f.Add(strings.Replace(suppliers(), "[https://node.example:443]", "['${S}', tcp://127.0.0.1:26657]", 1) + "      keys: k\n      allow_private: true\n")
	f.Add("groups: [{name: a, shannon: {signer: \"0xe9ab\", max_upokt_per_day: 1e9}, session: 5m, targets: []}]")
	f.Add("a: &a [*a, *a]\n<<: *a\n? {}\n: !!binary x\n---\n...\n")
	f.Add("{{},<<}\n|0\t>-\n'\\x00\"\\q")
	f.Fuzz(func(t *testing.T, text string) {
		started := time.Now()
		config, err := Parse([]byte(text), "f.yaml", func(name string) (string, bool) { return planted, name != "MISSING" })
		if spent := time.Since(started); len(text) < 4096 && spent > 10*time.Second {
			t.Errorf("took %s", spent)
		}
		if strings.Contains(text, planted) {
			return
		}
		if strings.Contains(fmt.Sprintf("%+v %#v %v", config, config, err), planted) {
			t.Errorf("a secret is shown")
		}
		if err == nil {
			checkBounds(t, config)
			return
		}
		wrong, is := errors.AsType[*Error](err)
		if !is || len(wrong.Problems) == 0 || len(wrong.Problems) > keptProblems || config.Groups != nil {
			t.Fatalf("error %v, configuration %+v", err, config)
		}
		for i, line := range wrong.Lines() {
			if len(line) > 2000 || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("line %d: %q", i, line)
			}
		}
	})
}

// checkBounds checks what consumers rely on.
func checkBounds(t *testing.T, config Config) {
	t.Helper()
	if len(config.Groups) < 1 || len(config.Groups) > MaximumGroups || !config.Public && !onLoopback(config.Listen) {
		t.Errorf("%+v", config)
	}
	groups := make(map[string]bool)
	for _, g := range config.Groups {
		if groups[g.Name] || !isName(g.Name) || g.Timeout <= g.SLA || g.SessionsRetained < 1 || g.Quorum < 2 {
			t.Errorf("group %+v", g)
		}
		groups[g.Name] = true
		if g.Shannon != nil {
			checkSuppliersBounds(t, g)
			continue
		}
		if len(g.Targets) < 1 || len(g.Targets) > MaximumTargets {
			t.Errorf("group %+v", g)
		}
		if g.Checks() < 2 || g.Checks() > maximumChecks || g.Session%time.Second != 0 || g.Timeout >= g.Session ||
			g.Rate*g.Interval.Seconds() < 0.999 || g.SamplesRequired > g.Checks() || g.SamplesRequired < 1 ||
			g.Quorum > max(2, len(g.Targets)) || g.NullsAllowed < 0 {
			t.Errorf("group %+v", g)
		}
		targets := make(map[string]bool)
		for _, target := range g.Targets {
			if targets[target.Name] || !isName(target.Name) || target.Origin() == "" || !strings.HasPrefix(target.URL.Reveal(), "http") {
				t.Errorf("target %+v", target)
			}
			targets[target.Name] = true
		}
		if g.Control.Target != "" && (!targets[g.Control.Target] || g.Control.URL.Reveal() != "") {
			t.Errorf("control %+v", g.Control)
		}
	}
}

func checkSuppliersBounds(t *testing.T, g Group) {
	t.Helper()
	s := g.Shannon
	if len(g.Targets) > 0 || g.Session != 0 || g.Rate != 0 || g.Control.Target+g.Control.URL.Reveal() != "" || g.Chain == ChainAuto ||
		g.Interval < minimumInterval || g.NullsAllowed < Share || g.LaggingAllowed < Share || g.SamplesRequired < 0 {
		t.Errorf("group %+v", g)
	}
	if len(s.RPC) < 1 || len(s.RPC) > MaximumRPC || account.CheckAddress(s.Application) != nil || !serviceID.MatchString(s.Service) ||
		s.Signer == "" || s.MaxUpoktPerSession+s.MaxUpoktPerDay == 0 || s.MaxUpoktPerSession > maximumUpokt || s.MaxUpoktPerDay > maximumUpokt ||
		s.Keys != "" && !filepath.IsAbs(s.Keys) {
		t.Errorf("group %+v, %+v", g, *s)
	}
	for _, rpc := range s.RPC {
		if originOf(rpc.Reveal()) == "" {
			t.Errorf("RPC of %+v", g)
		}
	}
}
