package groups

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Whatever the text is, a configuration or a bounded error comes of it, soon, and neither shows a secret. What is accepted is
// within its bounds.
func FuzzParse(f *testing.F) {
	f.Add(Example())
	f.Add(inGroup("max_lag: 3 blocks", "control: one", "rate: 10", "interval: 100ms"))
	f.Add(inGroup("chain: custom", `head: {path: /h, height: /h}`, `questions: [{path: "/b/{height}", headers: {A: b}, errors: [404]}]`))
	f.Add("\ufeffgroups: [{name: a, targets: [{name: a, url: {file: /dev/null}, headers: {X: \"${S}\"}}]}]")
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
		if groups[g.Name] || !isName(g.Name) || len(g.Targets) < 1 || len(g.Targets) > MaximumTargets {
			t.Errorf("group %+v", g)
		}
		groups[g.Name] = true
		if g.Checks() < 2 || g.Checks() > maximumChecks || g.Session%time.Second != 0 || g.Timeout <= g.SLA || g.Timeout >= g.Session ||
			g.Rate*g.Interval.Seconds() < 0.999 || g.SamplesRequired > g.Checks() || g.SamplesRequired < 1 || g.Quorum < 2 ||
			g.Quorum > max(2, len(g.Targets)) || g.SessionsRetained < 1 || g.NullsAllowed < 0 {
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
