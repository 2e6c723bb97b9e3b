package rpc

import (
	"context"
	"errors"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// ErrNoFisherman is returned by a QoSReader on a node that runs no fisherman.
var ErrNoFisherman = errors.New("this node runs no fisherman")

// Readers is what the server reads from. All of them are used by many goroutines at once.
type Readers struct {
	Chain  ChainReader
	QoS    QoSReader
	Status StatusReader
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

// StatusReader reads what a node is.
type StatusReader interface {
	// Fisherman is the address of the fisherman that runs in this node; empty for none.
	Fisherman() string
	// Version is the version of the program.
	Version() string
}
