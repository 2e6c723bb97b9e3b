package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// ErrNoFisherman is returned by a QoSReader on a node that runs no fisherman.
var ErrNoFisherman = errors.New("this node runs no fisherman")

// Why a check could not be made, besides ErrNoFisherman.
var (
	// ErrNotInSession: the servicer is in no current session of the node's fisherman that fits.
	ErrNotInSession = errors.New("the servicer is in no current session of this node's fisherman")
	// ErrTooManyChecks: one is under way or was just made, or the session has had its share. What is wrapped says which.
	ErrTooManyChecks = errors.New("too many checks on demand")
	// ErrCannotAsk: there is nothing to ask about the relay chain now.
	ErrCannotAsk = errors.New("no question can be asked about the relay chain now; try again shortly")
)

// Why the chain could not answer, or a transaction not be handed in, besides being refused.
var (
	// ErrNotReady: the chain does not run, or is not level.
	ErrNotReady = errors.New("the chain is not ready")
	// ErrKnownTransaction: the same bytes were handed in before.
	ErrKnownTransaction = errors.New("the transaction was handed in before")
	// ErrMempoolFull: too many transactions wait for a block.
	ErrMempoolFull = errors.New("too many transactions wait for a block")
)

// Readers is what the server reads from. All of them are used by many goroutines at once.
type Readers struct {
	Chain ChainReader
	// Blocks reads what the chain is made of.
	Blocks BlockReader
	// Params are the governed parameters in the state after the block at a height, as the genesis file writes them. Errors
	// on which the server decides: modules.ErrHeightUnavailable.
	Params func(ctx context.Context, height int64) (json.RawMessage, error)
	QoS    QoSReader
	// Rounds and Events tell of single checks.
	Rounds RoundReader
	Events EventReader
	Status StatusReader
	// Relays reads what the node's servicers keep.
	Relays RelayReader
	// Evidence reads what proves that servicers disagreed. Errors on which the server decides: ErrNoFisherman,
	// modules.ErrUnknownSession.
	Evidence func(ctx context.Context, filter EvidenceFilter) (qos.EvidencePage, error)
	// Check makes the fisherman ask the servicers of a session at once, outside of its schedule; nothing is stored. Errors
	// on which the server decides: ErrNoFisherman, ErrNotInSession, ErrTooManyChecks, ErrCannotAsk.
	Check func(ctx context.Context, wanted CheckRequest) (qos.CheckReport, error)
	// Accounts reads what addresses own.
	Accounts AccountReader
	// Broadcast hands a transaction in; when it is to wait, it returns after a block has taken it, or with height 0 when
	// the context ended before. Errors on which the server decides: *transaction.Refusal, ErrNotReady,
	// ErrKnownTransaction, ErrMempoolFull.
	Broadcast func(ctx context.Context, raw []byte, wait bool) (Receipt, error)
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
// modules.ErrUnknownActor, modules.ErrChainNotStaked.
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

// QoSReader reads what the node's fisherman measured. Errors on which the server decides: ErrNoFisherman,
// modules.ErrUnknownSession.
type QoSReader interface {
	// Report lists the retained sessions that the filter admits, oldest first.
	Report(ctx context.Context, filter QoSFilter) (qos.Report, error)
	// Windows merges the newest sessions, by relay chain and geo zone.
	Windows(ctx context.Context, filter WindowFilter) (qos.WindowsReport, error)
}

// WindowFilter says what is merged and shown.
type WindowFilter struct {
	// Span of the windows.
	Span qos.Span
	// Servicer shows only this address's rows, and only windows that it is in; empty shows all. It changes no number.
	Servicer string
}

// QoSFilter narrows a report; its zero value admits every retained session.
type QoSFilter struct {
	// SessionID admits this session only; empty admits all.
	SessionID string
	// Servicer admits only sessions that this address is a member of, and in them only its own row; empty admits all.
	Servicer string
	// Last admits the newest N of what is left; 0 admits all.
	Last int
}

// EvidenceFilter narrows evidence; but for Limit its zero value admits every check in which servicers disagreed.
type EvidenceFilter struct {
	// SessionID admits this session only; empty admits all.
	SessionID string
	// Servicer admits only checks in which this address is on a side; empty admits all.
	Servicer string
	// Check admits only this place in a session's plan; nil admits all.
	Check *uint32
	// Before admits only checks that are older; nil admits all.
	Before *qos.EvidencePlace
	// Limit is the most checks of a page, 1 or more.
	Limit int
}

// CheckRequest says which servicer is to be checked, in which of its sessions.
type CheckRequest struct {
	Servicer string
	// Application and RelayChain narrow the sessions down; empty admits all.
	Application, RelayChain string
}

// StatusReader reads what a node is.
type StatusReader interface {
	// Fisherman is the address of the fisherman that runs in this node; empty for none.
	Fisherman() string
	// Store is where that fisherman's samples are held; nil for none.
	Store() *Store
	// Build is how the program was built.
	Build() Build
}

// Store tells where a fisherman's samples are held.
type Store struct {
	// Durable: samples are on the disk and survive a crash. Otherwise those since Since are in memory only, for Reason.
	Durable bool
	Reason  string
	Since   time.Time
	// Disk and Memory are what can be read there.
	Disk, Memory Held
	// EvictedSessions counts sessions that the caps removed.
	EvictedSessions int64
	// UnreadableSessions counts sessions whose rounds could not be read.
	UnreadableSessions int
	// SetAside is the directory that a damaged store was moved to; empty for none.
	SetAside string
}

// Held counts what is stored in one place. Bytes count keys and records.
type Held struct {
	Sessions, Rounds int
	Bytes            int64
}
