package consensus

import (
	"fmt"
	"sync"
	"time"
)

// stillBlocks is for how many block times a chain may stand still before its newest block is not fresh any more.
const stillBlocks = 10

// standing is where the engine stands among the heads of its chain.
type standing struct {
	mu sync.Mutex
	// witnessed reports whether the newest head was; at is when it was published, the zero time before the first.
	witnessed bool
	height    int64
	at        time.Time
}

func (s *standing) note(height int64, witnessed bool, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.height, s.witnessed, s.at = height, witnessed, at
}

// Ready is nil while the node is level with its chain: it runs, it witnessed the newest block, and that was not longer
// ago than ten block times and what a head may be old to count as witnessed. The error says what is amiss; it is
// ErrNotReady.
func (e *Engine) Ready() error {
	if !e.gate.enter() {
		return fmt.Errorf("%w: it does not run", ErrNotReady)
	}
	e.gate.leave()
	s := &e.standing
	s.mu.Lock()
	defer s.mu.Unlock()
	age := e.now().Sub(s.at)
	switch {
	case s.at.IsZero():
		return fmt.Errorf("%w: there is no block yet", ErrNotReady)
	case !s.witnessed:
		return fmt.Errorf("%w: it is catching up, at height %d", ErrNotReady, s.height)
	case age > stillBlocks*e.blockTime+freshness:
		return fmt.Errorf("%w: its newest block, %d, came %v ago", ErrNotReady, s.height, age.Round(time.Second))
	}
	return nil
}
