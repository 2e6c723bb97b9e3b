package endpoints

import (
	"context"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/heads"
)

const (
	// tick is the time between two heights.
	tick = time.Second
	// mostBehind is how far the clock may be behind the wall clock, which it leaves out when it is set back.
	mostBehind = 2 * tick
)

// clock counts seconds. Its heights are those of the Unix epoch, and rise with the monotonic clock, so that a wall clock
// that is set back moves no session. One that is far ahead, as after the machine slept, is followed.
type clock struct {
	heads.Publisher

	mu sync.Mutex
	// start is the moment of the height base.
	start time.Time
	base  int64
}

// set starts the clock: at a whole second of the wall clock, or, when it is aligned to nothing, now.
func (c *clock) set(now time.Time, aligned bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start, c.base = now, now.Unix()
	if aligned {
		c.start = now.Add(-time.Duration(now.Nanosecond()))
	}
}

// height returns the height at a moment.
func (c *clock) height(now time.Time) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	height := c.base + int64(now.Sub(c.start)/tick)
	if wall := now.Unix(); wall-height > int64(mostBehind/tick) {
		c.base += wall - height
		height = wall
	}
	return height
}

// time returns the moment of a height, as far as is known now.
func (c *clock) time(height int64) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.start.Add(time.Duration(height-c.base) * tick)
}

// sleepUntil waits until some time before a height, and reports whether that was reached before the context ended. The
// clock may go on by more than the time that passes here, as when the machine sleeps.
func (c *clock) sleepUntil(ctx context.Context, height int64, before time.Duration) bool {
	for {
		now := time.Now()
		c.height(now)
		left := c.time(height).Add(-before).Sub(now)
		if left <= 0 {
			return ctx.Err() == nil
		}
		if !sleepUntil(ctx, now.Add(min(left, tick))) {
			return false
		}
	}
}

// run publishes heights until the context ends.
func (c *clock) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	published := int64(-1)
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := time.Now()
		if height := c.height(now); height > published {
			c.Publish(types.Head{Height: height, Time: now})
			published = height
		}
		timer.Reset(max(time.Until(c.time(published+1)), time.Millisecond))
	}
}
