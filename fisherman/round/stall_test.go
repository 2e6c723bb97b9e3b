package round

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestStallWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, waited := range []time.Duration{0, time.Millisecond, stallInterval, time.Minute} {
			stalls := newStallWatch()
			time.Sleep(waited)
			if got := stalls.end(); got > 0 {
				t.Errorf("a stall of %v in %v", got, waited)
			}
		}
	})
}

// A stall counts from the moment that the watch was made, also when it kept the watch itself from beginning.
func TestStallBeforeTheWatchRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stalls := &stallWatch{stop: make(chan struct{}), worst: make(chan time.Duration, 1)}
		go stalls.run(time.Now().Add(-time.Second))
		if got := stalls.end(); got != time.Second-stallInterval {
			t.Errorf("a stall of %v", got)
		}
	})
}
