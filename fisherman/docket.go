package fisherman

import (
	"sync"
	"time"
)

// mostAwaiting bounds the answers that wait to be judged, in bytes: four checks of 24 servicers with the largest ones.
const mostAwaiting = 96 << 20

// docket has the checks that wait to be judged. They are judged one at a time, so that judging takes no more than one
// processor away from sending and reading, and no more of them wait than there is room for.
type docket struct {
	most int
	// turn has one place, for the check that is being judged.
	turn chan struct{}

	mu sync.Mutex
	// waiting bytes.
	waiting int
	// from when until when a check was judged last; until is zero while one is.
	from, until time.Time
}

func newDocket(most int) *docket { return &docket{most: most, turn: make(chan struct{}, 1)} }

// admit makes room for a check's answers of a size in bytes; false when there is none. A check alone is always admitted: its
// answers are in memory already. Leave has to follow.
func (d *docket) admit(size int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting > 0 && d.waiting+size > d.most {
		return false
	}
	d.waiting += size
	return true
}

func (d *docket) leave(size int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting -= size
}

// judge waits for its turn and runs a judgement.
func (d *docket) judge(judgement func()) {
	d.turn <- struct{}{}
	defer func() { <-d.turn }()
	d.note(time.Now(), time.Time{})
	judgement()
	d.note(d.from, time.Now())
}

func (d *docket) note(from, until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.from, d.until = from, until
}

// judged reports whether a check was being judged at some time after a moment, for so long.
func (d *docket) judged(moment time.Time, length time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.from.IsZero() && d.from.Before(moment.Add(length)) && (d.until.IsZero() || d.until.After(moment))
}
