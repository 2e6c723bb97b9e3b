package servicer

import (
	"context"
	"errors"
	"sync"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// maxSessionsRead bounds the cache of sessionReader; a session takes up to three entries.
const maxSessionsRead = 4096

// sessionReader reads sessions and caches them until the next block is committed, because members may change with each
// block. Failures are not cached.
type sessionReader struct {
	source Sessions

	mu        sync.Mutex
	committed int64
	sessions  map[sessionKey]*types.Session
}

type sessionKey struct {
	height                  int64
	application, relayChain string
}

// at returns the session of the header's application and chain at a height, seen from the committed height. Concurrent
// callers may each read it; none waits for another's read.
func (r *sessionReader) at(ctx context.Context, committed, height int64, header *types.SessionHeader) (*types.Session, error) {
	key := sessionKey{height: height, application: header.GetApplication(), relayChain: header.GetRelayChain()}
	if session, ok := r.recall(committed, key); ok {
		return session, nil
	}
	session, err := r.source.Session(ctx, height, key.application, key.relayChain)
	if err != nil {
		return nil, err
	}
	r.remember(committed, key, session)
	return session, nil
}

func (r *sessionReader) recall(committed int64, key sessionKey) (*types.Session, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.committed != committed {
		return nil, false
	}
	session, ok := r.sessions[key]
	return session, ok
}

func (r *sessionReader) remember(committed int64, key sessionKey, session *types.Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if committed > r.committed {
		r.committed, r.sessions = committed, make(map[sessionKey]*types.Session)
	}
	if committed == r.committed && len(r.sessions) < maxSessionsRead {
		r.sessions[key] = session
	}
}

// absent reports whether an error means that the session does not exist, rather than that the state could not be read.
func absent(err error) bool {
	return errors.Is(err, modules.ErrUnknownActor) || errors.Is(err, modules.ErrChainNotStaked) ||
		errors.Is(err, modules.ErrApplicationPaused) || errors.Is(err, modules.ErrApplicationNew) ||
		errors.Is(err, modules.ErrHeightUnavailable)
}

// unreadable refuses a relay whose session could not be read.
func (s *Servicer) unreadable(err error) *refusal {
	switch {
	case errors.Is(err, modules.ErrUnknownActor):
		return refuse(types.RelayErrorCode_RELAY_ERROR_CODE_APPLICATION_NOT_STAKED, "the application is not staked")
	case errors.Is(err, modules.ErrChainNotStaked):
		return refuse(types.RelayErrorCode_RELAY_ERROR_CODE_APPLICATION_NOT_STAKED, "the application is not staked for the relay chain")
	case errors.Is(err, modules.ErrApplicationPaused):
		return refuse(types.RelayErrorCode_RELAY_ERROR_CODE_APPLICATION_NOT_STAKED, "the application is paused")
	case errors.Is(err, modules.ErrApplicationNew):
		return refuse(types.RelayErrorCode_RELAY_ERROR_CODE_APPLICATION_NOT_STAKED, "the application has not been staked for a whole session yet")
	case !errors.Is(err, modules.ErrHeightUnavailable) && !errors.Is(err, context.Canceled):
		s.config.Logger.Warn("state could not be read", "error", err)
	}
	return refuse(types.RelayErrorCode_RELAY_ERROR_CODE_NOT_READY, "the servicer cannot read the session from state now")
}
