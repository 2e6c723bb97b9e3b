package fisherman

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// What waits to be judged is bounded by its bytes, but what is alone is judged whatever its size.
func TestDocketIsBounded(t *testing.T) {
	d := newDocket(10)
	for i, step := range []struct {
		size  int
		admit bool
	}{{100, true}, {1, false}, {-100, true}, {6, true}, {4, true}, {1, false}, {0, true}, {-4, true}, {5, false}, {4, true}} {
		if step.size < 0 {
			d.leave(-step.size)
		} else if got := d.admit(step.size); got != step.admit {
			t.Errorf("step %d: %d bytes admitted: %t", i, step.size, got)
		}
	}
}

// Checks are judged one at a time, and what was held up meanwhile is told from what was not.
func TestDocketJudgesOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		d := newDocket(10)
		if d.judged(start, time.Hour) {
			t.Error("judged before the first")
		}
		var workers sync.WaitGroup
		for range 3 {
			workers.Go(func() { d.judge(func() { time.Sleep(time.Second) }) })
		}
		time.Sleep(time.Second / 2)
		if !d.judged(start.Add(time.Second/4), time.Second/8) || d.judged(start.Add(-time.Second), time.Second) {
			t.Error("not the time of the first one")
		}
		workers.Wait()
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("three took %v", took)
		}
		if !d.judged(start.Add(2*time.Second+1), time.Hour) || d.judged(start.Add(3*time.Second), time.Hour) {
			t.Error("not the time of the last one")
		}
	})
}

// A check whose answers find no room is void as overload, and its answers are let go of.
func TestAnswersWithoutRoom(t *testing.T) {
	servicer := fakes.Start(t, fakes.Honest())
	n := newNetwork()
	n.ask, n.dial = seal, (&wire.Dialer{AllowPrivate: true}).Dial
	f := n.fisherman(t)
	defer f.pool.Close()
	f.docket.most = 1
	s := spec{rules: n.policy.Rules}
	s.Session, s.Question, s.Timeout = sessionOf(10, 10, 12, servicer.Actor()), testQuestion(t), n.policy.Timeout
	for _, waiting := range []int{0, 1} {
		f.docket.waiting = waiting
		s.Due = time.Now().Add(50 * time.Millisecond)
		observed, record := f.carryOut(t.Context(), s, f.pool)
		if overload := record.GetCause() == types.Cause_CAUSE_OVERLOAD; overload != (waiting > 0) {
			t.Errorf("with %d bytes waiting: %v", waiting, record)
		}
		if observed.Size() > 0 || f.docket.waiting != waiting {
			t.Errorf("%d bytes are kept, %d wait", observed.Size(), f.docket.waiting)
		}
	}
}
