package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// processNet is a network of validators, each a process of its own.
type processNet struct {
	t         *testing.T
	ctx       context.Context
	directory string
	nodes     []*processNode
	// started are all that were, in order.
	started []*processNode
}

// processNode is one of them, whether it runs or not.
type processNode struct {
	home, id, p2p, api, chain string
	key                       crypto.PrivateKey
	process                   *exec.Cmd
	log                       bytes.Buffer
	ended                     chan error
}

// command is the program with arguments, as a process of this test's binary.
func (n *processNet) command(args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		n.t.Fatal(err)
	}
	command := exec.CommandContext(n.ctx, self, args...)
	command.Args[0] = "pocket"
	command.Dir = n.directory
	command.Env = append(os.Environ(), "POCKET_KEYS="+filepath.Join(n.directory, "keys"), "POCKET_PASSPHRASE=secret")
	return command
}

// pocket runs the program to its end.
func (n *processNet) pocket(input string, args ...string) []byte {
	n.t.Helper()
	command := n.command(args...)
	command.Stdin = strings.NewReader(input)
	var errs bytes.Buffer
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		n.t.Fatalf("pocket %s: %v: %s%s", strings.Join(args, " "), err, out, errs.String())
	}
	return out
}

// newProcesses has a minute for everything.
func newProcesses(t *testing.T) *processNet {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return &processNet{t: t, ctx: ctx, directory: t.TempDir()}
}

// newProcessNet prepares homes for so many validators, of which only the first are in the genesis.
func newProcessNet(t *testing.T, homes, staked int) *processNet {
	net := newProcesses(t)
	g := &genesis.Genesis{ChainId: localnet.ChainID(1), GenesisTime: timestamppb.Now(), Params: genesis.DefaultParams()}
	free := freeAddresses(t, 3*homes)
	for i := range homes {
		node := net.prepare(i, free[3*i:])
		if g.Accounts = append(g.Accounts, &types.Account{Address: node.key.Address(), BalanceUpokt: 100_000_000_000}); i < staked {
			g.Actors = append(g.Actors, &types.Actor{Type: types.ActorType_ACTOR_TYPE_VALIDATOR, Address: node.key.Address(),
				PublicKey: node.key.PublicKeyHex(), StakeUpokt: g.Params.Stake.ValidatorMinimumUpokt})
		}
	}
	data, err := g.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(net.directory, "genesis.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return net
}

// prepare makes the home of a validator and puts its key into the keystore.
func (n *processNet) prepare(i int, free []string) *processNode {
	node := &processNode{
		home: fmt.Sprintf("node-%d", i), p2p: free[0], api: free[1], chain: free[2],
		key: localnet.Key(1, types.ActorType_ACTOR_TYPE_SERVICER, i),
	}
	n.pocket(hex.EncodeToString(node.key.Bytes()[:32])+"\n", "keys", "import", "-")
	made := n.pocket("", "node", "init", "--home", node.home, "--validator", node.key.Address(), "--genesis", "genesis.json",
		"--chain-p2p-listen", node.p2p, "--chain-rpc-listen", node.chain, "--api-listen", node.api,
		"--chain-block-time", "200ms", "--log-level", "error", "--output", "json")
	var shown struct {
		NodeID string `json:"node_id"`
	}
	if err := json.Unmarshal(made, &shown); err != nil {
		n.t.Fatal(err)
	}
	node.id = shown.NodeID
	n.nodes = append(n.nodes, node)
	return node
}

// freeAddresses are different ones: all are taken before the first is given back.
func freeAddresses(t *testing.T, count int) (free []string) {
	for range count {
		listener, err := localnet.ListenLasting(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		free = append(free, listener.Addr().String())
	}
	return free
}

// start runs a node that connects to the given ones.
func (n *processNet) start(node *processNode, peers ...*processNode) {
	n.t.Helper()
	var named []string
	for _, peer := range peers {
		named = append(named, peer.id+"@"+peer.p2p)
	}
	node.process = n.command("node", "start", "--home", node.home, "--chain-peers", strings.Join(named, ","))
	node.process.Stderr = &node.log
	n.run(node)
}

// run runs a process until it ends or the test does.
func (n *processNet) run(node *processNode) {
	n.t.Helper()
	if err := node.process.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.started = append(n.started, node)
	running, ended := node.process, make(chan error, 1)
	node.ended = ended
	go func() { ended <- running.Wait() }()
	n.t.Cleanup(func() { _ = running.Process.Kill() })
}

// stop ends a node as Ctrl-C does.
func (n *processNet) stop(node *processNode) {
	n.t.Helper()
	if err := node.process.Process.Signal(os.Interrupt); err != nil {
		n.t.Error(err)
	}
	select {
	case err := <-node.ended:
		node.ended <- err
		if err != nil {
			n.t.Errorf("%s ended with %v:\n%s", node.home, err, node.log.String())
		}
	case <-time.After(5 * time.Second):
		n.t.Errorf("%s did not stop within 5 s", node.home)
	}
}

// kill ends a node without giving it a chance.
func (n *processNet) kill(node *processNode) {
	n.t.Helper()
	if err := node.process.Process.Kill(); err != nil {
		n.t.Fatal(err)
	}
	err := <-node.ended
	node.ended <- err
}

// height is a node's last committed one; 0 if it does not answer.
func (n *processNet) height(node *processNode) int64 {
	api, err := client.New("http://" + node.api)
	if err != nil {
		n.t.Fatal(err)
	}
	defer api.Close()
	status, err := api.Status(n.ctx)
	if err != nil {
		return 0
	}
	return status.Height
}

func (n *processNet) await(what string, holds func() bool) {
	n.t.Helper()
	begin, again := time.Now(), time.NewTicker(100*time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-n.ctx.Done():
			for _, node := range n.started {
				_ = node.process.Process.Kill()
				n.t.Logf("%s ended with %v:\n%s", node.home, <-node.ended, node.log.String())
			}
			n.t.Fatalf("gave up after %s: %s", time.Since(begin), what)
		}
	}
}

// signed tells whether a validator's vote is on a node's last block.
func (n *processNet) signed(node, validator *processNode) bool {
	request, err := http.NewRequestWithContext(n.ctx, http.MethodGet, "http://"+node.chain+"/commit", nil)
	if err != nil {
		n.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	var answer struct {
		Result struct {
			SignedHeader struct {
				Commit struct {
					Signatures []struct {
						Address string `json:"validator_address"`
						Value   []byte `json:"signature"`
					} `json:"signatures"`
				} `json:"commit"`
			} `json:"signed_header"`
		} `json:"result"`
	}
	if json.NewDecoder(response.Body).Decode(&answer) != nil {
		return false
	}
	for _, signature := range answer.Result.SignedHeader.Commit.Signatures {
		if strings.EqualFold(signature.Address, validator.key.Address()) && len(signature.Value) > 0 {
			return true
		}
	}
	return false
}

// TestValidatorsInProcesses: four validators make blocks, go on when one is killed, take it back, and take in a fifth
// that stakes.
func TestValidatorsInProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("five processes")
	}
	n := newProcessNet(t, 5, 4)
	first, victim, fifth := n.nodes[0], n.nodes[3], n.nodes[4]
	for i, node := range n.nodes[:4] {
		n.start(node, n.nodes[:i]...)
	}
	for _, node := range n.nodes[:4] {
		n.await(node.home+" has blocks", func() bool { return n.height(node) >= 3 })
	}

	n.kill(victim)
	killed := n.height(first)
	n.await("the chain goes on without the killed one", func() bool { return n.height(first) >= killed+5 })
	n.start(victim, n.nodes[:3]...)
	n.await("the killed one catches up and signs", func() bool {
		return n.height(victim) > killed+5 && n.signed(first, victim)
	})

	n.start(fifth, first)
	n.await("the fifth catches up", func() bool { return n.height(fifth) >= killed+5 })
	if n.signed(first, fifth) {
		t.Error("the fifth signed before it was staked")
	}
	n.pocket("", "tx", "stake", "--from", fifth.key.Address(), "--type", "validator", "--stake", "15000000000", "--wait",
		"--node", "http://"+first.api)
	n.await("the fifth signs", func() bool { return n.signed(first, fifth) })
	for _, node := range n.nodes {
		n.stop(node)
	}
}
