package compare

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

const secretURL = "https://a.example/SECRETKEY"

// Each mistake is one line that says what would be right, and repeats no secret.
func TestRefusals(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "SECRETFILE")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "compare what? Give URLs"},
		{[]string{"a=" + secretURL, "a=https://b.example"}, "targets 1 and 2 are both called a"},
		{[]string{"ftp://a.example/SECRETKEY"}, "another scheme"},
		{[]string{"wss://a.example/SECRETKEY"}, "another scheme"},
		{[]string{secretURL + "#SECRET"}, "fragment"},
		{[]string{secretURL + " SECRET"}, "a space"},
		{[]string{"https://a.example:SECRET/x"}, "target 1"},
		{[]string{"https:///SECRETKEY"}, "no host"},
		{[]string{"https://%zz/SECRETKEY"}, "target 1"},
		{[]string{"a="}, "target a: its URL is empty"},
		{[]string{""}, "target 1: its URL is empty"},
		{[]string{"=" + secretURL}, "the name before = is none"},
		{[]string{"a b=" + secretURL}, "the name before = is none"},
		{[]string{"http://127.0.0.1:1/SECRETKEY"}, "add --allow-private"},
		{[]string{"x=http://[::1]/SECRETKEY"}, "target x is on this machine or in a private network; add --allow-private"},
		{[]string{"http://169.254.169.254/SECRETKEY"}, "add --allow-private"},
		{[]string{"localhost:1/SECRETKEY"}, "add --allow-private"},
		{[]string{secretURL, "--header", "Authorization: Bearer SECRET"}, "--header 1 names no target"},
		{[]string{"a=" + secretURL, "--header", "a: SECRET"}, "has no"},
		{[]string{"a=" + secretURL, "--header", "a: X Y: SECRET"}, "has no name of a header"},
		{[]string{"a=" + secretURL, "--header", "a: X: "}, "X has no value"},
		{[]string{"a=" + secretURL, "--header", "a: Host: SECRET"}, "set by the fisherman itself"},
		{[]string{"a=" + secretURL, "--header", "a: X: @" + empty}, "is empty"},
		{[]string{"a=" + secretURL, "--header", "a: X: @" + empty + "1"}, "cannot be read"},
		{[]string{"a=" + secretURL, "--header", "a: X: $SECRET_THAT_IS_NOT_SET"}, "not set, or empty"},
		{[]string{"a=" + secretURL, "--header", "a: X: SECRET", "--header", "a: x: SECRET"}, "X is given twice"},
		{[]string{"a=https://me:SECRET@a.example", "--header", "a: Authorization: SECRET"}, "mean the same"},
		{[]string{secretURL, "--interval", "200ms"}, "want --interval 500ms or more, or --rate 5"},
		{[]string{secretURL, "--for", "10s", "--checks", "50"}, "want --checks 20 or fewer, --for 25s or more, or --rate 5"},
		{[]string{secretURL, "--for", "10s", "--checks", "5", "--interval", "1s"}, "do not fit each other"},
		{[]string{secretURL, "--for", "1s", "--interval", "5s"}, "want --for 5s or more"},
		{[]string{secretURL, "--checks", "0"}, "from 1 to 10000"},
		{[]string{secretURL, "--for", "0s"}, "from 1s to 24h0m0s"},
		{[]string{secretURL, "--rate", "NaN"}, "from 0.01 to 1000"},
		{[]string{secretURL, "--timeout", "200ms"}, "not above --sla 300ms"},
		{[]string{secretURL, "--chain", "evn"}, "did you mean evm?"},
		{[]string{secretURL, "--chain", "custom"}, "give --catalogue FILE"},
		{[]string{secretURL, "--chain", "solana", "--catalogue", "evm"}, "not for chain solana"},
		{[]string{secretURL, "--catalogue", filepath.Join(t.TempDir(), "none.yaml")}, "the catalogues that have a name are evm-values"},
		{[]string{secretURL, "--catalogue", empty}, "--catalogue"},
		{[]string{secretURL, "--fail-on", "slow,broken"}, "want unavailable, inconsistent, behind or slow"},
		{[]string{secretURL, "--output", "yaml"}, "want table, json, csv or markdown"},
	} {
		code, stdout, stderr := commandtest.Pocket(t, New, append([]string{"compare"}, test.args...)...)
		if code != command.ExitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.want) {
			t.Errorf("%q: code %d, %q%q; want %q", test.args, code, stdout, stderr, test.want)
		}
		if strings.Contains(strings.ReplaceAll(stderr, empty, ""), "SECRET") {
			t.Errorf("%q: %q has a secret", test.args, stderr)
		}
	}
}

func TestTargets(t *testing.T) {
	for _, test := range []struct{ args, names, origins []string }{
		{[]string{"https://a.example/k", "b=https://b.example"}, []string{"a.example", "b"}, []string{"https://a.example", "https://b.example"}},
		{[]string{"a.example/rpc?key=1"}, []string{"a.example"}, []string{"https://a.example"}},
		{[]string{"b=A.example:8443/x?y=z"}, []string{"b"}, []string{"https://a.example:8443"}},
		{[]string{"localhost:8545", "127.0.0.1:1", "[::1]:1"}, []string{"localhost", "127.0.0.1", "::1"},
			[]string{"http://localhost:8545", "http://127.0.0.1:1", "http://[::1]:1"}},
		{[]string{"https://a.example:1", "https://a.example:2", "https://a.example:2/x"}, []string{"a.example:1", "a.example:2", "a.example:2#2"},
			[]string{"https://a.example:1", "https://a.example:2", "https://a.example:2"}},
		{[]string{"https://b.example", "b.example=https://a.example"}, []string{"b.example#2", "b.example"}, []string{"https://b.example", "https://a.example"}},
		{[]string{"https://" + strings.Repeat("a", 60) + "." + strings.Repeat("b", 60)}, []string{strings.Repeat("a", 58)},
			[]string{"https://" + strings.Repeat("a", 60) + "." + strings.Repeat("b", 60)}},
	} {
		targets, err := parseTargets(test.args, false)
		if err != nil {
			t.Errorf("%q: %v", test.args, err)
			continue
		}
		var names, origins []string
		for _, target := range targets {
			names, origins = append(names, target.Name), append(origins, target.Origin())
		}
		if !slices.Equal(names, test.names) || !slices.Equal(origins, test.origins) {
			t.Errorf("%q: %q at %q, want %q at %q", test.args, names, origins, test.names, test.origins)
		}
	}
}

func TestHeaders(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TOKEN", "from-environment")
	targets, err := parseTargets([]string{"https://a.example", "https://b.example:1", "https://b.example:2"}, false)
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]string{
		"X-One: plain: text":        "plain: text",
		"X-Two: @" + file:           "from file",
		"X-Three: $TOKEN":           "from-environment",
		"X-Four: Bearer $TOKEN":     "Bearer from-environment",
		"x-five:a${TOKEN}b${TOKEN}": "afrom-environmentbfrom-environment",
		"X-Six: pa$$word$1":         "pa$$word$1",
	} {
		targets[2].Headers = nil
		if err := addHeaders(targets, []string{"b.example:2: " + given}); err != nil {
			t.Errorf("%s: %v", given, err)
			continue
		}
		for _, value := range targets[2].Headers {
			if value.Reveal() != want {
				t.Errorf("%s: %q, want %q", given, value.Reveal(), want)
			}
		}
	}
	if targets[0].Headers != nil || targets[1].Headers != nil {
		t.Error("a target has another's headers")
	}
}

func TestTiming(t *testing.T) {
	for _, test := range []struct {
		name   string
		timing timing
		length time.Duration
		checks int
	}{
		{"nothing", timing{}, 10 * time.Second, 20},
		{"a low rate", timing{rate: 0.5}, 40 * time.Second, 20},
		{"a high rate", timing{rate: 100}, 10 * time.Second, 20},
		{"for", timing{length: time.Minute, byLength: true}, time.Minute, 120},
		{"for that is not whole", timing{length: 2500 * time.Millisecond, byLength: true}, 3 * time.Second, 5},
		{"checks", timing{checks: 5, byChecks: true}, 3 * time.Second, 5},
		{"one check", timing{checks: 1, byChecks: true}, time.Second, 1},
		{"interval", timing{interval: 3 * time.Second, byInterval: true}, time.Minute, 20},
		{"for and checks", timing{length: time.Minute, checks: 7, byLength: true, byChecks: true}, time.Minute, 7},
		{"for and interval", timing{length: time.Minute, interval: 7 * time.Second, byLength: true, byInterval: true}, time.Minute, 8},
		{"checks and interval", timing{checks: 3, interval: 700 * time.Millisecond, byChecks: true, byInterval: true}, 3 * time.Second, 3},
		{"all", timing{length: time.Minute, checks: 20, interval: 3 * time.Second, byLength: true, byChecks: true, byInterval: true}, time.Minute, 20},
	} {
		if test.timing.rate == 0 {
			test.timing.rate = 2
		}
		length, checks, err := test.timing.plan()
		if err != nil || length != test.length || checks != test.checks {
			t.Errorf("%s: %v, %d checks, %v; want %v, %d", test.name, length, checks, err, test.length, test.checks)
		}
		group := groups.Group{Session: length, Interval: length / time.Duration(max(checks, 1))}
		if group.Checks() != checks {
			t.Errorf("%s: the group has %d checks, not %d", test.name, group.Checks(), checks)
		}
	}
}

func TestCatalogues(t *testing.T) {
	file := filepath.Join(t.TempDir(), "questions.yaml")
	text := "chain: custom\nmax_lag: 3 blocks\nhead: {method: height, height: /result}\nquestions:\n- {method: block, params: [\"{height}\"]}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	group := groups.DefaultGroup()
	if asked, err := withQuestions(group, "evm"); err != nil || asked.Catalogue != "evm" || asked.Chain != groups.ChainEVM {
		t.Errorf("evm: %+v, %v", asked, err)
	}
	asked, err := withQuestions(group, file)
	if err != nil || asked.Catalogue != "custom" || asked.Chain != groups.ChainCustom || len(asked.Questions) != 1 || *asked.MaxLag != 3 {
		t.Errorf("%s: %+v, %v", file, asked, err)
	}
}
