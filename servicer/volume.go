package servicer

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// A queue of so many relays, or so many bytes, is full.
	maxQueuedRelays = 1024
	maxQueuedBytes  = 16 << 20
	// storeInterval is the pause between writes to the store: what comes meanwhile is written together, so that a busy
	// servicer does not wait for its disk relay by relay.
	storeInterval = 200 * time.Millisecond
	// storeTimeout is how long the store may take for one write.
	storeTimeout = time.Second
)

// VolumeStore keeps volume-applicable relays, durably.
type VolumeStore interface {
	// PutRelays stores relays. It may take its time and it may fail: no relay waits for it.
	PutRelays(ctx context.Context, relays []*types.VolumeRelay) error
}

// VolumeStats count what became of the volume-applicable relays.
type VolumeStats struct {
	// Stored relays were acknowledged by the store.
	Stored uint64
	// Dropped relays came while the queue was full.
	Dropped uint64
	// Failed relays were refused by the store.
	Failed uint64
}

// volumeQueue stands between relays and their store. It never makes a relay wait: when it is full, or nobody empties it,
// what comes is dropped and counted.
type volumeQueue struct {
	store  VolumeStore
	logger *slog.Logger
	// filled tells the writer that there is something.
	filled chan struct{}

	mu     sync.Mutex
	relays []*types.VolumeRelay
	bytes  int
	stats  VolumeStats
}

func newVolumeQueue(store VolumeStore, logger *slog.Logger) *volumeQueue {
	return &volumeQueue{store: store, logger: logger, filled: make(chan struct{}, 1)}
}

// offer hands a relay over, or drops it.
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

// run writes to the store until the context ends, and then what is left.
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

// write hands what is queued to the store.
func (q *volumeQueue) write() {
	q.mu.Lock()
	relays := q.relays
	q.relays, q.bytes = nil, 0
	q.mu.Unlock()
	if len(relays) == 0 {
		return
	}
	// Not the context of run: what is queued is written also when the servicer stops.
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	err := q.store.PutRelays(ctx, relays)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.stats.Failed += uint64(len(relays))
		q.logger.Warn("volume-applicable relays were not stored", "relays", len(relays), "error", err)
		return
	}
	q.stats.Stored += uint64(len(relays))
}

func (q *volumeQueue) counted() VolumeStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stats
}
