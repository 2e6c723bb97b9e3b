package alerts

import (
	"slices"
	"sync"

	"github.com/pocket-fisherman/fisherman/alerts/machine"
)

// queueSize is how many messages wait for a receiver; the oldest give way.
const queueSize = 32

// queue holds the messages for a receiver, oldest first. It may be used by many goroutines at once.
type queue struct {
	// ready is signalled when a message can be taken.
	ready chan struct{}

	mu      sync.Mutex
	waiting []machine.Message
	// committed is how many of the first are stored: only these are sent.
	committed             int
	sent, failed, dropped uint64
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

// push adds a message.
func (q *queue) push(message machine.Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == queueSize {
		q.waiting = slices.Delete(q.waiting, 0, 1)
		q.committed = max(0, q.committed-1)
		q.dropped++
	}
	q.waiting = append(q.waiting, message)
}

// commit lets all messages be sent.
func (q *queue) commit() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.committed = len(q.waiting); q.committed > 0 {
		select {
		case q.ready <- struct{}{}:
		default:
		}
	}
}

// first returns the oldest message that can be sent.
func (q *queue) first() (machine.Message, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.committed == 0 {
		return machine.Message{}, false
	}
	return q.waiting[0], true
}

// done removes a message that was sent or given up. It may have been dropped meanwhile, and counts as that then unless it
// was sent.
func (q *queue) done(id string, taken bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.IndexFunc(q.waiting, func(m machine.Message) bool { return m.ID == id })
	if at >= 0 {
		q.waiting = slices.Delete(q.waiting, at, at+1)
		q.committed = max(0, q.committed-1)
	}
	switch {
	case taken:
		q.sent++
		if at < 0 {
			q.dropped--
		}
	case at >= 0:
		q.failed++
	}
}

// has reports whether a message still waits.
func (q *queue) has(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.ContainsFunc(q.waiting, func(m machine.Message) bool { return m.ID == id })
}

// messages returns the messages that wait.
func (q *queue) messages() []machine.Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.waiting)
}

func (q *queue) stats() ReceiverStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return ReceiverStats{Sent: q.sent, Failed: q.failed, Dropped: q.dropped, Queued: len(q.waiting)}
}
