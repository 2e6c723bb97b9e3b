package servicer

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// Bounds of the queue, in relays and in bytes.
	maxQueuedRelays = 1024
	maxQueuedBytes  = 16 << 20
	// storeInterval is the pause between writes to the store: relays that arrive in between are written together, so
	// that a busy servicer does not wait for its disk for every relay.
	storeInterval = 200 * time.Millisecond
	// storeTimeout bounds one write to the store.
	storeTimeout = time.Second
)

// VolumeStore stores volume-applicable relays durably.
type VolumeStore interface {
	// PutRelays stores relays. It may be slow and it may fail: no relay waits for it.
	PutRelays(ctx context.Context, relays []*types.VolumeRelay) error
}

// VolumeStats count what became of the volume-applicable relays.
type VolumeStats struct {
	// Stored relays were acknowledged by the store.
	Stored uint64
	// Dropped relays arrived while the queue was full.
	Dropped uint64
	// Failed relays were refused by the store.
	Failed uint64
}

// volumeQueue is the queue between relays and their store. It never makes a relay wait: while it is full, new relays
// are dropped and counted.
type volumeQueue struct {
	store  VolumeStore
	logger *slog.Logger
	// filled wakes the writer when relays are queued.
	filled chan struct{}

	mu     sync.Mutex
	relays []*types.VolumeRelay
	bytes  int
	stats  VolumeStats
}

func newVolumeQueue(store VolumeStore, logger *slog.Logger) *volumeQueue {
	return &volumeQueue{store: store, logger: logger, filled: make(chan struct{}, 1)}
}

// offer queues a relay, or drops it.
func (q *volumeQueue) offer(relayed *types.VolumeRelay) {
	size := len(relayed.GetRequest()) + len(relayed.GetResponse())
	q.mu.Lock()
	if len(q.relays) >= maxQueuedRelays || q.bytes+size > maxQueuedBytes {
		q.stats.Dropped++
		q.mu.Unlock()
		return
	}
	q.relays = append(q.relays, relayed)
	q.bytes += size
	q.mu.Unlock()
	select {
	case q.filled <- struct{}{}:
	default:
	}
}

// run writes queued relays to the store until the context ends, and then the remaining ones.
func (q *volumeQueue) run(ctx context.Context) {
	pause := time.NewTimer(storeInterval)
	defer pause.Stop()
	for {
		select {
		case <-q.filled:
		case <-ctx.Done():
			q.write()
			return
		}
		pause.Reset(storeInterval)
		select {
		case <-pause.C:
			q.write()
		case <-ctx.Done():
		}
	}
}

// write writes the queued relays to the store.
func (q *volumeQueue) write() {
	q.mu.Lock()
	relays := q.relays
	q.relays, q.bytes = nil, 0
	q.mu.Unlock()
	if len(relays) == 0 {
		return
	}
	// Not the context of run: queued relays are written even when the servicer stops.
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	err := q.store.PutRelays(ctx, relays)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.stats.Failed += uint64(len(relays))
		q.logger.Warn("volume-applicable relays could not be stored", "relays", len(relays), "error", err)
		return
	}
	q.stats.Stored += uint64(len(relays))
}

func (q *volumeQueue) counted() VolumeStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stats
}
