package cli

import (
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/localnet"
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
