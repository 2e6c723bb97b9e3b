package utility_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
	"github.com/pocket-fisherman/fisherman/utility"
)

func TestPropose(t *testing.T) {
	c := newChain(t, network(), 1)
	send := func(signer byte, sequence uint64, change func(*types.Transaction)) []byte {
		tx := body(&types.Send{Recipient: key(1).Address(), AmountUpokt: 1})
		tx.Sequence = sequence
		if change != nil {
			change(tx)
		}
		raw, err := transaction.Seal(key(signer), tx)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	dear := func(tx *types.Transaction) { tx.FeeUpokt = balance - 1 }
	a0, a1, a2, a4 := send(0, 0, nil), send(0, 1, nil), send(0, 2, nil), send(0, 4, nil)
	b0 := send(2, 0, nil)
	foreign := send(3, 0, func(tx *types.Transaction) { tx.ChainId = "other" })
	all, dearest := send(4, 0, dear), send(4, 1, nil)
	const whole = 1 << 20
	tests := map[string]struct {
		waiting, want [][]byte
		maximum       int64
	}{
		"nothing":     {nil, nil, whole},
		"garbage":     {[][]byte{{}, []byte("x"), foreign, b0}, [][]byte{b0}, whole},
		"in order":    {[][]byte{a0, b0, a1}, [][]byte{a0, b0, a1}, whole},
		"reordered":   {[][]byte{a2, a1, b0, a0}, [][]byte{b0, a0, a1, a2}, whole},
		"gap":         {[][]byte{a4, a1, a0}, [][]byte{a0, a1}, whole},
		"repeated":    {[][]byte{a0, a0, a1}, [][]byte{a0, a1}, whole},
		"unpaid":      {[][]byte{all, dearest, a0}, [][]byte{all, a0}, whole},
		"no room":     {[][]byte{a0, a1, b0}, [][]byte{a0}, int64(len(a0)) + 8},
		"none at all": {[][]byte{a0}, nil, int64(len(a0)) + 7},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var pool utility.Pool
			for _, raw := range test.waiting {
				if _, err := pool.Check(c.working, 2, raw, false); err != nil {
					t.Fatal(err)
				}
			}
			got, err := pool.Propose(c.working, 2, test.maximum)
			if err != nil || !slices.EqualFunc(got, test.want, slices.Equal) {
				t.Errorf("%d transactions, %v, want %d", len(got), err, len(test.want))
			}
			for i, raw := range got {
				if result := c.deliver(t, raw); result.Code != 0 && result.Code < 100 {
					t.Errorf("transaction %d gives %v", i, result)
				}
			}
			c.working = newChain(t, network(), 1).working
		})
	}
	var pool utility.Pool
	if _, err := pool.Check(c.working, 2, a0, false); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Propose(broken{}, 2, whole); err == nil {
		t.Error("a broken store gives no error")
	}
}

// world is a chain with the mempools of two nodes, which hold in order what their pools admitted.
type world struct {
	*chain
	nodes [2]node
}

type node struct {
	pool utility.Pool
	list [][]byte
}

// check hands a transaction in at a node, and reports whether it is admitted.
func (w *world) check(t testing.TB, at int, raw []byte) (utility.Result, error) {
	t.Helper()
	n := &w.nodes[at]
	result, err := n.pool.Check(w.working, w.Latest()+1, raw, false)
	if err != nil && !errors.Is(err, utility.ErrPoolFull) {
		t.Fatal(err)
	}
	if err == nil && result.Code == 0 && !contains(n.list, raw) {
		n.list = append(n.list, raw)
	}
	return result, err
}

// block has a node propose a block, runs it, and checks again what waits on both nodes.
func (w *world) block(t testing.TB, proposer int, maximum int64) [][]byte {
	t.Helper()
	height := w.Latest() + 1
	block, err := w.nodes[proposer].pool.Propose(w.working, height, maximum)
	if err != nil {
		t.Fatal(err)
	}
	included := make(map[string]bool)
	for i, raw := range block {
		maximum -= int64(len(raw))
		if result := w.deliver(t, raw); maximum < 0 || result.Code != 0 && result.Code < 100 {
			t.Fatalf("block %d: transaction %d of %d gives %v", height, i, len(block), result)
		}
		included[string(raw)] = true
	}
	if err := utility.EndBlock(w.working, height, blockHash(height)); err != nil {
		t.Fatal(err)
	}
	w.versions = append(w.versions, nil)
	for i := range w.nodes {
		n := &w.nodes[i]
		n.pool.Commit(height)
		n.list = slices.DeleteFunc(n.list, func(raw []byte) bool {
			if included[string(raw)] {
				return true
			}
			result, err := n.pool.Check(w.working, height+1, raw, true)
			if err != nil {
				t.Fatal(err)
			}
			return result.Code != 0
		})
	}
	return block
}

func contains(list [][]byte, raw []byte) bool {
	return slices.ContainsFunc(list, func(other []byte) bool { return bytes.Equal(other, raw) })
}

// seal signs a payment with any sequence and fee.
func seal(t testing.TB, signer crypto.PrivateKey, sequence, fee uint64, recipient string, amount uint64) []byte {
	t.Helper()
	tx := body(&types.Send{Recipient: recipient, AmountUpokt: amount})
	tx.Sequence, tx.FeeUpokt = sequence, fee
	return sealed(t, signer, tx)
}

func sealed(t testing.TB, signer crypto.PrivateKey, tx *types.Transaction) []byte {
	t.Helper()
	raw, err := transaction.Seal(signer, tx)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Whatever is handed in where, a proposal can be charged, a transaction that could run when it was admitted is in the
// next two blocks of its node, and what cannot run leaves.
func TestPoolKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{chain: busy(t)}
		// promised has, for each node, the number of its blocks in which a transaction was not.
		var promised [2]map[string]int
		promised[0], promised[1] = make(map[string]int), make(map[string]int)
		const honest = 11
		w.do(t, 0, &types.Send{Recipient: key(honest).Address(), AmountUpokt: 10_000_000_000})
		rt.Repeat(map[string]func(*rapid.T){
			"hostile": func(rt *rapid.T) {
				signer := rapid.ByteRange(0, 5).Draw(rt, "signer")
				next := account(t, w.working, key(signer).Address()).Sequence
				tx := body(drawMessage(rt))
				tx.Sequence = next + rapid.Uint64Range(0, 12).Draw(rt, "ahead")
				tx.FeeUpokt = fee << rapid.IntRange(0, 5).Draw(rt, "doublings")
				if rapid.Bool().Draw(rt, "drain") {
					tx.Message = body(&types.Send{Recipient: key(0).Address(),
						AmountUpokt: account(t, w.working, key(signer).Address()).BalanceUpokt - tx.FeeUpokt}).Message
				}
				raw, err := transaction.Seal(key(signer), tx)
				if err != nil {
					rt.Fatal(err)
				}
				w.check(t, rapid.IntRange(0, 1).Draw(rt, "node"), raw)
			},
			"honest": func(rt *rapid.T) {
				at := rapid.IntRange(0, 1).Draw(rt, "node")
				next := account(t, w.working, key(honest).Address()).Sequence
				raw := seal(t, key(honest), next, fee, key(1).Address(), 1)
				result, err := w.check(t, at, raw)
				if err != nil || result.Code != 0 {
					rt.Fatalf("refused: %v, %v", result, err)
				}
				promised[at][string(raw)] += 0
			},
			"block": func(rt *rapid.T) {
				at := rapid.IntRange(0, 1).Draw(rt, "proposer")
				block := w.block(t, at, 1<<12)
				for raw, blocks := range promised[at] {
					if !contains(block, []byte(raw)) && contains(w.nodes[at].list, []byte(raw)) && blocks > 0 {
						rt.Fatal("not in two blocks")
					}
					promised[at][raw]++
				}
				for at := range promised {
					for raw := range promised[at] {
						if !contains(w.nodes[at].list, []byte(raw)) {
							delete(promised[at], raw)
						}
					}
				}
			},
			"": func(rt *rapid.T) {
				for _, n := range w.nodes {
					count := make(map[string]int)
					for _, raw := range n.list {
						signed, err := transaction.Open(raw)
						if err != nil {
							rt.Fatal(err)
						}
						if signed.Transaction.Sequence < account(t, w.working, signed.Signer).Sequence {
							rt.Fatal("one that cannot run any more is still there")
						}
						if count[signed.Signer]++; count[signed.Signer] > utility.MostPending+utility.MostGapped {
							rt.Fatal("too many of one account")
						}
					}
				}
			},
		})
	})
}

// newWorld returns a world with a number of further accounts, which have an amount each, and their keys.
func newWorld(t testing.TB, accounts int, amount uint64) (*world, []crypto.PrivateKey) {
	t.Helper()
	g := network()
	keys := make([]crypto.PrivateKey, accounts)
	for i := range keys {
		keys[i] = crypto.KeyFromSeed([32]byte{0xff, byte(i), byte(i >> 8)})
		g.Accounts = append(g.Accounts, &types.Account{Address: keys[i].Address(), BalanceUpokt: amount})
	}
	return &world{chain: newChain(t, g, 1)}, keys
}

// The attacks that stopped the chain, and their relatives: an honest transaction at the minimum fee, handed in after them,
// is in one of the next two blocks, and nobody's transactions stay for ever.
func TestAttacksOnThePool(t *testing.T) {
	const block = 1 << 20
	padded := func(raw []byte) []byte {
		envelope := new(types.Envelope)
		if err := proto.Unmarshal(raw, envelope); err != nil {
			t.Fatal(err)
		}
		signer := crypto.KeyFromSeed([32]byte{0xff})
		filler := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), strings.Repeat("x", 15<<10))
		envelope.Body = append(filler, envelope.Body...)
		envelope.Signature.Value = signer.Sign(crypto.DomainTransaction, envelope.Body)
		raw, err := proto.Marshal(envelope)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := transaction.Open(raw); err != nil {
			t.Fatal(err)
		}
		return raw
	}
	bulky := func(signer crypto.PrivateKey, sequence uint64) []byte {
		tx := body(&types.ChangeParameter{Parameter: "qos.distribution",
			Value: &types.ChangeParameter_Text{Text: strings.Repeat("x", 15<<10)}})
		tx.Sequence = sequence
		raw, err := transaction.Seal(signer, tx)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	t.Parallel()
	sink := key(1).Address()
	tests := map[string]struct {
		accounts int
		amount   uint64
		attack   func(w *world, keys []crypto.PrivateKey)
		admitted int // at most
	}{
		"two accounts, 63 of 16 kB, never the first": {2, fee, func(w *world, keys []crypto.PrivateKey) {
			for _, signer := range keys {
				for sequence := uint64(1); sequence <= 63; sequence++ {
					w.check(t, 0, bulky(signer, sequence))
				}
			}
		}, 2},
		"82 accounts, 63 tiny ones, never the first": {82, fee, func(w *world, keys []crypto.PrivateKey) {
			for _, signer := range keys {
				for sequence := uint64(1); sequence <= 63; sequence++ {
					w.check(t, 0, seal(t, signer, sequence, fee, sink, 1))
				}
			}
		}, 512},
		"82 accounts, 64 that pay": {82, 100 * fee, func(w *world, keys []crypto.PrivateKey) {
			for _, signer := range keys {
				for sequence := range uint64(64) {
					w.check(t, 0, seal(t, signer, sequence, fee, sink, 1))
				}
			}
		}, 82 + 2048 + 512},
		"82 accounts, the first takes what the others would pay with": {82, 100 * fee, func(w *world, keys []crypto.PrivateKey) {
			for _, signer := range keys {
				w.check(t, 0, seal(t, signer, 0, fee, sink, 99*fee))
				for sequence := uint64(1); sequence < 64; sequence++ {
					w.check(t, 0, seal(t, signer, sequence, fee, sink, 1))
				}
			}
		}, 82},
		"one payment many times": {1, 100 * fee, func(w *world, keys []crypto.PrivateKey) {
			for amount := range uint64(1000) {
				w.check(t, 0, seal(t, keys[0], 0, fee+amount, sink, 1+amount))
			}
		}, 1},
		"4096 accounts but one": {4095, 2 * fee, func(w *world, keys []crypto.PrivateKey) {
			for _, signer := range keys {
				w.check(t, 0, seal(t, signer, 0, fee, sink, 1))
			}
		}, 4095},
		"2000 accounts that pay double": {2000, 4 * fee, func(w *world, keys []crypto.PrivateKey) {
			for _, signer := range keys {
				w.check(t, 0, seal(t, signer, 0, 2*fee, sink, 1))
			}
		}, 2000},
		"padded": {1, 100 * fee, func(w *world, keys []crypto.PrivateKey) {
			w.check(t, 0, padded(seal(t, keys[0], 0, fee, sink, 1)))
		}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, keys := newWorld(t, test.accounts, test.amount)
			test.attack(w, keys)
			if got := len(w.nodes[0].list); got > test.admitted {
				t.Errorf("%d are admitted, more than %d", got, test.admitted)
			}
			honest := seal(t, key(2), 0, fee, sink, 1)
			if result, err := w.check(t, 0, honest); err != nil || result.Code != 0 {
				t.Fatalf("refused: %v, %v", result, err)
			}
			if first := w.block(t, 0, block); !contains(first, honest) && !contains(w.block(t, 0, block), honest) {
				t.Error("in none of the next two blocks")
			}
			for range utility.GapBlocks + 3 {
				w.block(t, 0, block)
			}
			if left := len(w.nodes[0].list); left > 0 {
				t.Errorf("%d stay", left)
			}
		})
	}
}

// When many at the minimum fee fill the pool, who offers more gets in, and comes first.
func TestPoolLetsInWhoOffersMore(t *testing.T) {
	t.Parallel()
	w, keys := newWorld(t, 4100, 2*fee)
	sink := key(1).Address()
	for _, signer := range keys {
		w.check(t, 0, seal(t, signer, 0, fee, sink, 1))
	}
	if _, err := w.check(t, 0, seal(t, key(2), 0, fee, sink, 1)); !errors.Is(err, utility.ErrPoolFull) {
		t.Errorf("one more at the minimum: %v", err)
	}
	dearer := seal(t, key(2), 0, 2*fee, sink, 1)
	if result, err := w.check(t, 0, dearer); err != nil || result.Code != 0 {
		t.Fatalf("%v, %v", result, err)
	}
	if block := w.block(t, 0, 1<<20); !bytes.Equal(block[0], dearer) {
		t.Error("it is not the first")
	}
}

// A transaction that expired with a gap is not taken from another node again, but is when its gap is filled.
func TestExpiredTransactionsStayAway(t *testing.T) {
	w, _ := newWorld(t, 0, 0)
	sink := key(1).Address()
	first, second := seal(t, key(2), 0, fee, sink, 1), seal(t, key(2), 1, fee, sink, 1)
	w.check(t, 0, second)
	for range utility.GapBlocks - 1 {
		w.block(t, 0, 1<<20)
	}
	if len(w.nodes[0].list) != 1 {
		t.Fatal("it expired early")
	}
	w.block(t, 0, 1<<20)
	if len(w.nodes[0].list) != 0 {
		t.Fatal("it did not expire")
	}
	if result, _ := w.check(t, 0, second); result.Code != types.TransactionCode_TRANSACTION_CODE_WRONG_SEQUENCE {
		t.Errorf("once more: %v", result)
	}
	w.check(t, 0, first)
	if result, _ := w.check(t, 0, second); result.Code != 0 {
		t.Errorf("after the one before it: %v", result)
	}
	if block := w.block(t, 0, 1<<20); len(block) != 2 {
		t.Errorf("%d in a block", len(block))
	}
}

// Transactions that are ready but find no block expire too; those that arrived in the wrong order do not do so early.
func TestReadyTransactionsExpire(t *testing.T) {
	w, _ := newWorld(t, 0, 0)
	sink := key(1).Address()
	for _, sequence := range []uint64{2, 1, 0} {
		w.check(t, 0, seal(t, key(2), sequence, fee, sink, 1))
	}
	for blocks := range utility.PatienceBlocks {
		if len(w.nodes[0].list) != 3 {
			t.Fatalf("%d left after %d blocks", len(w.nodes[0].list), blocks)
		}
		w.block(t, 0, 0)
	}
	for range utility.GapBlocks + 1 {
		w.block(t, 0, 0)
	}
	if left := len(w.nodes[0].list); left != 0 {
		t.Errorf("%d stay", left)
	}
}

func BenchmarkPool(b *testing.B) {
	w, keys := newWorld(b, 4096, 2*fee)
	var txs [][]byte
	for _, signer := range keys {
		txs = append(txs, seal(b, signer, 0, fee, key(1).Address(), 1))
	}
	run := func(b *testing.B, pool *utility.Pool, again bool) {
		for _, raw := range txs {
			if result, err := pool.Check(w.working, 2, raw, again); err != nil || result.Code != 0 {
				b.Fatal(result, err)
			}
		}
	}
	b.Run("check", func(b *testing.B) {
		for b.Loop() {
			run(b, new(utility.Pool), false)
		}
	})
	var pool utility.Pool
	run(b, &pool, false)
	b.Run("recheck", func(b *testing.B) {
		for b.Loop() {
			pool.Commit(1)
			run(b, &pool, true)
		}
	})
	b.Run("propose", func(b *testing.B) {
		for b.Loop() {
			if _, err := pool.Propose(w.working, 2, 1<<20); err != nil {
				b.Fatal(err)
			}
		}
	})
}
