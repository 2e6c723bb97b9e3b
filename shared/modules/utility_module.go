package modules

import (
	"context"
	"errors"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Sentinels on which callers of a module decide.
var (
	// ErrHeightUnavailable: the height is not committed yet (more than one block ahead), or its state is pruned.
	ErrHeightUnavailable = errors.New("height is not available")
	// ErrUnknownActor: no actor of that type is staked under the address at that height.
	ErrUnknownActor = errors.New("actor is not staked")
	// ErrChainNotStaked: the application is staked, but not for that relay chain.
	ErrChainNotStaked = errors.New("application is not staked for the relay chain")
	// ErrApplicationPaused: the application is staked for the relay chain, but paused, and so has no session.
	ErrApplicationPaused = errors.New("application is paused")
	// ErrUnknownSession: the fisherman holds no session of that id.
	ErrUnknownSession = errors.New("session is not known to this fisherman")
)

// UtilityModule reads what the state machine knows.
type UtilityModule interface {
	// Height is the last committed height; 0 before the first block.
	Height() int64
	// Session is the session of an application on a relay chain that the block at height belongs to: any past height
	// within the retained range, or one block into the future. Errors: ErrHeightUnavailable, ErrUnknownActor,
	// ErrChainNotStaked, ErrApplicationPaused.
	Session(ctx context.Context, height int64, application, relayChain string) (*types.Session, error)
	// Actors are the staked actors of one type as of a committed height, ordered by address. Errors:
	// ErrHeightUnavailable.
	Actors(ctx context.Context, height int64, actorType types.ActorType) ([]*types.Actor, error)
}

// ServicerModule answers relays.
type ServicerModule interface {
	// Address of the servicer.
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
	// StoreRound keeps a round durably; a round of the same session and index is never stored twice.
	StoreRound(ctx context.Context, round *types.QoSRound) error
	// Sessions are the sampled sessions that are still retained, oldest first.
	Sessions(ctx context.Context) ([]*types.QoSSession, error)
	// Rounds are the rounds stored for a session, ordered by index. Errors: ErrUnknownSession.
	Rounds(ctx context.Context, sessionID string) ([]*types.QoSRound, error)
}
