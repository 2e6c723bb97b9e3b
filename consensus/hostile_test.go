package consensus

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
)

// crowdKey returns the key of one of the attackers' accounts.
func crowdKey(i int) crypto.PrivateKey {
	return crypto.KeyFromSeed([32]byte{0xff, byte(i), byte(i >> 8)})
}

// four starts a chain of four validators that name each other as peers.
func four(t *testing.T, crowd int) []*runner {
	t.Helper()
	g := testGenesis(t, "chain", stake, stake, stake, stake)
	for i := range crowd {
		g.Accounts = append(g.Accounts, &types.Account{Address: crowdKey(i).Address(), BalanceUpokt: pokt})
	}
	ports := make([]int, 4)
	for i := range ports {
		ports[i] = freePort(t)
	}
	nodes := make([]*runner, len(ports))
	for i := range nodes {
		config := Config{Home: t.TempDir(), Genesis: g, ValidatorKey: key(byte(i + 1)), BlockTime: 400 * time.Millisecond,
			Listen: fmt.Sprintf("127.0.0.1:%d", ports[i])}
		for j, port := range ports[:i] {
			config.Peers = append(config.Peers, peer(key(byte(j+1)), port))
		}
		nodes[i] = start(t, config, newMemoryState())
	}
	for _, node := range nodes {
		node.awaitHeight(3)
	}
	return nodes
}

// flood hands in transactions at each node, over and over until the context ends, and counts those that are admitted.
func flood(ctx context.Context, nodes []*runner, txs [][][]byte) *atomic.Int64 {
	admitted := new(atomic.Int64)
	for i, node := range nodes {
		go func() {
			for ctx.Err() == nil {
				for _, raw := range txs[i] {
					if ctx.Err() != nil {
						return
					}
					if _, err := node.Broadcast(ctx, raw, false); err == nil {
						admitted.Add(1)
					}
				}
				select {
				case <-ctx.Done():
				case <-time.After(50 * time.Millisecond):
				}
			}
		}()
	}
	return admitted
}

// hostile returns a transaction of the crowd: tiny ones that pay, in versions that exclude each other, or tiny or large
// ones of which the first is missing.
func hostile(t *testing.T, number int, sequence, version uint64, pays bool) []byte {
	t.Helper()
	body := &types.Transaction{ChainId: "chain", Sequence: sequence, FeeUpokt: 10_000}
	send(body)
	switch {
	case pays:
		body.GetSend().AmountUpokt = 1 + version
	case number < 2:
		body.Message = &types.Transaction_ChangeParameter{ChangeParameter: &types.ChangeParameter{
			Parameter: "qos.distribution", Value: &types.ChangeParameter_Text{Text: strings.Repeat("x", 15<<10)}}}
	}
	if !pays && sequence == 0 {
		body.Sequence = 63
	}
	raw, err := transaction.Seal(crowdKey(number), body)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Four validators under the attacks that stopped the chain, handed in at all of them at once and again all the time:
// honest transactions at the minimum fee are in one of the next two blocks.
func TestFourValidatorsUnderAttack(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("four nodes under load")
	}
	const never, paying = 84, 20
	nodes := four(t, never+paying)
	attack := make([][][]byte, len(nodes))
	for i := range never + paying {
		for sequence := range uint64(64) {
			for at := range nodes {
				attack[at] = append(attack[at], hostile(t, i, sequence, uint64(at), i >= never))
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	admitted := flood(ctx, nodes, attack)
	nodes[0].awaitHeight(6)
	var waiting sync.WaitGroup
	for i := range nodes {
		waiting.Go(func() {
			for sequence := range uint64(3) {
				raw := tx(t, byte(i+5), sequence, send)
				head, _ := nodes[i].Heads().Latest()
				receipt, err := nodes[i].Broadcast(ctx, raw, true)
				if err != nil || receipt.Code != 0 {
					t.Errorf("node %d: %+v, %v", i, receipt, err)
					return
				}
				// The block that is being agreed on does not count: it was proposed already.
				if blocks := receipt.Height - head.Height - 1; blocks > 2 {
					t.Errorf("node %d: in block %d, handed in at height %d", i, receipt.Height, head.Height)
				}
			}
		})
	}
	waiting.Wait()
	if admitted.Load() == 0 {
		t.Error("nothing of the attack was admitted, so it tests nothing")
	}
	cancel()
	// What cannot run leaves every node.
	deadline := time.After(patience)
	for _, node := range nodes {
		for node.node.Mempool().Size() > 0 {
			select {
			case <-node.heads:
			case <-deadline:
				t.Fatalf("%d transactions stay", node.node.Mempool().Size())
			}
		}
	}
	for _, node := range nodes {
		node.stop()
	}
}
