package terminal

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// eraseLine brings the cursor to the beginning of its line and clears it.
	eraseLine = "\r\x1b[K"
	// waitingEvery is how often a waiting line is drawn anew; a shorter wait shows none.
	waitingEvery = time.Second
)

// Waiting shows on a terminal what a command waits for, and for how long already; elsewhere nothing. The line is gone
// when done returns.
func Waiting(out io.Writer, what string) (done func()) {
	if _, is := File(out); !is {
		return func() {}
	}
	return drawWaiting(out, what)
}

// drawWaiting fails silently: the line is a courtesy.
func drawWaiting(out io.Writer, what string) (done func()) {
	ended := make(chan struct{})
	var drawing sync.WaitGroup
	drawing.Go(func() {
		ticks := time.NewTicker(waitingEvery)
		defer ticks.Stop()
		for began := time.Now(); ; {
			select {
			case <-ended:
				_, _ = io.WriteString(out, eraseLine)
				return
			case now := <-ticks.C:
				_, _ = fmt.Fprintf(out, "%s%s %s", eraseLine, what, now.Sub(began).Round(time.Second))
			}
		}
	})
	return func() {
		close(ended)
		drawing.Wait()
	}
}
