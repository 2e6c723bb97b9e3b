package fisherman

import (
	"slices"
	"sync"
	"time"
)

const (
	// mostAnswers bounds the answers that are being read or wait to be judged, in bytes over all checks: two checks of 24
	// servicers with the largest ones. The one that is judged takes about as much again as its answers.
	mostAnswers = 48 << 20
	// mostAside is the most bytes of answers that a check opens, which is mostly to verify signatures, while another one is
	// judged. More are opened in the check's turn.
	mostAside = 256 << 10
)

// docket has the checks that wait to be judged. They are judged one at a time, so that judging takes no more than one
// processor away from sending and reading; what is large is opened in such a turn too.
type docket struct {
	// turn has one place, for the check that is being judged.
	turn chan struct{}

	mu sync.Mutex
	// since when a check is being judged; zero when none is.
	since time.Time
	// last are the times when one was, as far as they are remembered: spans in all.
	last  [64]span
	spans int
}

// span is from a moment until another.
type span struct{ from, until time.Time }

func newDocket() *docket { return &docket{turn: make(chan struct{}, 1)} }

// judge waits for its turn and runs a judgement.
func (d *docket) judge(judgement func()) {
	d.turn <- struct{}{}
	defer func() { <-d.turn }()
	d.begin(time.Now())
	defer func() { d.end(time.Now()) }()
	judgement()
}

func (d *docket) begin(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.since = now
}

func (d *docket) end(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last[d.spans%len(d.last)] = span{d.since, now}
	d.spans++
	d.since = time.Time{}
}

// judged reports whether a check was being judged at some time after a moment, for so long, as far as that is remembered.
func (d *docket) judged(moment time.Time, length time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	end := moment.Add(length)
	if !d.since.IsZero() && d.since.Before(end) {
		return true
	}
	return slices.ContainsFunc(d.last[:min(d.spans, len(d.last))], func(s span) bool { return s.from.Before(end) && s.until.After(moment) })
}
