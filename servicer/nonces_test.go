package servicer

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func nonceOf(n int) (nonce [relay.NonceSize]byte) {
	binary.BigEndian.PutUint64(nonce[:], uint64(n))
	return nonce
}

var (
	byApplication = expense{signer: "application", sender: application, tokens: 1, allowance: 1 << 20}
	byFisherman   = expense{signer: "fisherman", sender: fisherman, tokens: 1, allowance: 1 << 20}
)

func TestNoncesOfEndedSessionsAreForgotten(t *testing.T) {
	memory := newNonceMemory(100)
	old := &types.SessionHeader{Id: "old", StartHeight: 10}
	memory.advance(10)
	if refused := memory.spend(old, nonceOf(1), byApplication); refused != nil {
		t.Fatal(refused)
	}
	memory.advance(20)
	memory.advance(10) // a relay judged by an older block comes late
	if !memory.seen("old", nonceOf(1)) || memory.totals[application] != 1 {
		t.Error("the session before was forgotten")
	}
	memory.advance(30)
	if memory.seen("old", nonceOf(1)) || memory.totals[application] != 0 || len(memory.sessions) != 0 {
		t.Errorf("still remembered: %d nonces, %d sessions", memory.totals[application], len(memory.sessions))
	}
	// Dropped, so its relays can no longer be distinguished from replays.
	if refused := memory.spend(old, nonceOf(1), byApplication); refused == nil || refused.code != types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT {
		t.Errorf("spent in a forgotten session: %v", refused)
	}
}

// Two copies may both be unseen when they are admitted; spending decides between them.
func TestNonceIsSpentOnce(t *testing.T) {
	memory := newNonceMemory(1000)
	header := &types.SessionHeader{Id: "session", StartHeight: 10}
	for n := range 100 {
		var spent atomic.Int32
		var running sync.WaitGroup
		for range 4 {
			running.Go(func() {
				if memory.spend(header, nonceOf(n), byApplication) == nil {
					spent.Add(1)
				}
			})
		}
		running.Wait()
		if spent.Load() != 1 {
			t.Fatalf("nonce %d was spent %d times", n, spent.Load())
		}
	}
}

func TestNonceMemoryIsBoundedOverAll(t *testing.T) {
	const perSession = 4
	memory := newNonceMemory(perSession)
	for session := range maxFullSessions {
		header := &types.SessionHeader{Id: string(rune('a' + session)), StartHeight: 10}
		for n := range perSession {
			if refused := memory.spend(header, nonceOf(n), byFisherman); refused != nil {
				t.Fatalf("session %d, nonce %d: %v", session, n, refused)
			}
		}
	}
	one := &types.SessionHeader{Id: "one more", StartHeight: 20}
	if refused := memory.spend(one, nonceOf(1), byFisherman); refused == nil || refused.code != types.RelayErrorCode_RELAY_ERROR_CODE_BUSY {
		t.Errorf("over the bound: %v", refused)
	}
	if len(memory.sessions) != maxFullSessions {
		t.Errorf("a refused relay left a session behind")
	}
	memory.advance(20)
	memory.advance(30)
	if refused := memory.spend(one, nonceOf(1), byFisherman); refused != nil {
		t.Errorf("after the others ended: %v", refused)
	}
}
