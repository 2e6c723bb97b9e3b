package cli

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
)

// attacked is a chain of validators that are processes.
type attacked struct {
	*processNet
	chainID string
	nodes   []*client.Client
	running []*processNode
	homes   []string
}

// startAttacked starts four validators, each on a loopback address of its own.
func startAttacked(t *testing.T) *attacked {
	const validators = 4
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	t.Cleanup(cancel)
	a := &attacked{processNet: &processNet{t: t, ctx: ctx, directory: t.TempDir()}}
	homes := filepath.Join(a.directory, "homes")
	made := a.command("localnet", "home", "--home", homes, "--validators", strconv.Itoa(validators), "--servicers", "4", "--block-time", "1s")
	if text, err := made.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	subnet := fmt.Sprintf("127.%d.%d.", 1+rand.IntN(250), rand.IntN(250))
	var names []string
	for i := range validators {
		names = append(names, fmt.Sprintf("validator-%d.validator", i), subnet+strconv.Itoa(i+1))
	}
	for i := range validators {
		home, host := filepath.Join(homes, fmt.Sprintf("validator-%d", i)), subnet+strconv.Itoa(i+1)
		path := filepath.Join(home, configs.FileName)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		replaced := strings.NewReplacer(append(names, "127.0.0.1", host)...).Replace(string(text))
		if err := os.WriteFile(path, []byte(replaced), 0o600); err != nil {
			t.Fatal(err)
		}
		api, err := client.New("http://" + host + ":50832")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(api.Close)
		a.nodes, a.homes = append(a.nodes, api), append(a.homes, home)
		a.running = append(a.running, a.start(home))
	}
	text, err := os.ReadFile(filepath.Join(a.homes[0], "genesis.json"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := genesis.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	a.chainID = g.GetChainId()
	a.reach(3)
	return a
}

func (a *attacked) start(home string) *processNode {
	node := &processNode{home: home, process: a.command("node", "start", "--home", home)}
	node.process.Stderr = &node.log
	node.process.Env = append(node.process.Env, "POCKET_KEYS="+filepath.Join(home, "keys"))
	node.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	a.run(node)
	return node
}

// reach waits until all validators have a block.
func (a *attacked) reach(height int64) {
	a.t.Helper()
	a.await(fmt.Sprintf("block %d", height), func() bool {
		for i := range a.nodes {
			if a.height(i) < height {
				return false
			}
		}
		return true
	})
}

func (a *attacked) height(at int) int64 {
	status, err := a.nodes[at].Status(a.ctx)
	if err != nil {
		return 0
	}
	return status.Height
}

func (a *attacked) sign(signer crypto.PrivateKey, sequence uint64, message *types.Transaction) []byte {
	a.t.Helper()
	message.ChainId, message.Sequence, message.FeeUpokt = a.chainID, sequence, 10_000
	raw, err := transaction.Seal(signer, message)
	if err != nil {
		a.t.Fatal(err)
	}
	return raw
}

func payment(recipient string, amount uint64) *types.Transaction {
	return &types.Transaction{Message: &types.Transaction_Send{Send: &types.Send{Recipient: recipient, AmountUpokt: amount}}}
}

// honest hands in a payment and checks that it is in one of the next two blocks after the one that is under way.
func (a *attacked) honest(at int, sequence uint64) {
	key := localnet.Key(1, types.ActorType_ACTOR_TYPE_SERVICER, at)
	raw := a.sign(key, sequence, payment(localnet.Key(1, types.ActorType_ACTOR_TYPE_FISHERMAN, 0).Address(), 1))
	before, begin := a.height(at), time.Now()
	receipt, err := a.nodes[at].Submit(a.ctx, raw, true)
	a.t.Logf("validator %d: at height %d, in block %d, after %s", at, before, receipt.Height, time.Since(begin).Round(time.Millisecond))
	if blocks := receipt.Height - before - 1; err != nil || receipt.Height == 0 || blocks > 2 {
		a.t.Errorf("validator %d: handed in at height %d: %+v, %v", at, before, receipt, err)
	}
}

// TestHostileMempool: four validator processes take honest transactions into one of the next two blocks while the
// attacks that stopped the chain go on, and after a restart of all.
func TestHostileMempool(t *testing.T) {
	if os.Getenv("POCKET_TEST_HOSTILE") == "" {
		t.Skip("a minute of four processes: make test_hostile")
	}
	a := startAttacked(t)
	const crowd = 84
	keys := make([]crypto.PrivateKey, crowd)
	rich := localnet.Key(1, types.ActorType_ACTOR_TYPE_VALIDATOR, 0)
	for i := range keys {
		keys[i] = crypto.KeyFromSeed([32]byte{0xff, byte(i)})
		// Half of them can pay once, which is what stopped the chain; the others pay for all.
		amount := uint64(10_000)
		if i >= crowd/2 {
			amount = 100_000_000
		}
		// More than may wait at once.
		a.await("an account", func() bool {
			_, err := a.nodes[0].Submit(a.ctx, a.sign(rich, uint64(i), payment(keys[i].Address(), amount)), false)
			return err == nil
		})
	}
	a.await("the attackers' accounts", func() bool {
		account, err := a.nodes[0].Account(a.ctx, keys[crowd-1].Address(), 0)
		return err == nil && account.BalanceUPOKT != "0"
	})
	a.attack(keys)
	for at, node := range a.running {
		a.kill(node)
		a.running[at] = a.start(a.homes[at])
	}
	a.reach(1)
	a.await("the chain after the restart", func() bool { return a.height(0) > 0 })
	before := a.height(0)
	a.reach(before + 2)
	for at := range a.nodes {
		a.honest(at, 3)
	}
}

// attack floods all validators while honest transactions are handed in.
func (a *attacked) attack(keys []crypto.PrivateKey) {
	ctx, cancel := context.WithCancel(a.ctx)
	defer cancel()
	var flooding, honest sync.WaitGroup
	var handedIn, admitted atomic.Int64
	for at, node := range a.nodes {
		flooding.Go(func() {
			for round := uint64(0); ; round++ {
				for raw := range a.hostile(keys, uint64(at), round) {
					if ctx.Err() != nil {
						return
					}
					handedIn.Add(1)
					if _, err := node.Submit(ctx, raw, false); err == nil {
						admitted.Add(1)
					}
				}
			}
		})
	}
	a.reach(a.height(0) + 3)
	for at := range a.nodes {
		honest.Go(func() {
			for sequence := range uint64(3) {
				a.honest(at, sequence)
			}
		})
	}
	honest.Wait()
	cancel()
	flooding.Wait()
	a.t.Logf("%d hostile transactions were handed in, %d admitted", handedIn.Load(), admitted.Load())
	if admitted.Load() == 0 {
		a.t.Error("nothing of the attack was admitted, so it tests nothing")
	}
}

// hostile yields what one validator is flooded with in a round: large and tiny transactions without their first, and
// chains of payments of which each validator gets another version.
func (a *attacked) hostile(keys []crypto.PrivateKey, at, round uint64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i, key := range keys {
			for sequence := range uint64(64) {
				message := payment(keys[0].Address(), 1+at+4*round)
				if i < 2 {
					message = &types.Transaction{Message: &types.Transaction_ChangeParameter{ChangeParameter: &types.ChangeParameter{
						Parameter: "qos.distribution", Value: &types.ChangeParameter_Text{Text: strings.Repeat("x", 15<<10-int(round))}}}}
				}
				switch pays := i >= len(keys)/2; {
				case pays:
					sequence += 64 * round
				case sequence == 0:
					continue
				}
				if !yield(a.sign(key, sequence, message)) {
					return
				}
			}
		}
	}
}
