package pocketd

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/cli"
)

// TestCommandLine: what docs/shannon.md tells people to run does what it says there.
func TestCommandLine(t *testing.T) {
	ctx, network := start(t, Options{Suppliers: []SupplierOptions{{}, {Owner: "fleet"}, {Fault: Down, Owner: "fleet"}, {Keyless: true}}})
	t.Setenv("POCKET_KEYS", filepath.Join(t.TempDir(), "keys"))
	t.Setenv("POCKET_PASSPHRASE", "secret")
	key := filepath.Join(t.TempDir(), "watcher.hex")
	if err := os.WriteFile(key, []byte(network.GatewayKey()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(want int, args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := cli.Run(ctx, args, strings.NewReader(""), &stdout, &stderr); code != want {
			t.Fatalf("%q: exit code %d, want %d\n%s%s", args, code, want, stdout.String(), stderr.String())
		}
		return stdout.String()
	}
	pocket := func(want int, args ...string) string {
		t.Helper()
		return run(want, append([]string{"shannon"}, append(args, "--rpc", network.RPC(), "--application", network.Application(), "--service", network.Service())...)...)
	}
	run(0, "keys", "import", "--secp256k1", "--file", key, "--label", "watcher")

	var session struct {
		ChainID   string `json:"chain_id"`
		Signers   []string
		Suppliers []struct {
			Supplier, Owner, URL string
			HasKey               bool `json:"has_key"`
		}
		Cost struct {
			Relay uint64 `json:"relay_upokt"`
		}
	}
	if err := json.Unmarshal([]byte(pocket(0, "session", "--output", "json")), &session); err != nil {
		t.Fatal(err)
	}
	if session.ChainID != ChainID || len(session.Suppliers) != 4 || len(session.Signers) != 2 || session.Signers[1] != network.Gateway() || session.Cost.Relay == 0 {
		t.Errorf("%+v", session)
	}
	for _, s := range session.Suppliers {
		for i, known := range network.Suppliers() {
			if known.Address == s.Supplier && (s.Owner != known.Owner || s.URL != known.URL || s.HasKey != (i != 3)) {
				t.Errorf("supplier %d: %+v", i, s)
			}
		}
	}

	doctor := pocket(0, "doctor", "--signer", "watcher", "--chain-id", ChainID, "--allow-private")
	if strings.Count(doctor, "\nwarn  supplier ") != 2 || strings.Count(doctor, " takes connections\n") != 2 || strings.Contains(doctor, "fail ") {
		t.Errorf("doctor:\n%s", doctor)
	}

	var answer struct {
		Outcome string
		Bound   bool
		Cost    uint64 `json:"cost_upokt"`
		Answer  struct{ ID int }
	}
	relay := []string{"relay", "--signer", "watcher", "--allow-private", "--payload", `{"jsonrpc":"2.0","id":7,"method":"health"}`, "--output", "json", "--supplier"}
	if err := json.Unmarshal([]byte(pocket(0, append(relay, network.Suppliers()[0].Address)...)), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Outcome != "OK" || !answer.Bound || answer.Cost != session.Cost.Relay || answer.Answer.ID != 7 {
		t.Errorf("%+v", answer)
	}
	pocket(9, append(relay, network.Suppliers()[2].Address)...)
	if out := pocket(9, append(relay, network.Suppliers()[3].Address)...); out != "" {
		t.Errorf("a supplier without a key was asked: %s", out)
	}

	if _, err := network.Undelegate(ctx); err != nil {
		t.Fatal(err)
	}
	if doctor := pocket(15, "doctor", "--signer", "watcher", "--allow-private"); !strings.Contains(doctor, "fail  signer: "+network.Gateway()) {
		t.Errorf("doctor:\n%s", doctor)
	}
}
