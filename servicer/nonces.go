package servicer

import (
	"sync"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// maxFullSessions bounds all nonces together, in sessions' worth of them.
const maxFullSessions = 16

// nonceMemory records, for each session, the nonces of executed relays, so that each relay is executed once, and the
// tokens that each signer has spent. Nonces are bounded per session and overall, with separate bounds for applications
// and fishermen, so that no application can keep a fisherman from measuring. When the memory is full a relay is
// refused, never executed unrecorded:
//   - a session's share is used up: OVER_ALLOWANCE, since no further relay of that session will be admitted;
//   - the whole memory is used up: BUSY, since capacity becomes free when other sessions end.
//
// It is lost when the process ends.
type nonceMemory struct {
	perSession int

	mu       sync.Mutex
	sessions map[string]*sessionNonces
	// totals counts all nonces, by class of sender.
	totals [senders]int
	// current and previous are the latest two session starts seen; older sessions are no longer accepted.
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
	// spent is the number of tokens that each signer has used. Signers are members of the session, so there are few.
	spent map[string]uint64
}

// expense is what an admitted relay costs its signer.
type expense struct {
	signer string
	sender sender
	// tokens is the number of requests in the relay, allowance the signer's total for the session.
	tokens, allowance uint64
	// difficultyBits is the number of leading zero bits that make the relay volume-applicable.
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

// spend records a nonce and the cost of its relay, or returns why the relay must not be executed. A refused relay costs
// nothing.
func (m *nonceMemory) spend(header *types.SessionHeader, nonce [relay.NonceSize]byte, cost expense) *refusal {
	m.mu.Lock()
	defer m.mu.Unlock()
	if header.GetStartHeight() < m.previous {
		// The session ended while the relay was being admitted; its nonces are dropped.
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

// advance sets the start of the current session. Sessions older than the previous one are dropped.
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
