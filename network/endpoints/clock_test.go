package endpoints

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/network/networktest"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func TestClockHeads(t *testing.T) {
	networktest.RunHeads(t, func(*testing.T) (fisherman.Heads, func(types.Head)) {
		c := &clock{}
		return c, c.Publish
	})
}

// Heights are Unix seconds: at whole ones when the clock is aligned, at any moment otherwise.
func TestClockAlignment(t *testing.T) {
	now := time.Unix(1_000_000, 300_000_000)
	for aligned, begins := range map[bool]time.Time{true: time.Unix(1_000_000, 0), false: now} {
		var c clock
		c.set(now, aligned)
		if got := c.time(1_000_000); !got.Equal(begins) {
			t.Errorf("aligned %t: height 1000000 is at %v, want %v", aligned, got, begins)
		}
		if got := c.height(begins.Add(10*tick - 1)); got != 1_000_009 {
			t.Errorf("aligned %t: height %d", aligned, got)
		}
		if got := c.height(begins.Add(10 * tick)); got != 1_000_010 {
			t.Errorf("aligned %t: height %d", aligned, got)
		}
	}
}

// A wall clock that is set back moves nothing; one that is far ahead, as after the machine slept, is followed.
func TestClockFollowsTheWallClockAhead(t *testing.T) {
	// A moment without a monotonic part has its wall clock alone; Sub then goes by that, so the start is moved instead.
	start := time.Now()
	var c clock
	c.set(start, true)
	base := c.height(start)
	if got := c.height(start.Add(time.Hour)); got != base+3600 {
		t.Errorf("an hour later: %d, want %d", got, base+3600)
	}
	c.base -= 7200 // as after two hours in which the monotonic clock stood still
	if got := c.height(start.Add(time.Hour)); got != base+3600 {
		t.Errorf("after a sleep: %d, want %d", got, base+3600)
	}
	if got := c.time(base + 3600); got.Sub(start.Add(time.Hour)).Abs() > tick {
		t.Errorf("height %d is at %v", base+3600, got)
	}
	c.base += 7200 // as after the wall clock was set back by two hours
	if got := c.height(start.Add(time.Hour)); got != base+3600+7200 {
		t.Errorf("after it was set back: %d, want %d", got, base+3600+7200)
	}
}

// Whatever the wall clock does, heights never fall, and rise by a second in a second.
func TestHeightsRise(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		now := time.Now()
		var c clock
		c.set(now, rapid.Bool().Draw(r, "aligned"))
		before := c.height(now)
		for range rapid.IntRange(1, 30).Draw(r, "steps") {
			if rapid.IntRange(0, 4).Draw(r, "jump") == 0 {
				c.mu.Lock()
				c.base += rapid.Int64Range(-100_000, 100_000).Draw(r, "apart")
				c.mu.Unlock()
				before = min(before, c.height(now)) // by hand
			}
			step := time.Duration(rapid.Int64Range(0, int64(5*time.Second)).Draw(r, "step"))
			now = now.Add(step)
			height := c.height(now)
			if height < before {
				r.Fatalf("%d after %d", height, before)
			}
			if now.Unix()-height > int64(mostBehind/tick) {
				r.Fatalf("%d at %d", height, now.Unix())
			}
			if moment := c.time(height); moment.After(now) {
				r.Fatalf("height %d is at %v, which is after %v", height, moment, now)
			}
			before = height
		}
	})
}

// Heads come one a second, each once, until the context ends.
func TestClockRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock
		c.set(time.Now(), true)
		heads, cancel := c.Subscribe()
		defer cancel()
		ctx, end := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { c.run(ctx) })
		first := <-heads
		began := time.Now()
		for n := range int64(10) {
			if head := <-heads; head.Height != first.Height+n+1 || time.Since(began) != time.Duration(n+1)*tick || head.CatchingUp {
				t.Errorf("head %+v after %v", head, time.Since(began))
			}
		}
		end()
		running.Wait()
	})
}

// A wait for a height ends early when the clock jumps ahead, and with its context.
func TestSleepUntilHeight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock
		c.set(time.Now(), true)
		began := time.Now()
		base := c.height(began)
		if !c.sleepUntil(t.Context(), base+100, 11*tick) || time.Since(began) != 89*tick {
			t.Errorf("waited %v", time.Since(began))
		}
		began = time.Now()
		time.AfterFunc(5*tick, func() {
			c.mu.Lock()
			c.base += 10_000
			c.mu.Unlock()
		})
		if !c.sleepUntil(t.Context(), base+5000, 0) || time.Since(began) > 7*tick {
			t.Errorf("waited %v for a height that was reached after 5 s", time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*tick)
		defer cancel()
		began = time.Now()
		if c.sleepUntil(ctx, base+100_000, 0) || time.Since(began) != 3*tick {
			t.Errorf("waited %v", time.Since(began))
		}
	})
}
