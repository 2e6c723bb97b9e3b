package consensus_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/pocket-fisherman/fisherman/consensus"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
)

// A block's transactions are read back from it, by height and by hash alone.
func TestBlocksAndTransactions(t *testing.T) {
	t.Parallel()
	l := startLive(t)
	l.await("the chain to be level", func(int64) bool { return l.engine.Ready() == nil })
	never, err := transaction.Seal(key(4), &types.Transaction{ChainId: "chain", FeeUpokt: 10_000, Message: &types.Transaction_Unstake{
		Unstake: &types.Unstake{Type: types.ActorType_ACTOR_TYPE_SERVICER}}})
	if err != nil {
		t.Fatal(err)
	}
	sent, err := transaction.Seal(key(3), &types.Transaction{ChainId: "chain", FeeUpokt: 10_000, Message: &types.Transaction_Send{
		Send: &types.Send{Recipient: key(1).Address(), AmountUpokt: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := l.engine.Broadcast(t.Context(), sent, true)
	if err != nil || receipt.Height == 0 {
		t.Fatalf("%+v, %v", receipt, err)
	}
	latest := l.await("a block behind it", func(height int64) bool { return height > receipt.Height })
	block, err := l.engine.Block(receipt.Height)
	if err != nil || block.Height != receipt.Height || block.Transactions != 1 || block.Proposer != key(1).Address() ||
		len(block.Hash) != 32 || block.Time.IsZero() {
		t.Errorf("%+v, %v", block, err)
	}
	after, err := l.engine.Block(receipt.Height + 1)
	if err != nil || after.Transactions != 0 || bytes.Equal(after.AppHash, block.AppHash) || bytes.Equal(after.Hash, block.Hash) {
		t.Errorf("%+v, %v", after, err)
	}
	if _, err := l.engine.Block(1 << 40); !errors.Is(err, modules.ErrHeightUnavailable) {
		t.Errorf("ahead: %v", err)
	}
	for _, height := range []int64{0, receipt.Height} {
		found, err := l.engine.Transaction(t.Context(), receipt.Hash, height, latest)
		if err != nil || !bytes.Equal(found.Raw, sent) || found.Height != receipt.Height || found.Code != 0 || found.Log != "" {
			t.Errorf("at %d: %+v, %v", height, found, err)
		}
	}
	other := sha256.Sum256(never)
	for _, height := range []int64{0, 1} {
		if _, err := l.engine.Transaction(t.Context(), other[:], height, latest); !errors.Is(err, consensus.ErrUnknownTransaction) {
			t.Errorf("unknown at %d: %v", height, err)
		}
	}
	if _, err := l.engine.Transaction(t.Context(), other[:], 1<<40, latest); !errors.Is(err, modules.ErrHeightUnavailable) {
		t.Errorf("ahead: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.engine.Transaction(ended, receipt.Hash, 0, latest); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
	if err := l.engine.Ready(); err != nil {
		t.Error(err)
	}
}
