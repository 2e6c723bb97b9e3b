package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// completed is what the shell is told for a command line whose last word is being written: the words, then the directive.
func completed(t *testing.T, line ...string) string {
	t.Helper()
	code, stdout, stderr := pocket(t, append([]string{"__complete"}, line...)...)
	if code != command.ExitOK {
		t.Fatalf("%v: exit code %d: %s", line, code, stderr)
	}
	return strings.TrimSuffix(stdout, "\n")
}

func TestCompletions(t *testing.T) {
	t.Setenv(command.NodeVariable, "http://127.0.0.1:1") // where no node is
	directory := t.TempDir()
	store := keystore.New(directory, commandtest.Keys)
	key := localnet.Key(1, types.ActorType_ACTOR_TYPE_SERVICER, 0)
	if _, err := store.Put(key, "first servicer", "secret"); err != nil {
		t.Fatal(err)
	}
	stored := key.Address() + "\tfirst servicer\n:4"
	for _, test := range []struct {
		line []string
		want string
	}{
		{[]string{"fisherman", "wat"}, "watch\tWatch live what the fisherman measures\n:4"},
		{[]string{"fisherman", "qos", "--output", ""}, "table\njson\ncsv\n:4"},
		{[]string{"tx", "stake", "--type", ""}, strings.Join(command.ActorTypes, "\n") + "\n:4"},
		{[]string{"tx", "send", "--keys", directory, "--from", ""}, stored},
		{[]string{"tx", "send", "--keys", directory, "--from", key.Address()[:3]}, stored},
		{[]string{"tx", "send", "--keys", directory, "--from", "x"}, ":4"},
		{[]string{"tx", "send", "--from", ""}, ":4"},
		{[]string{"keys", "export", "--keys", directory, ""}, stored},
		{[]string{"keys", "export", "--keys", directory, key.Address(), ""}, ":4"},
		{[]string{"keys", "import", ""}, ":0"},
		{[]string{"node", "init", "--keys", directory, "--validator", ""}, stored},
		{[]string{"node", "init", "--catalogue", "0002=c"}, "0002=" + strings.Join(configs.Catalogues(), "\n0002=") + "\n:4"},
		{[]string{"node", "init", "--catalogue", "00"}, ":6"},
		{[]string{"node", "start", "--home", ""}, ":16"},
		{[]string{"query", "account", "--address", ""}, ":4"},
		{[]string{"query", "account", "--node", ""}, ":4"},
		{[]string{"localnet", "--servicers", ""}, ":4"},
		{[]string{"version", ""}, ":4"},
	} {
		if got := completed(t, test.line...); got != test.want {
			t.Errorf("%v:\n%s\nwant\n%s", test.line, got, test.want)
		}
	}
}

func TestCompletionScriptsOfEveryShell(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if code, stdout, stderr := pocket(t, "completion", shell); code != command.ExitOK || !strings.Contains(stdout, "__complete") || stderr != "" {
			t.Errorf("%s: exit code %d, %d bytes, %q", shell, code, len(stdout), stderr)
		}
	}
}

// Addresses come from the node that the command line names, without those that are stored and so there already.
func TestAddressesAreCompletedFromTheNode(t *testing.T) {
	servicer, application := strings.Repeat("5e", 20), strings.Repeat("a1", 20)
	asked := make(chan string, 10)
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Query().Get("role")
		found := api.Addresses{Addresses: []api.KnownAddress{{Address: servicer, Roles: []api.AddressRole{"servicer", "account"}}}}
		if r.URL.Query().Get("role") == "application" {
			found.Addresses = []api.KnownAddress{{Address: application, Roles: []api.AddressRole{"application"}}}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(found)
	}))
	defer node.Close()
	t.Setenv(command.KeysVariable, t.TempDir())
	for _, test := range []struct {
		line []string
		role string
		want string
	}{
		{[]string{"query", "account", "--node", node.URL, "--address", "5e"}, "", servicer + "\tservicer, account\n:4"},
		{[]string{"query", "session", "--node", node.URL, "--application", ""}, "application", application + "\tapplication\n:4"},
		{[]string{"fisherman", "qos", "--node", node.URL, "--servicer", ""}, "servicer", servicer + "\tservicer, account\n:4"},
		{[]string{"fisherman", "check", "--node", node.URL, ""}, "servicer", servicer + "\tservicer, account\n:4"},
		{[]string{"fisherman", "watch", "--node", node.URL, "--application", ""}, "application", application + "\tapplication\n:4"},
		{[]string{"tx", "send", "--node", node.URL, "--to", ""}, "", servicer + "\tservicer, account\n:4"},
	} {
		if got := completed(t, test.line...); got != test.want {
			t.Errorf("%v:\n%s\nwant\n%s", test.line, got, test.want)
		}
		if role := <-asked; role != test.role {
			t.Errorf("%v: asked for %q, want %q", test.line, role, test.role)
		}
	}
}

// A configuration names its groups.
func TestGroupsAreCompletedFromTheConfiguration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fisherman.yaml")
	const config = `data: ./data
groups:
  - name: list
    targets:
      - {name: a, url: "https://a.example"}
  - name: eth-on-pocket
    chain: evm
    shannon: {rpc: ["https://node.example"], application: pokt1d0z3kvlf7d3xj38ts7g50cvpz9vplrumj0ct5r, service: eth, signer: watcher, max_upokt_per_day: 10}
`
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for begun, want := range map[string]string{"": "eth-on-pocket\n:4", "li": ":4"} {
		if got := completed(t, "shannon", "session", "--config", path, "--group", begun); got != want {
			t.Errorf("%q: %q, want %q", begun, got, want)
		}
	}
}
