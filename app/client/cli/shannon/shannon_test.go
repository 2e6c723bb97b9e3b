package shannon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/network/shannon/chaintest"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

const (
	service = "eth"
	height  = 103
	// planted is in the URL of each node, and must not be shown.
	planted = "planted-key"
)

// network is a fake node, and suppliers with RelayMiners.
type network struct {
	t        *testing.T
	state    *chaintest.State
	node     *chaintest.Node
	miners   map[string]*chaintest.Miner
	now      time.Time
	keystore map[string]*protocol.PrivateKey
}

func newNetwork(t *testing.T, suppliers ...string) *network {
	n := &network{t: t, state: chaintest.NewState(service), node: chaintest.New(t, "pocket", height), miners: make(map[string]*chaintest.Miner),
		keystore: map[string]*protocol.PrivateKey{"watcher": chaintest.Key("gateway"), "stranger": chaintest.Key("stranger"), "owner": chaintest.Key("application")},
		// Block n of the fake node is n minutes after that of height 0.
		now: time.Unix(1_790_000_000, 0).Add((height + 1) * time.Minute)}
	n.node.Serve(n.state.Answer)
	for _, name := range suppliers {
		miner := &chaintest.Miner{Key: chaintest.Key(name)}
		server := httptest.NewServer(http.HandlerFunc(miner.ServeHTTP))
		t.Cleanup(server.Close)
		n.miners[name] = miner
		n.state.AddSupplier(name, "owner of "+name, server.URL+"/relay")
	}
	return n
}

// rpc is the node's URL, with a key.
func (n *network) rpc() string {
	return strings.Replace(n.node.URL, "http://", "http://"+planted+":x@", 1) + "/" + planted
}

func (n *network) address(name string) string { return chaintest.Key(name).Address() }

// run runs a command with the flags that say where the network is, and whose keys are there.
func (n *network) run(args ...string) (command.ExitCode, string, string) {
	n.t.Helper()
	return n.runAt(append(args, "--rpc", n.rpc(), "--application", n.address("application"), "--service", service)...)
}

func (n *network) runAt(args ...string) (command.ExitCode, string, string) {
	n.t.Helper()
	code, stdout, stderr := commandtest.Pocket(n.t, func(io command.Streams) *cobra.Command {
		return newCommand(surroundings{io: io, now: func() time.Time { return n.now }, find: n.find, open: n.open})
	}, append([]string{"shannon"}, args...)...)
	if strings.Contains(stdout+stderr, planted) {
		n.t.Errorf("%v: the key of a node is shown:\n%s%s", args, stdout, stderr)
	}
	if code != command.ExitOK && (strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "pocket: ")) {
		n.t.Errorf("%v: not one line: %q", args, stderr)
	}
	return code, stdout, stderr
}

func (n *network) find(_ command.Streams, a *access) (string, error) {
	if key := n.keystore[a.signer]; key != nil {
		return key.Address(), nil
	}
	return "", errors.New("no such key")
}

func (n *network) open(_ context.Context, _ command.Streams, a *access) (*protocol.PrivateKey, error) {
	if key := n.keystore[a.signer]; key != nil {
		return key, nil
	}
	return nil, command.Fail(command.ExitNotFound, "no such key")
}

// relay asks a supplier, as a signer.
func (n *network) relay(supplier, signer string, more ...string) (command.ExitCode, string, string) {
	n.t.Helper()
	return n.run(append([]string{"relay", "--supplier", n.address(supplier), "--signer", signer, "--allow-private"}, more...)...)
}

var question = []string{"--payload", `{"jsonrpc":"2.0","id":7,"method":"eth_blockNumber"}`}

func TestSession(t *testing.T) {
	n := newNetwork(t, "a", "b", "c")
	n.state.Change(func() { n.state.Keyless[n.address("c")] = true })
	code, stdout, stderr := n.run("session", "--output", "json")
	if code != command.ExitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var view sessionView
	if err := json.Unmarshal([]byte(stdout), &view); err != nil {
		t.Fatal(err)
	}
	// A session of 10 blocks of a minute, 2 of 3 suppliers with a key, 22 uPOKT a relay.
	want := costView{ComputeUnits: 10, Relay: 22, Check: 44, Checks: 10, Paid: 10, Session: 440, SessionsPerDay: 144, Day: 63360}
	if view.Cost != want {
		t.Errorf("cost %+v, want %+v", view.Cost, want)
	}
	if view.StartHeight != 101 || view.EndHeight != 110 || view.ChainID != "pocket" || view.Stake != 100_000_000 || view.MinStake != 1_000_000 {
		t.Errorf("%+v", view)
	}
	if len(view.Signers) != 2 || view.Signers[0] != n.address("application") || view.Signers[1] != n.address("gateway") {
		t.Errorf("signers %q", view.Signers)
	}
	if len(view.Suppliers) != 3 || view.Suppliers[0].Owner != n.address("owner of a") || view.Suppliers[0].Stake != 60_000_000 ||
		!view.Suppliers[0].HasKey || view.Suppliers[2].HasKey || !strings.HasSuffix(view.Suppliers[1].URL, "/relay") {
		t.Errorf("%+v", view.Suppliers)
	}
	code, stdout, _ = n.run("session")
	for _, said := range []string{n.address("a"), "22 uPOKT a relay", "63 360 a day of 144 sessions", "about 8m0s left", "STAKE", "60 000 000"} {
		if code != command.ExitOK || !strings.Contains(stdout, said) {
			t.Errorf("exit code %d, no %q in\n%s", code, said, stdout)
		}
	}
}

// A node tells of a block before it has the state after it.
func TestStateOfTheNewestBlockIsWaitedFor(t *testing.T) {
	n := newNetwork(t, "a", "b", "c")
	var asked atomic.Int64
	n.node.Serve(func(path string, data []byte, height int64) chaintest.Answer {
		if asked.Add(1) < 4 {
			return chaintest.Answer{Code: 26, Codespace: "sdk", Log: "cannot query with height in the future"}
		}
		return n.state.Answer(path, data, height)
	})
	if code, _, stderr := n.run("session"); code != command.ExitOK {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// What a stranger staked does not reach the terminal as it is.
func TestSessionOfStrangersURLs(t *testing.T) {
	n := newNetwork(t)
	n.state.AddSupplier("a", "a", "https://a.example/\x1b[31m\n"+strings.Repeat("x", 1000))
	n.state.AddSupplier("b", "", "")
	code, stdout, stderr := n.run("session")
	if code != command.ExitOK || strings.ContainsAny(stdout, "\x1b") || strings.Contains(stdout, strings.Repeat("x", 200)) || !strings.Contains(stdout, "no endpoint of the kind") {
		t.Errorf("exit code %d, %s\n%q", code, stderr, stdout)
	}
}

// Why there is no session is one line, with what to do.
func TestNoSession(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(n *network)
		args   []string
		code   command.ExitCode
		says   []string
	}{
		{name: "not staked", change: func(n *network) { n.state.Application = nil }, code: command.ExitNotFound, says: []string{"is not staked", "stake-application"}},
		{name: "another service", change: func(n *network) {
			n.state.Units["poly"] = 1
			n.state.Application.ServiceConfigs[0].ServiceId = "poly"
		}, code: command.ExitNotFound, says: []string{"staked for another service"}},
		{name: "unknown service", change: func(n *network) {
			delete(n.state.Units, service)
			n.state.Application.ServiceConfigs[0].ServiceId = "x"
		},
			code: command.ExitNotFound, says: []string{"the service does not exist"}},
		{name: "no suppliers", change: func(n *network) { n.state.Suppliers = nil }, code: command.ExitNotFound, says: []string{"no supplier is active", "next session"}},
		{name: "behind", change: func(n *network) { n.node.Break(chaintest.Faults{CatchingUp: true}) }, code: command.ExitUnreachable, says: []string{"it is behind"}},
		{name: "another chain", change: func(*network) {}, args: []string{"--chain-id", "pocket-beta"}, code: command.ExitUnreachable, says: []string{"another chain", "pocket-beta"}},
		{name: "down", change: func(n *network) { n.node.Break(chaintest.Faults{Down: true}) }, code: command.ExitUnreachable, says: []string{"does not answer", "26657"}},
		{name: "no JSON", change: func(n *network) { n.node.Break(chaintest.Faults{Raw: []byte("<html>" + planted)}) }, code: command.ExitUnreachable, says: []string{"cannot be read"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := newNetwork(t, "a")
			n.state.Change(func() { test.change(n) })
			code, stdout, stderr := n.run(append([]string{"session"}, test.args...)...)
			if code != test.code || stdout != "" {
				t.Errorf("exit code %d, want %d; %q", code, test.code, stdout)
			}
			for _, said := range test.says {
				if !strings.Contains(stderr, said) {
					t.Errorf("no %q in %s", said, stderr)
				}
			}
			if code, stdout, _ := n.run(append([]string{"doctor", "--signer", "watcher"}, test.args...)...); code != command.ExitUnfit || !strings.Contains(stdout, "fail ") {
				t.Errorf("doctor: exit code %d\n%s", code, stdout)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	n := newNetwork(t, "a")
	application := n.address("application")
	config := filepath.Join(t.TempDir(), "fisherman.yaml")
	if err := os.WriteFile(config, []byte("groups:\n  - name: a\n    chain: evm\n    targets:\n      - {name: one, url: 'https://a.example'}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"session"}, "needs --rpc and --application and --service"},
		{[]string{"session", "--rpc", "ftp://" + planted, "--application", application, "--service", service}, "RPC endpoint 1"},
		{[]string{"session", "--rpc", planted, "--application", application, "--service", service}, "RPC endpoint 1"},
		{[]string{"session", "--rpc", "http://x", "--application", application + "x", "--service", service}, "--application"},
		{[]string{"session", "--rpc", "http://x", "--application", application, "--service", "a b"}, "--service"},
		{[]string{"session", "--group", "a"}, "--config"},
		{[]string{"session", "--config", config, "--service", service}, "--config and --service exclude each other"},
		{[]string{"session", "--config", config}, "no group with the key 'shannon'"},
		{[]string{"session", "--config", filepath.Join(t.TempDir(), "absent")}, ""},
		{[]string{"doctor", "--rpc", "http://x", "--application", application, "--service", service, "--rpc-type", "grpc"}, "--rpc-type"},
		{append([]string{"relay", "--signer", strings.Repeat("ab", 32), "--supplier", application, "--rpc", "http://x", "--application", application, "--service", service}, question...), "a key must not be an argument"},
		{append([]string{"relay", "--rpc", "http://x", "--application", application, "--service", service}, question...), "--supplier"},
		{[]string{"relay", "--rpc", "http://x", "--application", application, "--service", service, "--supplier", application}, "--payload"},
		{append([]string{"relay", "--rpc", "http://x", "--application", application, "--service", service, "--supplier", application}, question...), "--signer"},
	} {
		code, stdout, stderr := commandtest.Pocket(t, New, append([]string{"shannon"}, test.args...)...)
		if code != command.ExitUsage || stdout != "" || !strings.Contains(stderr, test.says) || strings.Contains(stderr, planted) || strings.Contains(stderr, "abab") {
			t.Errorf("%v: exit code %d, %q, %s", test.args, code, stdout, stderr)
		}
	}
}

func TestRelay(t *testing.T) {
	n := newNetwork(t, "a")
	for _, signer := range []string{"watcher", "owner"} {
		code, stdout, stderr := n.relay("a", signer, append(question, "--output", "json")...)
		var view relayView
		if err := json.Unmarshal([]byte(stdout), &view); err != nil || code != command.ExitOK {
			t.Fatalf("exit code %d, %v: %s", code, err, stderr)
		}
		if view.Outcome != "OK" || !view.Verified || !view.Bound || view.Cost != 22 || view.Status != 200 || view.Owner != n.address("owner of a") ||
			view.Connect == nil || view.RoundTrip == nil || view.FirstByte == nil || *view.RoundTrip < *view.FirstByte {
			t.Errorf("%s", stdout)
		}
		var answer struct {
			ID     int    `json:"id"`
			Result string `json:"result"`
		}
		if err := json.Unmarshal(view.Answer, &answer); err != nil || answer.ID != 7 || answer.Result != "0x2a" {
			t.Errorf("answer %s: %v", view.Answer, err)
		}
	}
	code, stdout, _ := n.relay("a", "watcher", question...)
	for _, said := range []string{"22 uPOKT, settled", "round trip", "the supplier's (verified)", "verified by its id", `"result":"0x2a"`} {
		if code != command.ExitOK || !strings.Contains(stdout, said) {
			t.Errorf("exit code %d, no %q in\n%s", code, said, stdout)
		}
	}
	// Nothing tells which request a REST answer is to.
	n.miners["a"].Change(func(m *chaintest.Miner) { m.Body = []byte("plain") })
	code, stdout, _ = n.relay("a", "watcher", "--path", "/status")
	if code != command.ExitOK || !strings.Contains(stdout, "unbound") || !strings.Contains(stdout, `"plain"`) {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
}

// What does not verify is no answer, and says whom that speaks against.
func TestRelayRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(n *network)
		signer string
		code   command.ExitCode
		says   []string
		out    []string
	}{
		{name: "signed by another", change: func(n *network) { n.miners["a"].Change(func(m *chaintest.Miner) { m.Key = chaintest.Key("b") }) }, code: command.ExitUntrusted,
			says: []string{"BAD_SIGNATURE"}, out: []string{"SERVICER", "22 uPOKT at most"}},
		{name: "replayed", change: func(n *network) { n.miners["a"].Change(func(m *chaintest.Miner) { m.Replay = true }) }, code: command.ExitUntrusted, says: []string{"WRONG_BINDING"}},
		{name: "no JSON-RPC", change: func(n *network) { n.miners["a"].Change(func(m *chaintest.Miner) { m.Body = []byte("<html>") }) }, code: command.ExitUntrusted, says: []string{"MALFORMED"}},
		{name: "stake used up", change: func(n *network) {
			n.miners["a"].Change(func(m *chaintest.Miner) {
				m.Refuse = &protocol.RelayMinerError{Codespace: []byte("relayer_proxy"), Code: 7, Message: []byte("limit\x1b[1m")}
			})
		}, code: command.ExitUntrusted, says: []string{"VOID"}, out: []string{"relayer_proxy/7, which nobody has signed", "SELF"}},
		{name: "not in the ring", change: func(*network) {}, signer: "stranger", code: command.ExitUsage, says: []string{"not in the application's ring", "delegate-to-gateway"}},
		{name: "no such key", change: func(*network) {}, signer: "nobody", code: command.ExitNotFound, says: []string{"no such key"}},
		{name: "not in the session", change: func(n *network) { n.state.Suppliers[0].OperatorAddress = n.address("b") }, code: command.ExitNotFound, says: []string{"is not in session"}},
		{name: "no key", change: func(n *network) { n.state.Keyless[n.address("a")] = true }, code: command.ExitUntrusted, says: []string{"no public key", "nothing was sent"}},
		{name: "malformed URL", change: func(n *network) { n.state.Suppliers[0].Services[0].Endpoints[0].Url = "gopher://a\x1b[1m" }, code: command.ExitUntrusted, says: []string{"staked URL", "nothing was sent"}},
		{name: "other kind", change: func(n *network) {
			n.state.Suppliers[0].Services[0].Endpoints[0].RpcType = protocol.RPCType_RPC_TYPE_GRPC
		}, code: command.ExitUntrusted, says: []string{"--rpc-type"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := newNetwork(t, "a")
			n.state.Change(func() { test.change(n) })
			if test.signer == "" {
				test.signer = "watcher"
			}
			code, stdout, stderr := n.relay("a", test.signer, question...)
			if code != test.code || strings.Contains(stdout, "0x2a") || strings.Contains(stdout+stderr, "\x1b") {
				t.Errorf("exit code %d, want %d\n%s%s", code, test.code, stdout, stderr)
			}
			for _, said := range test.says {
				if !strings.Contains(stderr, said) {
					t.Errorf("no %q in %s", said, stderr)
				}
			}
			for _, said := range test.out {
				if !strings.Contains(stdout, said) {
					t.Errorf("no %q in %s", said, stdout)
				}
			}
		})
	}
	// Without --allow-private nothing is sent to this machine, and nothing spent.
	n := newNetwork(t, "a")
	code, stdout, stderr := n.run(append([]string{"relay", "--supplier", n.address("a"), "--signer", "watcher", "--output", "json"}, question...)...)
	var view relayView
	if err := json.Unmarshal([]byte(stdout), &view); err != nil || code != command.ExitUntrusted || view.Cost != 0 || view.Outcome != "CONNECT" {
		t.Errorf("exit code %d, %v: %s%s", code, err, stdout, stderr)
	}
}

func (n *network) doctor(args ...string) (command.ExitCode, *findings) {
	n.t.Helper()
	code, stdout, stderr := n.run(append([]string{"doctor", "--allow-private", "--output", "json"}, args...)...)
	var read struct {
		Failures, Warnings int
		Findings           []struct{ Status, Check, Subject, Says, Do string }
	}
	if err := json.Unmarshal([]byte(stdout), &read); err != nil {
		n.t.Fatalf("exit code %d, %v: %s", code, err, stderr)
	}
	found := &findings{Failures: read.Failures, Warnings: read.Warnings}
	for _, one := range read.Findings {
		status := map[string]grade{"ok": good, "warn": warning, "fail": failure}[one.Status]
		if status != good && one.Do == "" {
			n.t.Errorf("%s says nothing of what to do: %s", one.Check, one.Says)
		}
		found.Findings = append(found.Findings, finding{Status: status, Check: one.Check, Subject: one.Subject, Says: one.Says, Do: one.Do})
	}
	return code, found
}

func TestDoctorFindsNothing(t *testing.T) {
	n := newNetwork(t, "a", "b", "c")
	code, found := n.doctor("--signer", "watcher", "--chain-id", "pocket")
	if code != command.ExitOK || found.Failures+found.Warnings != 0 {
		t.Fatalf("exit code %d: %+v", code, found)
	}
	looked := make(map[string]int)
	for _, one := range found.Findings {
		looked[one.Check]++
	}
	if fmt.Sprint(looked) != "map[application:1 budget:1 node:1 service:1 session:1 signer:1 stake:1 supplier:3]" {
		t.Errorf("looked at %v", looked)
	}
	for name, miner := range n.miners {
		if miner.Relays() > 0 {
			t.Errorf("%s got a relay", name)
		}
	}
	if says := found.Findings[0].Says; found.Findings[0].Check != lookNode || !strings.Contains(says, "the only one") {
		t.Errorf("of a node without another it says %q", says)
	}
}

func TestDoctorFinds(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(n *network)
		args   []string
		check  string
		status grade
		says   string
	}{
		{name: "stranger's key", change: func(*network) {}, args: []string{"--signer", "stranger"}, check: lookSigner, status: failure, says: "neither the application nor a gateway"},
		{name: "no key", change: func(*network) {}, args: []string{"--signer", "nobody"}, check: lookSigner, status: failure, says: "no such key"},
		{name: "no signer", change: func(*network) {}, args: []string{"--signer", ""}, check: lookSigner, status: warning, says: "not looked at"},
		{name: "undelegated", change: func(n *network) {
			n.state.Application.DelegateeGatewayAddresses = nil
			n.state.Application.PendingUndelegations = map[uint64]*protocol.UndelegatingGatewayList{110: {GatewayAddresses: []string{n.address("gateway")}}}
		}, check: lookSigner, status: failure, says: "has left"},
		{name: "no gateway", change: func(n *network) { n.state.Application.DelegateeGatewayAddresses = nil }, args: []string{"--signer", "owner"}, check: lookApplication, status: warning, says: "no gateway"},
		{name: "unstaking", change: func(n *network) { n.state.Application.UnstakeSessionEndHeight = 110 }, check: lookApplication, status: failure, says: "unstakes"},
		{name: "no key of the application", change: func(n *network) { n.state.Keyless[n.address("application")] = true }, check: lookApplication, status: failure, says: "no public key"},
		{name: "below the least", change: func(n *network) { n.state.MinStake = "100000001" }, check: lookStake, status: failure, says: "below the least"},
		{name: "near the least", change: func(n *network) { n.state.MinStake = "99900000" }, check: lookStake, status: warning, says: "100 000 uPOKT above the least"},
		{name: "small allowance", change: func(n *network) { n.state.Application.Stake = chaintest.Upokt("600"); n.state.MinStake = "1" }, check: lookBudget, status: warning, says: "suppliers serve 9 relays"},
		{name: "one owner", change: func(n *network) {
			for _, supplier := range n.state.Suppliers {
				supplier.OwnerAddress = n.state.Suppliers[0].GetOwnerAddress()
			}
		}, check: lookSession, status: warning, says: "of 1 owners"},
		{name: "supplier down", change: func(n *network) { n.state.Suppliers[1].Services[0].Endpoints[0].Url = "http://127.0.0.1:1" }, check: lookSupplier, status: warning, says: "127.0.0.1:1"},
		{name: "supplier without a key", change: func(n *network) { n.state.Keyless[n.address("b")] = true }, check: lookSupplier, status: warning, says: "no public key"},
		{name: "malformed URL", change: func(n *network) { n.state.Suppliers[1].Services[0].Endpoints[0].Url = "\x1b[1m://" }, check: lookSupplier, status: warning, says: "://"},
		{name: "halted", change: func(n *network) { n.now = n.now.Add(time.Hour) }, check: lookNode, status: failure, says: "old"},
		{name: "our clock", change: func(n *network) { n.now = n.now.Add(-time.Hour) }, check: lookNode, status: warning, says: "ahead"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := newNetwork(t, "a", "b", "c")
			n.state.Change(func() { test.change(n) })
			args := test.args
			if args == nil {
				args = []string{"--signer", "watcher"}
			}
			code, found := n.doctor(args...)
			if want := map[bool]command.ExitCode{true: command.ExitUnfit}[test.status == failure]; code != want {
				t.Errorf("exit code %d, want %d", code, want)
			}
			for _, one := range found.Findings {
				if one.Check == test.check && one.Status == test.status && strings.Contains(one.Says, test.says) {
					return
				}
			}
			t.Errorf("not found: %+v", found.Findings)
		})
	}
}

// Where no supplier can be reached, this machine is in doubt.
func TestDoctorFindsThatNobodyIsReached(t *testing.T) {
	n := newNetwork(t, "a", "b", "c")
	code, stdout, _ := n.run("doctor", "--signer", "watcher")
	if code != command.ExitUnfit || !strings.Contains(stdout, "fail  supplier: none can be reached from here; ") || strings.Count(stdout, "warn  supplier pokt1") != 3 {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
}

// The keystore's key signs, by its label or address; one of our own chain does not.
func TestSignerOfTheKeystore(t *testing.T) {
	n := newNetwork(t, "a")
	directory, passphrase := filepath.Join(t.TempDir(), "keys"), filepath.Join(t.TempDir(), "passphrase")
	if err := os.WriteFile(passphrase, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	store := keystore.New(directory, commandtest.Keys)
	if _, err := store.PutAccount(chaintest.Key("gateway"), "watcher", "secret"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(crypto.KeyFromSeed([32]byte{1}), "other", "secret"); err != nil {
		t.Fatal(err)
	}
	ask := func(what string, flags ...string) (command.ExitCode, string) {
		args := append([]string{"shannon", what, "--rpc", n.node.URL, "--application", n.address("application"), "--service", service, "--allow-private", "--keys", directory}, flags...)
		code, stdout, stderr := commandtest.Pocket(t, New, args...)
		return code, stdout + stderr
	}
	for signer, want := range map[string]command.ExitCode{"watcher": command.ExitOK, n.address("gateway"): command.ExitOK, "nobody": command.ExitNotFound,
		n.address("stranger"): command.ExitNotFound, "other": command.ExitUsage} {
		code, said := ask("relay", append(question, "--signer", signer, "--supplier", n.address("a"), "--passphrase-file", passphrase)...)
		if code != want {
			t.Errorf("%s: exit code %d, want %d: %s", signer, code, want, said)
		}
		_, said = ask("doctor", "--signer", signer) // without a passphrase
		if found := strings.Contains(said, "ok    signer: "+n.address("gateway")); found != (want == command.ExitOK) {
			t.Errorf("doctor, %s:\n%s", signer, said)
		}
	}
}

// A group of a configuration has all that flags have.
func TestConfiguration(t *testing.T) {
	n := newNetwork(t, "a", "b", "c")
	config := filepath.Join(t.TempDir(), "fisherman.yaml")
	group := func(name, more string) string {
		return fmt.Sprintf("  - name: %s\n    chain: evm\n    interval: 2m\n    shannon:\n      rpc: ['%s']\n      application: %s\n      service: %s\n      signer: watcher\n      allow_private: true\n%s",
			name, n.node.URL+"/"+planted, n.address("application"), name, more)
	}
	write := func(groups ...string) {
		if err := os.WriteFile(config, []byte("groups:\n"+strings.Join(groups, "")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(group(service, "      max_upokt_per_session: 200\n"))
	code, stdout, stderr := n.runAt("session", "--config", config, "--output", "json")
	var view sessionView
	if err := json.Unmarshal([]byte(stdout), &view); err != nil || code != command.ExitOK {
		t.Fatalf("exit code %d, %v: %s", code, err, stderr)
	}
	// A check every other minute of ten, and 66 uPOKT each: 3 of 5 are paid for.
	if view.Cost.Checks != 5 || view.Cost.Paid != 3 || view.Cost.Session != 198 {
		t.Errorf("%+v", view.Cost)
	}
	if code, _, stderr := n.runAt(append([]string{"relay", "--config", config, "--supplier", n.address("a")}, question...)...); code != command.ExitOK {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if code, stdout, _ := n.runAt("doctor", "--config", config); code != command.ExitOK || !strings.Contains(stdout, "3 of 5 checks") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
	write(group(service, "      max_upokt_per_day: 3300\n"))
	// 330 a session, of which a day has 144.
	if code, stdout, _ := n.runAt("doctor", "--config", config); code != command.ExitOK || !strings.Contains(stdout, "10 of 144 sessions") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
	write(group(service, "      max_upokt_per_session: 200\n"), group("poly", "      max_upokt_per_day: 200\n"))
	if code, _, stderr := n.runAt("session", "--config", config); code != command.ExitUsage || !strings.Contains(stderr, "eth or poly") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if code, _, stderr := n.runAt("session", "--config", config, "--group", "eht"); code != command.ExitUsage || !strings.Contains(stderr, "eth, poly") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if code, _, stderr := n.runAt("session", "--config", config, "--group", service); code != command.ExitOK {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
