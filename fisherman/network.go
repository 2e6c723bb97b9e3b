package fisherman

import (
	"context"
	"errors"

	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Network is what a fisherman has to know of the network that it samples. Addresses, relay chains and session ids are
// opaque to it: printable text of at most 128 bytes.
type Network interface {
	Heads
	Sessions
	// Ask addresses a question to one servicer of a session. It is called by several goroutines at once. Like Request.Open, it
	// waits for nothing: checks take turns at both. An error that is a *wire.Failure says whose fault it is; any other is ours.
	Ask(session *types.Session, servicer *types.Actor, payload types.Payload) (Request, error)
}

// Heads announces committed blocks, or what a network has in their place. The channel holds the newest head only and is
// never closed; cancel ends the subscription.
type Heads interface {
	Subscribe() (heads <-chan types.Head, cancel func())
}

// Sessions knows which sessions the fisherman belongs to, and how they are to be sampled.
type Sessions interface {
	// Sessions returns the fisherman's sessions at a committed height, members included.
	Sessions(ctx context.Context, height int64) ([]*types.Session, error)
	// Policy returns how a session is sampled and judged, which is fixed for its whole length.
	Policy(ctx context.Context, session *types.Session) (Policy, error)
}

// Budget is what may be spent on a session where asking costs. A check that it does not pay for is dropped with the cause
// BUDGET. Many goroutines use it, each shortly before it asks.
type Budget interface {
	// Take pays for a number of requests before they are made: for all of them, or for none. The error says in one line why.
	Take(requests int) error
	// Return gives back what was paid for requests that were not sent.
	Return(requests int)
}

type (
	// Request is one question, addressed to one servicer and ready to be written.
	Request = round.Request
	// Reply is what the node behind a servicer answered.
	Reply = round.Reply
	// Dial connects to a service URL. Errors are *wire.Failure.
	Dial = round.Dial
)

// ErrTooLarge is returned by a Probe for an answer that is larger than it reads.
var ErrTooLarge = errors.New("the answer is too large")

// Probe asks a target outside of every session the same question, unsealed, and returns its answer. It tells "they
// are all down" from "I am offline".
type Probe func(ctx context.Context, payload types.Payload) (Answer, error)

// Answer is what a node answered, with which HTTP status.
type Answer struct {
	Status uint32
	Body   []byte
}

// Store keeps sessions and rounds, durably and within bounds of its own.
type Store interface {
	// PutAll stores sessions, then rounds, in one durable batch. It returns one error for each, sessions first, nil for
	// what is durable. The first round of a session and index wins.
	PutAll(ctx context.Context, sessions []*types.QoSSession, rounds []*types.QoSRound) []error
	Sessions(ctx context.Context) ([]*types.QoSSession, error)
	// Rounds fails with modules.ErrUnknownSession.
	Rounds(ctx context.Context, id string) ([]*types.QoSRound, error)
	// Prune keeps the newest sessions.
	Prune(ctx context.Context, retain int) (evicted int, err error)
}
