package consensus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	sm "github.com/cometbft/cometbft/state"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// SearchedBlocks is the number of newest blocks that are searched for a transaction whose height is unknown.
const SearchedBlocks = 1000

// searches is the maximum number of concurrent searches.
const searches = 2

// ErrUnknownTransaction is returned when none of the searched blocks contains the transaction.
var ErrUnknownTransaction = errors.New("transaction is not known")

// Block describes a committed block.
type Block struct {
	Height int64
	Hash   []byte
	// Time is the block's time, agreed on by the validators.
	Time time.Time
	// Proposer is the address of the validator that proposed it.
	Proposer string
	// Transactions is the number of its transactions.
	Transactions int
	// AppHash is the hash of the state that the block starts from: that after the previous block.
	AppHash []byte
}

// Transaction is a transaction in a block.
type Transaction struct {
	Raw    []byte
	Height int64
	// Index within the block, from 0.
	Index int
	// Code and Log of its result.
	Code types.TransactionCode
	Log  string
}

// history reads what CometBFT stored. Callers hold the gate, since the databases are open only while the node runs.
type history struct {
	blocks  sm.BlockStore
	results sm.Store
	// searching bounds the searches.
	searching chan struct{}
}

func newHistory(blocks sm.BlockStore, results sm.Store) *history {
	return &history{blocks: blocks, results: results, searching: make(chan struct{}, searches)}
}

// Block returns the committed block of a height. Errors: ErrNotReady, modules.ErrHeightUnavailable.
func (e *Engine) Block(height int64) (Block, error) {
	if !e.gate.enter() {
		return Block{}, fmt.Errorf("%w: it does not run", ErrNotReady)
	}
	defer e.gate.leave()
	return e.history.block(height)
}

func (h *history) block(height int64) (Block, error) {
	if err := h.kept(height); err != nil {
		return Block{}, err
	}
	meta := h.blocks.LoadBlockMeta(height)
	if meta == nil {
		return Block{}, fmt.Errorf("block %d: %w; the newest is %d", height, modules.ErrHeightUnavailable, h.blocks.Height())
	}
	return Block{
		Height:       height,
		Hash:         meta.BlockID.Hash,
		Time:         meta.Header.Time,
		Proposer:     strings.ToLower(meta.Header.ProposerAddress.String()),
		Transactions: meta.NumTxs,
		AppHash:      meta.Header.AppHash,
	}, nil
}

// kept returns an error that names the range for a block below it.
func (h *history) kept(height int64) error {
	if base := h.blocks.Base(); height < base {
		return &modules.HeightNotKept{Height: height, Oldest: base, Newest: h.blocks.Height()}
	}
	return nil
}

// Transaction returns the transaction with a hash (SHA-256 of its bytes) from the block at a height, or, if the height
// is 0, from one of the newest SearchedBlocks up to latest. Errors: ErrNotReady, modules.ErrHeightUnavailable,
// ErrUnknownTransaction, and the context's error.
func (e *Engine) Transaction(ctx context.Context, hash []byte, height, latest int64) (Transaction, error) {
	if !e.gate.enter() {
		return Transaction{}, fmt.Errorf("%w: it does not run", ErrNotReady)
	}
	defer e.gate.leave()
	if height != 0 {
		return e.history.transactionIn(hash, height)
	}
	return e.history.search(ctx, hash, latest)
}

// search looks for a transaction from the newest block back.
func (h *history) search(ctx context.Context, hash []byte, latest int64) (Transaction, error) {
	select {
	case h.searching <- struct{}{}:
	case <-ctx.Done():
		return Transaction{}, fmt.Errorf("search transaction: %w", ctx.Err())
	}
	defer func() { <-h.searching }()
	least := max(h.blocks.Base(), latest-SearchedBlocks+1)
	for height := latest; height >= least && ctx.Err() == nil; height-- {
		if meta := h.blocks.LoadBlockMeta(height); meta == nil || meta.NumTxs == 0 {
			continue
		}
		found, err := h.transactionIn(hash, height)
		if !errors.Is(err, ErrUnknownTransaction) {
			return found, err
		}
	}
	if err := ctx.Err(); err != nil {
		return Transaction{}, fmt.Errorf("search transaction: %w", err)
	}
	return Transaction{}, fmt.Errorf("%w: it is in none of the blocks %d to %d", ErrUnknownTransaction, least, latest)
}

// transactionIn looks for a transaction in one block.
func (h *history) transactionIn(hash []byte, height int64) (Transaction, error) {
	if err := h.kept(height); err != nil {
		return Transaction{}, err
	}
	block := h.blocks.LoadBlock(height)
	if block == nil {
		return Transaction{}, fmt.Errorf("block %d: %w; the newest is %d", height, modules.ErrHeightUnavailable, h.blocks.Height())
	}
	for index, raw := range block.Txs {
		if bytes.Equal(cmttypes.Tx(raw).Hash(), hash) {
			return h.result(Transaction{Raw: raw, Height: height, Index: index})
		}
	}
	return Transaction{}, fmt.Errorf("%w: block %d does not have it", ErrUnknownTransaction, height)
}

// result adds the transaction's result.
func (h *history) result(found Transaction) (Transaction, error) {
	response, err := h.results.LoadFinalizeBlockResponse(found.Height)
	if err != nil {
		return Transaction{}, fmt.Errorf("read the results of block %d: %w", found.Height, err)
	}
	if found.Index >= len(response.TxResults) {
		return Transaction{}, fmt.Errorf("block %d has %d results, fewer than transactions", found.Height, len(response.TxResults))
	}
	result := response.TxResults[found.Index]
	found.Code, found.Log = types.TransactionCode(result.Code), result.Log
	return found, nil
}
