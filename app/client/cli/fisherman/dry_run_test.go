package fisherman

import (
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
	if code != command.ExitNotFound || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "group eth-on-pocket: ") ||
		!strings.Contains(stderr, "is not staked") || strings.Contains(stderr, "planted") {
		t.Errorf("exit code %d: %q, %q", code, stdout, stderr)
	}
}
