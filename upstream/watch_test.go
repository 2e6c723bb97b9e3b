package upstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// watched is a watch of a node that answers or not, with what the watch said and how often it asked.
type watched struct {
	*Watch
	mu    sync.Mutex // of the fields below
	fails error
	asked int
	said  []string
}

func newWatched(t *testing.T, fails error) *watched {
	t.Helper()
	w := &watched{fails: fails}
	w.Watch = NewWatch(
		func(context.Context) error { return w.ask() },
		func(err error) { w.say("down: " + err.Error()) },
		func(after time.Duration) { w.say(fmt.Sprint("up after ", after)) })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); w.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return w
}

func (w *watched) ask() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	return w.fails
}

func (w *watched) say(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, what)
}

// fail has the node answer with an error from now on; nil for well.
func (w *watched) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fails = err
}

// state returns how often the node was asked, and what was said, once everything has come to rest.
func (w *watched) state() (asked int, said []string) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked, slices.Clone(w.said)
}

func (w *watched) want(t *testing.T, wantAsked int, wantSaid ...string) {
	t.Helper()
	if asked, said := w.state(); asked != wantAsked || !slices.Equal(said, wantSaid) {
		t.Errorf("asked %d times, said %q; want %d, %q", asked, said, wantAsked, wantSaid)
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
		w.fail(nil)
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
		before, said := w.state()
		if before > 13 || before < 10 || len(said) > 0 {
			t.Errorf("asked %d times, said %q", before, said)
		}
		w.fail(errors.New("refused"))
		w.Suspect()
		time.Sleep(time.Second)
		w.want(t, before+1, "down: refused")
	})
}

func TestWatchOfANodeThatIsStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, errors.New("refused"))
		time.Sleep(1500 * time.Millisecond)
		w.fail(nil)
		time.Sleep(time.Minute)
		w.want(t, 3)
	})
}
