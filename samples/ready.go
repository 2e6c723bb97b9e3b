package samples

import (
	"context"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/shared/pause"
)

const (
	// readySessions is how many of the newest sessions are kept ready, and readyEvery how often those that ended are looked for.
	readySessions = 1000
	readyEvery    = 5 * time.Second
	// readyRest is how many times as long as a session took the next one waits.
	readyRest = 9
)

// KeepReady sums the newest sessions up before anybody asks for them, until the context ends: after a start those that are stored,
// later those that are closed meanwhile. So the first report takes no longer than others. It uses a tenth of a processor at most.
// Sessions that cannot be read are left to those who ask.
func (r *Reader) KeepReady(ctx context.Context) {
	again := time.NewTicker(readyEvery)
	defer again.Stop()
	var failed map[string]modules.Stamp
	for {
		failed = r.makeReady(ctx, failed)
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

// makeReady sums up what is not ready, the newest first, but not what failed before and is the same. It returns what fails.
func (r *Reader) makeReady(ctx context.Context, before map[string]modules.Stamp) (failed map[string]modules.Stamp) {
	list, err := r.list(ctx)
	if err != nil {
		return before
	}
	failed = make(map[string]modules.Stamp)
	for _, listed := range slices.Backward(list[max(0, len(list)-readySessions):]) {
		id := listed.Session.GetHeader().GetId()
		if !listed.Session.GetClosed() {
			continue
		}
		if stamp, is := before[id]; is && stamp == listed.Stamp {
			failed[id] = stamp
			continue
		}
		began := time.Now()
		summed, err := r.digests.ready(ctx, &listed)
		if err != nil {
			failed[id] = listed.Stamp
		}
		if summed && pause.For(ctx, readyRest*time.Since(began)) != nil {
			return failed
		}
	}
	return failed
}
