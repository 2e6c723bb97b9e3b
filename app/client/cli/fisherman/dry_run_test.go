package fisherman

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
	"github.com/pocket-fisherman/fisherman/network/shannon/chaintest"
)

// A dry run says what a day costs, and asks nobody but the node. It needs no key and makes no files.
func TestDryRun(t *testing.T) {
	state := chaintest.NewState("eth")
	node := chaintest.New(t, "pocket", 103)
	node.Serve(state.Answer)
	for _, name := range []string{"a", "b"} {
		state.AddSupplier(name, name, "http://127.0.0.1:1")
	}
	directory := t.TempDir()
	config := filepath.Join(directory, "fisherman.yaml")
	text := fmt.Sprintf(`data: data
groups:
  - name: mine
    chain: evm
    targets:
      - {name: one, url: 'http://127.0.0.1:1', private: true}
  - name: eth-on-pocket
    chain: evm
    interval: 1m
    shannon:
      rpc: ['%s/planted']
      application: %s
      service: eth
      signer: nobody
      max_upokt_per_session: 200
`, node.URL, state.Application.GetAddress())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := commandtest.Pocket(t, New, "fisherman", "start", "--config", config, "--dry-run")
	if code != command.ExitOK || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	// 44 uPOKT a check, of which 200 pay for 4, and 144 sessions of ten minutes.
	for _, said := range []string{"mine           1      0", "eth-on-pocket  2      22     44     4 of 10  176      25344", "A day would cost 25344 uPOKT."} {
		if !strings.Contains(stdout, said) {
			t.Errorf("no %q in\n%s", said, stdout)
		}
	}
	if entries, err := os.ReadDir(directory); err != nil || len(entries) != 1 {
		t.Errorf("files: %v, %v", entries, err)
	}
	state.Change(func() { state.Application = nil })
	code, stdout, stderr = commandtest.Pocket(t, New, "fisherman", "start", "--config", config, "--dry-run")
	if code != command.ExitNotFound || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "group eth-on-pocket: ") ||
		!strings.Contains(stderr, "is not staked") || strings.Contains(stdout+stderr, "planted") {
		t.Errorf("exit code %d: %q, %q", code, stdout, stderr)
	}
}

// A dry run goes on over groups that cannot be read: each is named with its problem, the others have their costs, and the exit
// code is that of the first. What nodes say is bounded and prints.
func TestDryRunGoesOn(t *testing.T) {
	state := chaintest.NewState("eth")
	state.AddSupplier("a", "a", "http://127.0.0.1:1")
	node := chaintest.New(t, "pocket", 103)
	node.Serve(state.Answer)
	hostile := chaintest.New(t, "pocket", 103)
	hostile.Serve(func(string, []byte, int64) chaintest.Answer {
		return chaintest.Answer{Code: 18, Codespace: "sdk", Log: "\x1b[2J\u202e" + strings.Repeat("long ", 10_000)}
	})
	var text strings.Builder
	text.WriteString("data: data\ngroups:\n")
	for _, group := range []struct{ name, rpc, service string }{
		{"gone", "http://127.0.0.1:1/planted", "gone"}, {"hostile", hostile.URL + "/planted", "hostile"}, {"good", node.URL + "/planted", "eth"},
		{"other", node.URL + "/planted", "none"},
	} {
		fmt.Fprintf(&text, "  - name: %s\n    chain: evm\n    interval: 1m\n    shannon: {rpc: ['%s'], application: %s, service: %s, signer: nobody, max_upokt_per_session: 200}\n",
			group.name, group.rpc, state.Application.GetAddress(), group.service)
	}
	config := filepath.Join(t.TempDir(), "fisherman.yaml")
	if err := os.WriteFile(config, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	said := func(more ...string) (command.ExitCode, string, string) {
		code, stdout, stderr := commandtest.Pocket(t, New, append([]string{"fisherman", "start", "--config", config}, more...)...)
		if strings.Contains(stdout+stderr, "planted") || strings.ContainsAny(stdout+stderr, "\x1b\u202e") || len(stdout+stderr) > 8<<10 {
			t.Errorf("%.4000q, %.4000q", stdout, stderr)
		}
		return code, stdout, stderr
	}
	code, stdout, stderr := said("--dry-run")
	if code != command.ExitUnreachable || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "group gone: ") || !strings.Contains(stderr, "2 further groups cannot be read") {
		t.Errorf("exit code %d: %q", code, stderr)
	}
	for _, want := range []string{"\ngone: ", "\nhostile: ", "\nother: ", "good     1      22", "A day of the other groups would cost "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	code, stdout, _ = said("--dry-run", "--output", "json")
	var cost dayCost
	if err := json.Unmarshal([]byte(stdout), &cost); err != nil || code != command.ExitUnreachable || cost.Complete || len(cost.Groups) != 4 {
		t.Fatalf("exit code %d, %v: %s", code, err, stdout)
	}
	for i, problem := range []string{"unreachable", "refused", "", "unknown_service"} {
		if got := cost.Groups[i]; (got.Problem == "") != (got.Reason == "") || got.Problem != problem || (got.Day == 0) != (problem != "") {
			t.Errorf("%+v, want %q", got, problem)
		}
	}
	if cost.Day != cost.Groups[2].Day {
		t.Errorf("a day costs %d", cost.Day)
	}
	if code, _, stderr := said("--output", "json"); code != command.ExitUsage || !strings.Contains(stderr, "--dry-run") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
