package servicer

import (
	"sync"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// maxFullSessions bounds all nonces together, in sessions' worth of them.
const maxFullSessions = 16

// nonceMemory knows of each session the nonces of executed relays, so that each is executed once, and what each signer
// has spent of its tokens. Nonces are bounded per session and over all, those of applications apart from those of
// fishermen, so that no application can blind those who measure. When it is full a relay is refused, never executed
// unremembered:
//   - a session's share is used up: OVER_ALLOWANCE, since no relay of that session will be taken any more;
//   - the whole memory is used up: BUSY, since room is made when other sessions end.
//
// It does not outlive the process.
type nonceMemory struct {
	perSession int

	mu       sync.Mutex
	sessions map[string]*sessionNonces
	// totals are all nonces, by who sent them.
	totals [senders]int
	// current and previous are the latest two session starts seen; older sessions are not accepted any more.
	current, previous int64
}

// sender is the class of a relay's signer.
type sender int

const (
	application sender = iota
	fisherman
	senders
)

type sessionNonces struct {
	start  int64
	nonces map[[relay.NonceSize]byte]struct{}
	counts [senders]int
	// spent are the tokens that each signer has used. Signers are members of the session, thus few.
	spent map[string]uint64
}

// expense is what an admitted relay takes of its signer's bucket.
type expense struct {
	signer string
	sender sender
	// tokens is how many requests the relay holds, allowance how many the signer has for the session.
	tokens, allowance uint64
	// difficultyBits is from which hash on the relay is volume-applicable.
	difficultyBits int
}

func newNonceMemory(perSession int) *nonceMemory {
	return &nonceMemory{perSession: perSession, sessions: make(map[string]*sessionNonces)}
}

// seen reports whether a nonce was spent in a session.
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

// spend records a nonce and what its relay costs, or tells why the relay must not be executed. What is refused costs
// nothing.
func (m *nonceMemory) spend(header *types.SessionHeader, nonce [relay.NonceSize]byte, cost expense) *refusal {
	m.mu.Lock()
	defer m.mu.Unlock()
	if header.GetStartHeight() < m.previous {
		// The session ended while the relay was being admitted; its nonces are forgotten.
		return notCurrent()
	}
	known, ok := m.sessions[header.GetId()]
	if !ok {
		known = &sessionNonces{
			start:  header.GetStartHeight(),
			nonces: make(map[[relay.NonceSize]byte]struct{}),
			spent:  make(map[string]uint64, 2),
		}
	}
	if _, spent := known.nonces[nonce]; spent {
		return replayed()
	}
	if spent := known.spent[cost.signer]; spent > cost.allowance || cost.tokens > cost.allowance-spent {
		return refuse(types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE, "the signer's relays of the session are used up")
	}
	if known.counts[cost.sender] >= m.perSession {
		return refuse(types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE, "the session has had as many relays as the servicer can remember")
	}
	if m.totals[cost.sender] >= m.perSession*maxFullSessions {
		return refuse(types.RelayErrorCode_RELAY_ERROR_CODE_BUSY, "the servicer remembers as many relays as it may")
	}
	known.nonces[nonce] = struct{}{}
	known.counts[cost.sender]++
	known.spent[cost.signer] += cost.tokens
	m.sessions[header.GetId()] = known
	m.totals[cost.sender]++
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
			for sender, count := range session.counts {
				m.totals[sender] -= count
			}
			delete(m.sessions, id)
		}
	}
}
