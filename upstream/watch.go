package upstream

import (
	"context"
	"time"
)

const (
	// startTries is how often a node may fail to answer at first: it may be starting too, in this very process.
	startTries = 4
	startPause = time.Second
	// downPause is the pause between two looks while the node does not answer.
	downPause = 5 * time.Second
	// suspectPause is the pause before a suspicion is looked into, so that there is at most a look a second.
	suspectPause = time.Second
)

// Watch finds out whether a node answers: when it is run, while the node does not answer, and when somebody suspects that it
// does not. A node that answers is not asked again otherwise, because its requests may cost money.
type Watch struct {
	ask       func(context.Context) error
	down      func(error)
	up        func(after time.Duration)
	suspected chan struct{}
}

// NewWatch returns a watch of a node. ask asks it something cheap, within a time; down is called once it does not answer, and
// up when it answers after that.
func NewWatch(ask func(context.Context) error, down func(error), up func(after time.Duration)) *Watch {
	return &Watch{ask: ask, down: down, up: up, suspected: make(chan struct{}, 1)}
}

// Suspect notes that the node may not answer. It does not block.
func (w *Watch) Suspect() {
	select {
	case w.suspected <- struct{}{}:
	default:
	}
}

// Run watches until the context ends.
func (w *Watch) Run(ctx context.Context) {
	var since time.Time // when it was found down; zero while it is not
	for tries := 1; ; tries++ {
		err := w.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		pause := downPause
		switch {
		case err == nil:
			if !since.IsZero() {
				w.up(time.Since(since))
				since = time.Time{}
			}
			tries = startTries // the start is over
			select {
			case <-w.suspected:
			case <-ctx.Done():
				return
			}
			pause = suspectPause
		case since.IsZero() && tries < startTries:
			pause = startPause
		case since.IsZero():
			since = time.Now()
			w.down(err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}
