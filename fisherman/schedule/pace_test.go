package schedule_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
)

var epoch = time.Unix(1_700_000_000, 0)

func after(seconds float64) time.Time {
	return epoch.Add(time.Duration(seconds * float64(time.Second)))
}

func TestObserve(t *testing.T) {
	known := schedule.Pace{Height: 10, At: epoch, Interval: 4 * time.Second}
	for name, test := range map[string]struct {
		pace   schedule.Pace
		height int64
		at     time.Time
		want   schedule.Pace
	}{
		"first head":         {schedule.Pace{Interval: 4 * time.Second}, 7, after(9), schedule.Pace{Height: 7, At: after(9), Interval: 4 * time.Second}},
		"as expected":        {known, 11, after(4), schedule.Pace{Height: 11, At: after(4), Interval: 4 * time.Second}},
		"slower":             {known, 11, after(8), schedule.Pace{Height: 11, At: after(8), Interval: 5 * time.Second}},
		"faster":             {known, 11, after(2), schedule.Pace{Height: 11, At: after(2), Interval: 3500 * time.Millisecond}},
		"heads skipped":      {known, 14, after(32), schedule.Pace{Height: 14, At: after(32), Interval: 5 * time.Second}},
		"stood still":        {known, 11, after(3600), schedule.Pace{Height: 11, At: after(3600), Interval: 7 * time.Second}},
		"same height":        {known, 10, after(4), known},
		"lower height":       {known, 9, after(4), known},
		"at the same moment": {known, 11, epoch, schedule.Pace{Height: 11, At: epoch, Interval: 4 * time.Second}},
		"clock set back":     {known, 11, after(-5), schedule.Pace{Height: 11, At: after(-5), Interval: 4 * time.Second}},
	} {
		if got := test.pace.Observe(test.height, test.at); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

func TestSpans(t *testing.T) {
	for _, test := range []struct {
		start, blocks int64
		want          schedule.Span
	}{
		{0, 10, schedule.Span{Start: 1, End: 10}},
		{10, 10, schedule.Span{Start: 10, End: 20}},
		{0, 1, schedule.Span{Start: 1, End: 1}},
		{0, 2, schedule.Span{Start: 1, End: 2}},
		{7, 1, schedule.Span{Start: 7, End: 8}},
	} {
		if got := schedule.NewSpan(test.start, test.blocks); got != test.want {
			t.Errorf("%d blocks from %d: %+v", test.blocks, test.start, got)
		}
	}
}

func TestDue(t *testing.T) {
	span, pace := schedule.NewSpan(10, 10), schedule.Pace{Height: 10, At: epoch, Interval: 2 * time.Second}
	for name, test := range map[string]struct {
		pace     schedule.Pace
		span     schedule.Span
		position float64
		want     float64
	}{
		"start of the session":       {pace, span, 0, 0},
		"middle":                     {pace, span, 0.5, 10},
		"end":                        {pace, span, 1, 20},
		"from a later head":          {schedule.Pace{Height: 14, At: epoch, Interval: 2 * time.Second}, span, 0.5, 2},
		"in the past":                {schedule.Pace{Height: 16, At: epoch, Interval: 2 * time.Second}, span, 0.5, -2},
		"before the session":         {schedule.Pace{Height: 5, At: epoch, Interval: 2 * time.Second}, span, 0, 10},
		"at the head after its end":  {schedule.Pace{Height: 20, At: epoch, Interval: 2 * time.Second}, span, 0.999, -0.02},
		"first session, first block": {schedule.Pace{Height: 1, At: epoch, Interval: time.Second}, schedule.NewSpan(0, 10), 0, 0},
		"first session, end":         {schedule.Pace{Height: 1, At: epoch, Interval: time.Second}, schedule.NewSpan(0, 10), 1, 9},
	} {
		if got := test.pace.Due(test.span, test.position); got.Sub(after(test.want)).Abs() > time.Microsecond {
			t.Errorf("%s: %v after the head, want %vs", name, got.Sub(epoch), test.want)
		}
	}
}

// At a head what was due in the blocks before it is due in the past, and what is left is due in the future: whatever the
// pace was believed to be.
func TestDueFollowsTheChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start, blocks := rapid.Int64Range(0, 1000).Draw(t, "start"), rapid.Int64Range(2, 200).Draw(t, "blocks")
		span := schedule.NewSpan(start, blocks)
		height := rapid.Int64Range(span.Start, span.End).Draw(t, "height")
		pace := schedule.Pace{Height: height, At: epoch, Interval: time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(time.Hour)).Draw(t, "interval"))}
		position := rapid.Float64Range(0, 1-1e-9).Draw(t, "position")
		reached := position * float64(span.End-span.Start)
		due := pace.Due(span, position)
		if passed := float64(height - span.Start); reached < passed-1e-6 && due.After(epoch) || reached > passed+1e-6 && due.Before(epoch) {
			t.Fatalf("%v blocks of %v at %v: due %v", reached, passed, position, due.Sub(epoch))
		}
	})
}

// Blocks that drift to three times the interval, or to a third, move checks with them: with the pace corrected at each
// head, a check falls due within a part of a block of where the chain then is.
func TestPaceUnderDrift(t *testing.T) {
	for name, factor := range map[string]float64{"three times": 3, "a third": 1.0 / 3, "steady": 1} {
		const blocks = 40
		span := schedule.NewSpan(100, blocks)
		pace := schedule.Pace{Interval: time.Second}
		at := epoch
		heads := []time.Time{}
		estimates := make(map[int][]time.Time)
		for block := range int64(blocks + 1) {
			pace = pace.Observe(span.Start+block, at)
			heads = append(heads, at)
			for index := range 2 * blocks {
				estimates[index] = append(estimates[index], pace.Due(span, (float64(index)+0.5)/(2*blocks)))
			}
			// The interval drifts over the session.
			at = at.Add(time.Duration(float64(time.Second) * math.Pow(factor, float64(block)/blocks)))
		}
		for index, dues := range estimates {
			// The estimate that counts is the one at the last head before the check.
			block := index / 2
			from, to := heads[block], heads[block+1]
			truth := from.Add(time.Duration((float64(index%2)/2 + 0.25) * float64(to.Sub(from))))
			if off := dues[block].Sub(truth).Abs(); off > to.Sub(from)/4 {
				t.Errorf("%s: check %d is off by %v of a block of %v", name, index, off, to.Sub(from))
			}
		}
	}
}

// The estimate reaches a sudden change within few blocks, and stays above zero.
func TestPaceReachesAChange(t *testing.T) {
	for _, actual := range []time.Duration{time.Nanosecond, 300 * time.Millisecond, 3 * time.Second, 40 * time.Second} {
		pace, at := schedule.Pace{Interval: time.Second}, epoch
		for height := range int64(200) {
			pace = pace.Observe(height+1, at)
			at = at.Add(actual)
			if pace.Interval <= 0 {
				t.Fatalf("interval %v", pace.Interval)
			}
			if off := math.Abs(float64(pace.Interval-actual)) / float64(actual); height == 20 && actual > time.Millisecond && off > 0.05 {
				t.Errorf("%v after 20 blocks of %v", pace.Interval, actual)
			}
		}
	}
}
