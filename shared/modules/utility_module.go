package modules

import (
	"context"
	"errors"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Errors of modules that callers distinguish.
var (
	// ErrHeightUnavailable is returned when the height is not committed yet (more than one block ahead), or its state
	// is pruned.
	ErrHeightUnavailable = errors.New("height is not available")
	// ErrUnknownActor is returned when no actor of that type is staked under the address at that height.
	ErrUnknownActor = errors.New("actor is not staked")
	// ErrChainNotStaked is returned when the application is staked, but not for that relay chain.
	ErrChainNotStaked = errors.New("application is not staked for the relay chain")
	// ErrApplicationPaused is returned when the application is staked for the relay chain, but paused, and so has no
	// session.
	ErrApplicationPaused = errors.New("application is paused")
	// ErrApplicationNew is returned when the application is staked for the relay chain, but has not been so for a whole
	// session yet; only then its sessions begin.
	ErrApplicationNew = errors.New("application has no sessions yet")
	// ErrUnknownSession is returned when the fisherman has no session with that id.
	ErrUnknownSession = errors.New("session is not known to this fisherman")
	// ErrStoreClosed: the store of the samples was closed.
	ErrStoreClosed = errors.New("local store is closed")
)

// UtilityModule reads the state of the state machine.
type UtilityModule interface {
	// Height returns the last committed height; 0 before the first block.
	Height() int64
	// Session returns the session of an application on a relay chain that the block at height belongs to: any past
	// height within the retained range, or one block into the future. Errors: ErrHeightUnavailable, ErrUnknownActor,
	// ErrChainNotStaked, ErrApplicationPaused, ErrApplicationNew.
	Session(ctx context.Context, height int64, application, relayChain string) (*types.Session, error)
	// Actors returns the staked actors of one type at a committed height, ordered by address. Errors:
	// ErrHeightUnavailable.
	Actors(ctx context.Context, height int64, actorType types.ActorType) ([]*types.Actor, error)
}

// ServicerModule answers relays.
type ServicerModule interface {
	// Address returns the servicer's address.
	Address() string
	// HandleRelay admits, executes and answers one sealed request. The answer is a sealed response, which may carry a
	// signed error; HandleRelay itself never fails.
	HandleRelay(ctx context.Context, requestEnvelope []byte) (responseEnvelope []byte)
}

// FishermanModule samples the quality of service of the servicers of a session.
type FishermanModule interface {
	// ExecuteCheck asks every servicer of the session the same question at the same moment and returns the verified
	// round. It stores nothing. It fails only when no question could be built or the context ended.
	ExecuteCheck(ctx context.Context, session *types.Session, index uint32) (*types.QoSRound, error)
	// StoreRound stores a round durably; a round of the same session and index is never stored twice.
	StoreRound(ctx context.Context, round *types.QoSRound) error
	// Sessions returns the sampled sessions that are still retained, oldest first.
	Sessions(ctx context.Context) ([]*types.QoSSession, error)
	// Rounds returns the stored rounds of a session, ordered by index. Errors: ErrUnknownSession.
	Rounds(ctx context.Context, sessionID string) ([]*types.QoSRound, error)
}
