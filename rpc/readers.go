package rpc

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// ErrNoFisherman is why a node that runs no fisherman cannot answer.
var ErrNoFisherman = errors.New("this node runs no fisherman")

// Why a check could not be made, besides ErrNoFisherman.
var (
	// ErrNotInSession is returned when the servicer is in no current session of the node's fisherman that fits. An error that
	// wraps it may say more: it is shown as it is.
	ErrNotInSession = errors.New("the servicer is in no current session of this node's fisherman")
	// ErrTooManyChecks is returned when one is under way or was just made, or the session has had its share.
	ErrTooManyChecks = errors.New("too many checks on demand")
	// ErrCannotAsk is returned when there is nothing to ask about the relay chain now.
	ErrCannotAsk = errors.New("no question can be asked about the relay chain now; try again shortly")
)

// Why the chain could not answer, or a transaction not be handed in, besides being refused.
var (
	// ErrNotReady is returned when the chain does not run, or the node is not level with it.
	ErrNotReady = errors.New("the chain is not ready")
	// ErrKnownTransaction is returned when the same bytes were handed in before.
	ErrKnownTransaction = errors.New("the transaction was handed in before")
	// ErrMempoolFull is returned when too many transactions wait for a block.
	ErrMempoolFull = errors.New("too many transactions wait for a block")
)

// Readers is what the server reads from. All of them are used by many goroutines at once. A fisherman that samples a
// network without a chain has no Chain, Blocks, Params, Accounts, Addresses and Broadcast: they are nil, and their paths answer that
// there is no chain.
type Readers struct {
	// Network is what is sampled.
	Network Network
	Chain   ChainReader
	// Blocks reads what the chain is made of.
	Blocks BlockReader
	// Params are the governed parameters in the state after the block at a height, as the genesis file writes them. Errors
	// on which the server decides: modules.ErrHeightUnavailable.
	Params func(ctx context.Context, height int64) (json.RawMessage, error)
	// NextParams are what Params are from the next session on.
	NextParams func(ctx context.Context, height int64) (json.RawMessage, error)
	// Samples and Events tell what the node's fisherman measured; nil on a node without one.
	Samples SampleReader
	Events  EventReader
	// Vantages are the vantage points of a collector; nil on a node.
	Vantages func() []api.Vantage
	// Collector says how a collector gets on; nil on a node.
	Collector func() api.Collector
	Status    StatusReader
	// Relays reads what the node's servicers keep; nil on a node without one.
	Relays RelayReader
	// History reads what the fisherman measured over time; nil on a node without one. Errors on which the server decides:
	// *samples.StepError, *samples.SpanError.
	History func(ctx context.Context, filter samples.HistoryFilter) (api.History, error)
	// Check makes the fisherman ask the servicers of a session at once, outside of its schedule; nothing is stored. Errors
	// on which the server decides: ErrNoFisherman, ErrNotInSession, ErrTooManyChecks, ErrCannotAsk.
	Check func(ctx context.Context, wanted CheckRequest) (api.CheckReport, error)
	// Accounts reads what addresses own.
	Accounts AccountReader
	// Addresses finds addresses in the chain's state.
	Addresses AddressFinder
	// Members are whom the node's fisherman sampled, by the beginning of their names, at most a number of each; nil on a node
	// without one.
	Members func(ctx context.Context, prefix string, limit int) (samples.Members, error)
	// Broadcast hands a transaction in; when it is to wait, it returns after a block has taken it, or with height 0 when
	// the context ended before. Errors on which the server decides: *transaction.Refusal, ErrNotReady,
	// ErrKnownTransaction, ErrMempoolFull.
	Broadcast func(ctx context.Context, raw []byte, wait bool) (Receipt, error)
	// Feed is how samples are published for collectors: nil, or it returns nil, where they are not.
	Feed func(ctx context.Context) *api.Feed
}

// Receipt is what is known of a transaction that was handed in.
type Receipt struct {
	Hash []byte
	// Height of its block; 0 while no block has it.
	Height int64
	// Code and Log of its result in that block.
	Code types.TransactionCode
	Log  string
}

// AccountReader reads accounts in committed state. Errors on which the server decides: modules.ErrHeightUnavailable.
type AccountReader interface {
	// Account is what an address owns; an empty account when it never owned anything.
	Account(ctx context.Context, height int64, address string) (*types.Account, error)
	// Unbondings are the stakes of an address that are on their way back, the next to be unlocked first.
	Unbondings(ctx context.Context, height int64, address string) ([]*types.Unbonding, error)
}

// ChainReader reads committed state. Errors on which the server decides: modules.ErrHeightUnavailable,
// modules.ErrUnknownActor, modules.ErrChainNotStaked, modules.ErrApplicationPaused, modules.ErrApplicationNew.
type ChainReader interface {
	// ChainID is the chain's name.
	ChainID() string
	// Height is the last committed height; 0 before the first block.
	Height() int64
	// Session is the session of an application on a relay chain that the block at height belongs to.
	Session(ctx context.Context, height int64, application, relayChain string) (*types.Session, error)
	// Actors are the staked actors of one type as of height, ordered by address.
	Actors(ctx context.Context, height int64, actorType types.ActorType) ([]*types.Actor, error)
}

// SampleReader reads what the node's fisherman measured. Errors on which the server decides: modules.ErrUnknownSession,
// samples.ErrUnknownServicer, samples.ErrUnknownPlace.
type SampleReader interface {
	// Report lists the retained sessions that the filter admits, oldest first.
	Report(ctx context.Context, filter samples.ReportFilter) (api.Report, error)
	// Windows merges the newest sessions, by relay chain and geo zone.
	Windows(ctx context.Context, filter samples.WindowFilter) (api.WindowsReport, error)
	// Rounds is a page of a session's rounds.
	Rounds(ctx context.Context, filter samples.RoundFilter) (api.RoundPage, error)
	// Evidence is a page of what proves that servicers disagreed.
	Evidence(ctx context.Context, filter samples.EvidenceFilter) (api.EvidencePage, error)
}

// EventReader tells what the fisherman stores. Errors on which the server decides: samples.ErrTooManyListeners.
type EventReader interface {
	// Listen tells what comes from now on until the context ends. The channel is closed when the listener is too slow.
	// After an id other than 0 it also tells what was missed since the event of that id, as far as it is stored; some of
	// that may have been told before.
	Listen(ctx context.Context, after int64) (missed []samples.Event, coming <-chan samples.Event, err error)
}

// CheckRequest says which servicer is to be checked, in which of its sessions.
type CheckRequest struct {
	Servicer string
	// Application and RelayChain narrow the sessions down; empty ones admit all.
	Application, RelayChain string
}

// StatusReader reads what a node is.
type StatusReader interface {
	// Fisherman is the address of the fisherman that runs in this node; empty for none.
	Fisherman() string
	// Store is where that fisherman's samples are held; nil for none.
	Store() *api.Store
	// Controls are that fisherman's control probes, by relay chain; empty without a fisherman, never nil.
	Controls() []api.Control
	// Build is how the program was built.
	Build() api.Version
}
