package servicer

import (
	"sync"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// maxFullSessions bounds all nonces together, in sessions' worth of them.
const maxFullSessions = 16

// nonceMemory knows the nonces of executed relays, so that each is executed once. It is bounded per session and over
// all; when it is full a relay is refused, never executed unremembered:
//   - a session's share is used up: OVER_ALLOWANCE, since no relay of that session will be taken any more;
//   - the whole memory is used up: BUSY, since room is made when other sessions end.
//
// It does not outlive the process.
type nonceMemory struct {
	perSession int

	mu       sync.Mutex
	sessions map[string]*sessionNonces
	total    int
	// current and previous are the latest two session starts seen; older sessions are not accepted any more.
	current, previous int64
}

type sessionNonces struct {
	start  int64
	nonces map[[relay.NonceSize]byte]struct{}
}

func newNonceMemory(perSession int) *nonceMemory {
	return &nonceMemory{perSession: perSession, sessions: make(map[string]*sessionNonces)}
}

// seen tells whether a nonce was spent in a session.
func (m *nonceMemory) seen(session string, nonce [relay.NonceSize]byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.sessions[session]
	if !ok {
		return false
	}
	_, ok = known.nonces[nonce]
	return ok
}

// spend records a nonce, or tells why the relay must not be executed.
func (m *nonceMemory) spend(header *types.SessionHeader, nonce [relay.NonceSize]byte, byApplication bool) *refusal {
	m.mu.Lock()
	defer m.mu.Unlock()
	if header.GetStartHeight() < m.previous {
		// The session ended while the relay was being admitted; its nonces are forgotten.
		return notCurrent()
	}
	known, ok := m.sessions[header.GetId()]
	if !ok {
		known = &sessionNonces{start: header.GetStartHeight(), nonces: make(map[[relay.NonceSize]byte]struct{})}
	}
	if _, spent := known.nonces[nonce]; spent {
		return replayed()
	}
	most := m.perSession
	if byApplication {
		most -= m.perSession / 8
	}
	if len(known.nonces) >= most {
		return refuse(types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE, "the session has had as many relays as the servicer can remember")
	}
	if m.total >= m.perSession*maxFullSessions {
		return refuse(types.RelayErrorCode_RELAY_ERROR_CODE_BUSY, "the servicer remembers as many relays as it may")
	}
	known.nonces[nonce] = struct{}{}
	m.sessions[header.GetId()] = known
	m.total++
	return nil
}

// advance tells the start of the current session. Sessions older than the one before it are forgotten.
func (m *nonceMemory) advance(start int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if start <= m.current {
		return
	}
	m.previous, m.current = m.current, start
	for id, session := range m.sessions {
		if session.start < m.previous {
			m.total -= len(session.nonces)
			delete(m.sessions, id)
		}
	}
}
