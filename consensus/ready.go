package consensus

import (
	"fmt"
	"sync"
	"time"
)

// stillBlocks is the number of block times after which the newest block of a chain that stands still is no longer
// fresh.
const stillBlocks = 10

// standing is the engine's newest head.
type standing struct {
	mu sync.Mutex
	// witnessed reports whether the newest head was witnessed; at is when it was published, the zero time before the
	// first.
	witnessed bool
	height    int64
	at        time.Time
}

func (s *standing) note(height int64, witnessed bool, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.height, s.witnessed, s.at = height, witnessed, at
}

// Ready returns nil while the node keeps up with its chain: it runs, it witnessed the newest block, and that was at
// most ten block times plus the maximum age of a witnessed head ago. Otherwise it returns ErrNotReady with the reason.
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
