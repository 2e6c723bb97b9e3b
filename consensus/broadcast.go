package consensus

import (
	"context"
	"errors"
	"fmt"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/mempool"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
)

// Errors that callers distinguish.
var (
	// ErrNotReady is returned when the chain does not run, or has not caught up.
	ErrNotReady = errors.New("the chain is not ready")
	// ErrKnownTransaction is returned when the same bytes were submitted before.
	ErrKnownTransaction = errors.New("the transaction was submitted before")
	// ErrMempoolFull is returned when too many transactions wait for a block.
	ErrMempoolFull = errors.New("too many transactions wait for a block")
)

// Receipt describes a submitted transaction.
type Receipt struct {
	// Hash is SHA-256 of its bytes.
	Hash []byte
	// Height of its block; 0 while no block has it.
	Height int64
	// Code and Log of its result in that block.
	Code types.TransactionCode
	Log  string
}

// Broadcast submits a transaction. If wait is true, it returns after a block has included the transaction, or with
// height 0 if the context ended first. The error is a *transaction.Refusal or wraps a sentinel.
func (e *Engine) Broadcast(ctx context.Context, raw []byte, wait bool) (Receipt, error) {
	if len(raw) > transaction.MaxBytes {
		_, err := transaction.Open(raw)
		return Receipt{}, err
	}
	if !e.gate.enter() {
		return Receipt{}, fmt.Errorf("%w: it does not run", ErrNotReady)
	}
	defer e.gate.leave()
	if e.node.ConsensusReactor().WaitSync() {
		return Receipt{}, fmt.Errorf("%w: it is catching up", ErrNotReady)
	}
	tx := cmttypes.Tx(raw)
	receipt := Receipt{Hash: tx.Hash()}
	if !wait {
		return receipt, e.handIn(ctx, tx)
	}
	subscriber := fmt.Sprintf("broadcast-%d", e.waiters.Add(1))
	committed, err := e.node.EventBus().Subscribe(ctx, subscriber, cmttypes.EventQueryTxFor(tx))
	if err != nil {
		return Receipt{}, fmt.Errorf("wait for transaction: %w", err)
	}
	defer func() { _ = e.node.EventBus().UnsubscribeAll(context.WithoutCancel(ctx), subscriber) }()
	if err := e.handIn(ctx, tx); err != nil {
		return Receipt{}, err
	}
	select {
	case message := <-committed.Out():
		if event, ok := message.Data().(cmttypes.EventDataTx); ok {
			receipt.Height = event.Height
			receipt.Code, receipt.Log = types.TransactionCode(event.Result.Code), event.Result.Log
		}
	case <-committed.Canceled():
	case <-ctx.Done():
	}
	return receipt, nil
}

// handIn adds a transaction to the mempool and returns the mempool's decision.
func (e *Engine) handIn(ctx context.Context, tx cmttypes.Tx) error {
	judged := make(chan *abci.ResponseCheckTx, 1)
	err := e.node.Mempool().CheckTx(tx, func(response *abci.ResponseCheckTx) { judged <- response }, mempool.TxInfo{})
	if _, full := errors.AsType[mempool.ErrMempoolIsFull](err); full || errors.Is(err, mempool.ErrRecheckFull) {
		return ErrMempoolFull
	}
	if errors.Is(err, mempool.ErrTxInCache) {
		return ErrKnownTransaction
	}
	if err != nil {
		return fmt.Errorf("submit transaction: %w", err)
	}
	select {
	case response := <-judged:
		switch {
		case response.Codespace == codespacePool:
			return ErrMempoolFull
		case response.Code != abci.CodeTypeOK:
			return refusalOf(response)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("submit transaction: %w", ctx.Err())
	}
}
