package heads

import (
	"bytes"
	"sync"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Publisher publishes committed blocks to any number of subscribers. A busy subscriber misses heads rather than delaying
// the chain: only the latest head that it has not received yet waits for it. The zero value is ready.
type Publisher struct {
	mu          sync.Mutex
	latest      types.Head
	published   bool
	subscribers map[chan types.Head]struct{}
}

// Subscribe returns a channel of heads and a function that ends the subscription, which may be called more than once.
// If the latest head was witnessed, it is received at once. The channel is never closed. Receivers share a head's block
// hash and must not change it.
func (h *Publisher) Subscribe() (heads <-chan types.Head, cancel func()) {
	slot := make(chan types.Head, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subscribers == nil {
		h.subscribers = make(map[chan types.Head]struct{})
	}
	h.subscribers[slot] = struct{}{}
	if h.published && !h.latest.CatchingUp {
		slot <- h.latest
	}
	return slot, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subscribers, slot)
	}
}

// Latest returns the head that was published last, witnessed or not; false before the first.
func (h *Publisher) Latest() (types.Head, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.latest, h.published
}

// Publish sends the head to every subscriber without waiting for any of them.
func (h *Publisher) Publish(head types.Head) {
	head.BlockHash = bytes.Clone(head.BlockHash)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.latest, h.published = head, true
	for slot := range h.subscribers {
		select {
		case <-slot:
		default:
		}
		// The slot is free and stays free: only Publish and Subscribe fill it, both under the lock.
		slot <- head
	}
}
