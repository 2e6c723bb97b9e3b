package upstream

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// watched is a watch of a node that answers or not, with what the watch said and how often it asked.
type watched struct {
	*Watch
	fails error
	asked int
	said  []string
}

func newWatched(t *testing.T, fails error) *watched {
	t.Helper()
	w := &watched{fails: fails}
	w.Watch = NewWatch(
		func(context.Context) error { w.asked++; return w.fails },
		func(err error) { w.said = append(w.said, "down: "+err.Error()) },
		func(after time.Duration) { w.said = append(w.said, fmt.Sprint("up after ", after)) })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); w.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return w
}

func (w *watched) want(t *testing.T, asked int, said ...string) {
	t.Helper()
	synctest.Wait()
	if w.asked != asked || fmt.Sprint(w.said) != fmt.Sprint(said) {
		t.Errorf("asked %d times, said %q; want %d, %q", w.asked, w.said, asked, said)
	}
}

func TestWatchOfANodeThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, errors.New("refused"))
		w.want(t, 1) // it may be starting
		time.Sleep(3 * time.Second)
		w.want(t, 4, "down: refused")
		time.Sleep(time.Minute)
		w.want(t, 16, "down: refused") // said once
		w.fails = nil
		time.Sleep(5 * time.Second)
		w.want(t, 17, "down: refused", "up after 1m5s")
		time.Sleep(time.Hour)
		w.want(t, 17, "down: refused", "up after 1m5s")
	})
}

func TestWatchOfANodeThatAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, nil)
		time.Sleep(time.Hour)
		w.want(t, 1)
		// Suspicions are looked into, at most one a second.
		for range 1000 {
			w.Suspect()
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		if synctest.Wait(); w.asked > 13 || w.asked < 10 || len(w.said) > 0 {
			t.Errorf("asked %d times, said %q", w.asked, w.said)
		}
		before := w.asked
		w.fails = errors.New("refused")
		w.Suspect()
		time.Sleep(time.Second)
		w.want(t, before+1, "down: refused")
	})
}

func TestWatchOfANodeThatIsStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, errors.New("refused"))
		time.Sleep(1500 * time.Millisecond)
		w.fails = nil
		time.Sleep(time.Minute)
		w.want(t, 3)
	})
}
