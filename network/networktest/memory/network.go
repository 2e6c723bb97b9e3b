package memory

import (
	"context"
	"fmt"
	"sync"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Network has heads and sessions as a test sets them. Its zero value is ready; many goroutines may use it.
type Network struct {
	mu          sync.Mutex
	latest      types.Head
	subscribers map[chan types.Head]struct{}
	// sessions are in the order of the heights that they are current from.
	sessions []current
}

// current are the sessions from a height on.
type current struct {
	from     int64
	sessions []*types.Session
}

// Publish commits a head and hands it to every subscriber without waiting for any. A head that is not above the latest is
// ignored.
func (n *Network) Publish(head types.Head) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if head.Height <= n.latest.Height {
		return
	}
	n.latest = head
	for slot := range n.subscribers {
		select {
		case <-slot:
		default:
		}
		slot <- head
	}
}

// Subscribe implements fisherman.Heads. The latest head is received at once if it was witnessed.
func (n *Network) Subscribe() (heads <-chan types.Head, cancel func()) {
	slot := make(chan types.Head, 1)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.subscribers == nil {
		n.subscribers = make(map[chan types.Head]struct{})
	}
	n.subscribers[slot] = struct{}{}
	if n.latest.Height > 0 && !n.latest.CatchingUp {
		slot <- n.latest
	}
	return slot, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.subscribers, slot)
	}
}

// SetSessions makes sessions the fisherman's from a height on, above those of earlier calls, instead of the ones before.
func (n *Network) SetSessions(from int64, sessions ...*types.Session) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sessions = append(n.sessions, current{from, sessions})
}

// Sessions implements fisherman.Sessions. Heights above the latest head are an error.
func (n *Network) Sessions(ctx context.Context, height int64) ([]*types.Session, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if height > n.latest.Height {
		return nil, fmt.Errorf("height %d is not committed", height)
	}
	var at []*types.Session
	for _, c := range n.sessions {
		if c.from <= height {
			at = c.sessions
		}
	}
	return at, ctx.Err()
}
