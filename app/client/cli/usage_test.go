package cli

import (
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
)

// pocket runs one command line.
func pocket(t *testing.T, args ...string) (code command.ExitCode, stdout, stderr string) {
	t.Helper()
	return commandtest.Run(t, newRoot, args...)
}

func TestUsageErrorsAreOneLineThatHelps(t *testing.T) {
	const address = "00000000000000000000000000000000000000aa"
	for _, test := range []struct {
		args []string
		says []string
	}{
		{[]string{"localnt"}, []string{`unknown command "localnt"`, `did you mean "localnet"?`}},
		{[]string{"localnt", "--servicers", "3"}, []string{`unknown command "localnt"`}},
		{[]string{"xyz"}, []string{`unknown command "xyz"`, "localnet, node, query, relay"}},
		{[]string{"query", "sesion"}, []string{`for "pocket query"`, `did you mean "session"?`}},
		{[]string{"help", "quary"}, []string{`did you mean "query"?`}},
		{[]string{"query"}, []string{`"pocket query" needs a command: session, actors`}},
		{[]string{"--bogus"}, []string{"unknown flag --bogus"}},
		{[]string{"localnet", "--servicer", "3"}, []string{"unknown flag --servicer", "did you mean --servicers?"}},
		{[]string{"localnet", "--home-dir", "x"}, []string{"unknown flag --home-dir", "see 'pocket localnet --help'"}},
		{[]string{"localnet", "-x"}, []string{"unknown flag -x"}},
		{[]string{"localnet", "3"}, []string{"takes no arguments", `"3"`}},
		{[]string{"localnet", "--delay"}, []string{"--delay needs a value"}},
		{[]string{"localnet", "--delay", "400"}, []string{`--delay "400"`, "as in 400ms"}},
		{[]string{"localnet", "--sessions", "0"}, []string{`--sessions "0"`, "whole number from 1 to 1000"}},
		{[]string{"localnet", "--servicers", "many"}, []string{`--servicers "many"`, "whole number"}},
		{[]string{"localnet", "--servicers", "0"}, []string{"--servicers", "1 to"}},
		{[]string{"localnet", "--servicers", "3", "--down", "2", "--lying", "2"}, []string{"--down 2", "--lying 2", "0 to 3"}},
		{[]string{"localnet", "--rpc-listen", "0.0.0.0:1"}, []string{"--rpc-listen", "loopback"}},
		{[]string{"localnet", "--output", "jsn"}, []string{`--output "jsn"`, "table, json or csv", "did you mean json?"}},
		{[]string{"localnet", "--log-level", "loud"}, []string{"error, warn, info or debug"}},
		{[]string{"query", "session"}, []string{"needs --application and --chain"}},
		{[]string{"query", "session", "--application", "AB", "--chain", "0001"}, []string{`--application: "AB"`, "40 lower-case hex digits"}},
		{[]string{"query", "session", "--application", address, "--chain", "1"}, []string{`--chain: "1"`, "as in 0001"}},
		{[]string{"query", "session", "--application", address, "--chain", "0001", "--height", "0"}, []string{"--height", "1 or more"}},
		{[]string{"query", "actors", "--type", "servicers"}, []string{"did you mean servicer?"}},
		{[]string{"query", "actors", "--node", "localhost:1"}, []string{"--node", "http://127.0.0.1:50832"}},
		{[]string{"fisherman", "qos", "--session", "12"}, []string{`--session: "12"`, "64 lower-case hex digits"}},
		{[]string{"fisherman", "qos", "--window", "yesterday"}, []string{`--window "yesterday"`, "number of sessions from 1 to 10000", "as in 10 or 24h"}},
		{[]string{"fisherman", "qos", "--window", "0"}, []string{`--window "0"`, "from 1 to 10000"}},
		{[]string{"fisherman", "qos", "--window", "10", "--session", strings.Repeat("1f", 32)}, []string{"--window", "--session", "exclude each other"}},
		{[]string{"fisherman", "qos", "--output", "xml"}, []string{"table, json or csv"}},
		{[]string{"genesis", "validate"}, []string{"takes one FILE"}},
		{[]string{"genesis", "validate", "/nonexistent/genesis.json"}, []string{"/nonexistent/genesis.json", "no such file"}},
		{relayArgs(address, "not json"), []string{"--payload", "JSON"}},
		{relayArgs(address, `{"jsonrpc":"1.0","id":1,"method":"x"}`), []string{"--payload", `"2.0"`}},
		{relayArgs(address, "[]"), []string{"--payload", "nothing in the batch"}},
		{append(relayArgs(address, "{}"), "--path", "/"), []string{"--payload", "--path", "exclude"}},
		{append(relayArgs(address, "{}"), "--header", "A: b"), []string{"--header", "--path"}},
		{append(restArgs(address, "/a"), "--header", "none"), []string{"--header", "NAME: VALUE"}},
		{append(restArgs(address, "/a"), "--method", "TRACE"), []string{"method"}},
		{append(restArgs(address, "/a"), "--method", "POST", "--body", "@/nonexistent/body"), []string{"--body", "no such file"}},
		{restArgs(address, "/../a"), []string{"path"}},
		{restArgs(address, ""), []string{"--path is empty"}},
		{relayArgs(address, "@/nonexistent/payload"), []string{"--payload", "no such file"}},
		{relayArgs(address, "-"), []string{"--payload"}},
		{append(relayArgs(address, "{}"), "--timeout", "2h"), []string{"--timeout", "1m0s"}},
		{[]string{"keys"}, []string{`"pocket keys" needs a command: create, import, export, list, delete`}},
		{[]string{"keys", "export"}, []string{"takes one ADDRESS"}},
		{[]string{"keys", "export", "12"}, []string{"ADDRESS", "40 lower-case hex digits"}},
		{[]string{"keys", "delete", "12"}, []string{"ADDRESS", "40 lower-case hex digits"}},
		{[]string{"keys", "import"}, []string{"takes one FILE"}},
		{[]string{"keys", "import", strings.Repeat("ab", 32)}, []string{"must not be an argument"}},
		{[]string{"keys", "import", "/nonexistent/key"}, []string{"no such file"}},
		{[]string{"keys", "create", "--passphrase", "secret"}, []string{"unknown flag --passphrase"}},
		{[]string{"keys", "create", "--passphrase-file", "/nonexistent/secret"}, []string{"--passphrase-file", "no such file"}},
		{[]string{"keys", "create"}, []string{"no passphrase", "--passphrase-file FILE", "POCKET_PASSPHRASE"}},
		{[]string{"localnet", "--output", "\x1b[31m\n" + strings.Repeat("x", 500)}, []string{"--output"}},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			code, stdout, stderr := pocket(t, test.args...)
			if code != command.ExitUsage || stdout != "" {
				t.Errorf("exit code %d, stdout %q", code, stdout)
			}
			if strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "pocket: ") || len(stderr) > 400 || strings.Contains(stderr, "\x1b") {
				t.Errorf("stderr is not one plain line: %q", stderr)
			}
			for _, want := range test.says {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr %q does not say %q", stderr, want)
				}
			}
		})
	}
}

func relayArgs(address, payload string) []string {
	return []string{"relay", "--application", address, "--servicer", address, "--chain", "0001", "--payload", payload}
}

func TestHelpGoesToStandardOutput(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}, {"help"}, {"localnet", "--help"}, {"help", "relay"}, {"query", "session", "-h"}} {
		code, stdout, stderr := pocket(t, args...)
		if code != command.ExitOK || stderr != "" || !strings.Contains(stdout, "Usage:") {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
}

func TestVersion(t *testing.T) {
	code, stdout, stderr := pocket(t, "version")
	if code != command.ExitOK || !strings.HasPrefix(stdout, "pocket ") || strings.Count(stdout, "\n") != 1 || stderr != "" {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// restArgs are those of a REST relay.
func restArgs(address, path string) []string {
	return []string{"relay", "--application", address, "--servicer", address, "--chain", "0001", "--path", path}
}
