package consensus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/pocket-fisherman/fisherman/persistence/snapshot"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
	"github.com/pocket-fisherman/fisherman/utility"
)

const (
	// appVersion is the state machine's protocol version, part of every block header.
	appVersion = 1
	// initialHeight is the height of the first block.
	initialHeight = 1

	// codespace of result codes; those of transactions are types.TransactionCode.
	codespace = "pocket"
	// codeNoQueries refuses an ABCI query.
	codeNoQueries = 1
	logNoQueries  = "query refused: state is read through the node's HTTP API, not over ABCI"
	// codeNoInsertion refuses a transaction for an application-side mempool, which does not exist.
	codeNoInsertion = 1
	// codeEnded refuses a transaction after the end of the engine.
	codeEnded = 1

	// codespacePool of what is refused for a reason that is not the transaction's.
	codespacePool = "pool"
	// codePoolFull refuses a transaction for which there is no room.
	codePoolFull = 1
)

// application is the state machine as CometBFT calls it. CometBFT's local client calls one method at a time, so the
// only lock is the one for shutdown. It reads no clock and no randomness: time comes with the block.
type application struct {
	abci.BaseApplication
	state State
	// publish is called with every committed head.
	publish func(types.Head)
	// fail is called with an error after which no further block can be made.
	fail func(error)
	// admits answers a query of CometBFT about peers; false refuses it, and every other query.
	admits func(path string) bool
	// genesis is the state that InitChain passed; nil once the first block is committed.
	genesis *genesis.Genesis
	// finalized is the block that waits for its Commit.
	finalized *finalizedBlock
	// pool has what CometBFT's mempool has, in the order in which it can run. After a commit CometBFT checks all waiting
	// transactions again, which fills it anew.
	pool utility.Pool
	// retention removes old heights; nil keeps all.
	retention *retention
	// snapshots takes snapshots; nil takes none.
	snapshots *snapshotter
	// offered are the snapshots that peers may have; nil for none.
	offered *snapshot.Directory
	// joining is set when an empty state begins with a peer's snapshot.
	joining *joining
	// ending guards ended. Once ended is set, the state is no longer accessed: CometBFT rechecks waiting transactions
	// in a goroutine that it does not wait for when it stops.
	ending sync.Mutex
	ended  bool
}

// finalizedBlock is a block that is applied to the working state but not committed yet.
type finalizedBlock struct {
	height  int64
	hash    []byte
	time    time.Time
	appHash []byte
}

// Info returns the last committed height and hash, from which CometBFT knows what to replay.
func (a *application) Info(context.Context, *abci.RequestInfo) (*abci.ResponseInfo, error) {
	return &abci.ResponseInfo{
		Data:             "pocket",
		AppVersion:       appVersion,
		LastBlockHeight:  a.state.Version(),
		LastBlockAppHash: a.state.Hash(),
	}, nil
}

// InitChain writes the genesis into the working state. CometBFT calls it again if the process ended before the first
// block was committed.
func (a *application) InitChain(_ context.Context, req *abci.RequestInitChain) (*abci.ResponseInitChain, error) {
	response, err := a.initChain(req)
	if err != nil {
		return nil, a.failed(fmt.Errorf("start chain %q from its genesis: %w", req.ChainId, err))
	}
	return response, nil
}

func (a *application) initChain(req *abci.RequestInitChain) (*abci.ResponseInitChain, error) {
	if version := a.state.Version(); version != 0 {
		return nil, fmt.Errorf("the state is at height %d already", version)
	}
	if req.InitialHeight != initialHeight {
		return nil, fmt.Errorf("its first height is %d and must be %d", req.InitialHeight, initialHeight)
	}
	parsed, err := genesis.Parse(req.AppStateBytes)
	if err != nil {
		return nil, fmt.Errorf("parse app state: %w", err)
	}
	if parsed.GetChainId() != req.ChainId {
		return nil, fmt.Errorf("the app state is of chain %q", parsed.GetChainId())
	}
	a.genesis = parsed
	if err := a.layGenesis(); err != nil {
		return nil, err
	}
	staked, err := utility.ActiveValidators(a.state)
	if err != nil {
		return nil, fmt.Errorf("read validators: %w", err)
	}
	validators, err := validatorUpdates(staked)
	if err != nil {
		return nil, err
	}
	return &abci.ResponseInitChain{Validators: validators, AppHash: a.state.WorkingHash()}, nil
}

// layGenesis resets the working state to the genesis.
func (a *application) layGenesis() error {
	a.state.Rollback()
	return utility.InitGenesis(a.state, a.genesis)
}

// CheckTx returns the result that a transaction would have in the next block, and keeps it for a proposal if that is
// success.
func (a *application) CheckTx(_ context.Context, req *abci.RequestCheckTx) (*abci.ResponseCheckTx, error) {
	a.ending.Lock()
	defer a.ending.Unlock()
	if a.ended {
		return &abci.ResponseCheckTx{Code: codeEnded, Codespace: codespace, Log: "the chain has ended on this node"}, nil
	}
	result, err := a.pool.Check(a.state, a.state.Version()+1, req.Tx, req.Type == abci.CheckTxType_Recheck)
	switch {
	case errors.Is(err, utility.ErrPoolFull):
		return &abci.ResponseCheckTx{Code: codePoolFull, Codespace: codespacePool, Log: err.Error()}, nil
	case err != nil:
		return nil, a.failed(fmt.Errorf("check transaction: %w", err))
	}
	return &abci.ResponseCheckTx{Code: uint32(result.Code), Codespace: codespaceOf(result), Log: logOf(result)}, nil
}

// InsertTx refuses every transaction: they wait in CometBFT's mempool.
func (a *application) InsertTx(context.Context, *abci.RequestInsertTx) (*abci.ResponseInsertTx, error) {
	return &abci.ResponseInsertTx{Code: codeNoInsertion}, nil
}

// PrepareProposal proposes the transactions that the next block can charge, in an order in which it can charge them. It
// takes them from the pool: CometBFT passes only the first megabyte of its mempool, in order of arrival.
func (a *application) PrepareProposal(
	_ context.Context, req *abci.RequestPrepareProposal,
) (*abci.ResponsePrepareProposal, error) {
	txs, err := a.pool.Propose(a.state, req.Height, req.MaxTxBytes)
	if err != nil {
		return nil, a.failed(fmt.Errorf("propose block %d: %w", req.Height, err))
	}
	return &abci.ResponsePrepareProposal{Txs: txs}, nil
}

// ProcessProposal rejects a block with a transaction that cannot be opened: no honest proposer includes one.
func (a *application) ProcessProposal(
	_ context.Context, req *abci.RequestProcessProposal,
) (*abci.ResponseProcessProposal, error) {
	for _, tx := range req.Txs {
		if _, err := transaction.Open(tx); err != nil {
			return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_REJECT}, nil
		}
	}
	return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_ACCEPT}, nil
}

// FinalizeBlock runs a decided block on the last committed version and returns the hash of the result. Nothing is
// durable yet. After a crash the same block may come again; its result is the same.
func (a *application) FinalizeBlock(_ context.Context, req *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	response, err := a.finalizeBlock(req)
	if err != nil {
		return nil, a.failed(fmt.Errorf("run block %d: %w", req.Height, err))
	}
	return response, nil
}

func (a *application) finalizeBlock(req *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	a.finalized = nil
	if err := a.startFromCommitted(req.Height); err != nil {
		return nil, err
	}
	before, err := utility.ActiveValidators(a.state)
	if err != nil {
		return nil, fmt.Errorf("read validators: %w", err)
	}
	results, err := a.deliver(req.Height, req.Txs)
	if err != nil {
		return nil, err
	}
	if err := utility.EndBlock(a.state, req.Height, req.Hash); err != nil {
		return nil, err
	}
	after, err := utility.ActiveValidators(a.state)
	if err != nil {
		return nil, fmt.Errorf("read validators: %w", err)
	}
	changes, err := validatorChanges(before, after)
	if err != nil {
		return nil, err
	}
	appHash := a.state.WorkingHash()
	a.finalized = &finalizedBlock{
		height:  req.Height,
		hash:    bytes.Clone(req.Hash),
		time:    req.Time,
		appHash: bytes.Clone(appHash),
	}
	return &abci.ResponseFinalizeBlock{TxResults: results, ValidatorUpdates: changes, AppHash: appHash}, nil
}

// startFromCommitted drops the changes of an unfinished block. At version 0 it writes the genesis again, because the
// genesis is committed only with the first block.
func (a *application) startFromCommitted(height int64) error {
	version := a.state.Version()
	if height != version+1 {
		return fmt.Errorf("the state is at height %d", version)
	}
	if version > 0 {
		a.state.Rollback()
		return nil
	}
	if a.genesis == nil {
		return errors.New("the state is empty and no genesis was given")
	}
	return a.layGenesis()
}

// deliver runs the transactions of a block.
func (a *application) deliver(height int64, txs [][]byte) ([]*abci.ExecTxResult, error) {
	results := make([]*abci.ExecTxResult, len(txs))
	for i, tx := range txs {
		result, err := utility.Deliver(a.state, height, tx)
		if err != nil {
			return nil, fmt.Errorf("run transaction %d: %w", i, err)
		}
		results[i] = &abci.ExecTxResult{Code: uint32(result.Code), Codespace: codespaceOf(result), Log: logOf(result)}
	}
	return results, nil
}

// codespaceOf returns the codespace of a result; empty, as CometBFT expects, if the transaction was executed.
func codespaceOf(result utility.Result) string {
	if result.Code == 0 {
		return ""
	}
	return codespace
}

// logOf returns the code's name and the reason; empty if the transaction was executed.
func logOf(result utility.Result) string {
	if result.Code == 0 {
		return ""
	}
	return result.Code.Label() + ": " + result.Reason
}

// refusalOf returns the inverse of logOf, for a transaction that CheckTx refused.
func refusalOf(response *abci.ResponseCheckTx) *transaction.Refusal {
	code := types.TransactionCode(response.Code)
	return &transaction.Refusal{Code: code, Reason: strings.TrimPrefix(response.Log, code.Label()+": ")}
}

// Commit makes the finalized block durable and publishes it. It returns the height below which CometBFT may remove blocks.
func (a *application) Commit(context.Context, *abci.RequestCommit) (*abci.ResponseCommit, error) {
	if err := a.commit(); err != nil {
		return nil, a.failed(fmt.Errorf("commit block: %w", err))
	}
	height := a.state.Version()
	if a.snapshots != nil {
		a.snapshots.committed(height) // pins the height before it could be pruned
	}
	if a.retention == nil {
		return &abci.ResponseCommit{}, nil
	}
	retain, err := a.retention.step(a.state, height)
	if err != nil {
		return nil, a.failed(fmt.Errorf("remove old heights: %w", err))
	}
	return &abci.ResponseCommit{RetainHeight: retain}, nil
}

func (a *application) commit() error {
	block := a.finalized
	if block == nil {
		return errors.New("no block is finalized")
	}
	version, hash, err := a.state.Commit()
	if err != nil {
		return fmt.Errorf("commit state of height %d: %w", block.height, err)
	}
	if version != block.height || !bytes.Equal(hash, block.appHash) {
		return fmt.Errorf("the state is height %d with hash %X, but height %d with hash %X was agreed on",
			version, hash, block.height, block.appHash)
	}
	a.finalized, a.genesis = nil, nil
	a.pool.Commit(block.height)
	a.publish(types.Head{Height: block.height, BlockHash: block.hash, Time: block.time})
	return nil
}

// Query refuses every query but CometBFT's about peers that it may talk to.
func (a *application) Query(_ context.Context, req *abci.RequestQuery) (*abci.ResponseQuery, error) {
	if a.admits != nil && a.admits(req.Path) {
		return &abci.ResponseQuery{}, nil
	}
	return &abci.ResponseQuery{
		Code: codeNoQueries, Codespace: codespace, Log: logNoQueries, Height: a.state.Version(),
	}, nil
}

// end waits for the running check of a transaction; later checks do not access the state.
func (a *application) end() {
	a.ending.Lock()
	defer a.ending.Unlock()
	a.ended = true
	if a.joining != nil {
		_ = a.joining.drop() // what is left is removed when the store is opened
	}
}

// failed reports the error to the engine and returns it to CometBFT, which keeps only its text.
func (a *application) failed(err error) error {
	a.fail(err)
	return err
}
