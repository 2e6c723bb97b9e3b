package fisherman

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"
)

// clockEvery is how often the clock wakes up: as often as rounds fall due with 9 600 servicers.
const clockEvery = 5 * time.Millisecond

// clock is the floor of how late a check is released: a process that sleeps until a moment, again and again, and does nothing
// else. The machine does not run any other program sooner.
type clock struct{ *child }

func startClock(b testing.TB) clock { return clock{startChild(b, "clock")} }

// late returns how late it has woken up so far.
func (c clock) late() (times []time.Duration) {
	c.b.Helper()
	c.ask(struct{}{}, &times)
	return times
}

func playClock(told *json.Decoder, said *json.Encoder) error {
	var mu sync.Mutex
	var late []time.Duration
	go func() { // until the process ends
		for {
			due := time.Now().Add(clockEvery)
			time.Sleep(clockEvery)
			mu.Lock()
			late = append(late, time.Since(due))
			mu.Unlock()
		}
	}()
	for {
		if err := told.Decode(new(struct{})); err != nil {
			return ignoreEnd(err)
		}
		mu.Lock()
		times := slices.Clone(late)
		mu.Unlock()
		if err := said.Encode(times); err != nil {
			return err
		}
	}
}
