package fisherman

import (
	"context"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Heads tells of committed blocks. The channel holds the newest head only and is never closed; cancel ends the
// subscription.
type Heads interface {
	Subscribe() (heads <-chan types.Head, cancel func())
}

// Sessions tells which sessions the fisherman belongs to, and how they are to be sampled.
type Sessions interface {
	// Sessions of the fisherman at a committed height, members included.
	Sessions(ctx context.Context, height int64) ([]*types.Session, error)
	// Policy by which a session is sampled and judged, fixed for its whole length.
	Policy(ctx context.Context, session *types.Session) (Policy, error)
}

// Seal addresses a question to one servicer of a session and signs it. An error that is a *relay.Failure says whose fault
// it is; any other is ours.
type Seal func(session *types.Session, servicer *types.Actor, payload types.Payload) (*relay.Sealed, error)

// Dial connects to a service URL. Errors are *relay.Failure.
type Dial func(ctx context.Context, serviceURL string) (*relay.Conn, error)

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
	PutSession(ctx context.Context, session *types.QoSSession) error
	// PutRound keeps a round in one durable batch. The first round of a session and index wins.
	PutRound(ctx context.Context, round *types.QoSRound) error
	Sessions(ctx context.Context) ([]*types.QoSSession, error)
	// Session and Rounds fail with modules.ErrUnknownSession.
	Session(ctx context.Context, id string) (*types.QoSSession, error)
	Rounds(ctx context.Context, id string) ([]*types.QoSRound, error)
	// Prune keeps the newest sessions.
	Prune(ctx context.Context, retain int) (evicted int, err error)
}
