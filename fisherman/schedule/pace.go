package schedule

import "time"

const (
	// smoothing is how much of a new observation enters the estimated block interval.
	smoothing = 0.25
	// mostSeen bounds an observation, in estimated intervals: a chain that stood still says little about its next blocks.
	mostSeen = 4
)

// Pace follows the chain: the last head and how long blocks take.
type Pace struct {
	// Height of the last head, and when this machine learned of it.
	Height int64
	At     time.Time
	// Interval is the estimated time between blocks.
	Interval time.Duration
}

// Observe returns the pace after a head. The interval is an exponential moving average over witnessed neighbours; gaps
// in height are averaged over the blocks in them, and one observation counts as at most mostSeen intervals. A head that
// is not above the last one changes nothing.
func (p Pace) Observe(height int64, at time.Time) Pace {
	if height <= p.Height {
		return p
	}
	next := Pace{Height: height, At: at, Interval: p.Interval}
	if p.Height > 0 && at.After(p.At) {
		seen := min(at.Sub(p.At)/time.Duration(height-p.Height), mostSeen*p.Interval)
		next.Interval += time.Duration(smoothing * float64(seen-p.Interval))
	}
	return next
}

// Span is the heights that a session covers: [Start, End).
type Span struct {
	Start, End int64
}

// NewSpan is the span of a session of so many blocks that starts at a height. The chain's first block has height 1, so
// a session that starts at 0 is one block shorter.
func NewSpan(start, blocks int64) Span {
	return Span{Start: max(start, 1), End: start + blocks}
}

// Due is when the check at a position of a span falls due, as far as the pace tells now. It may lie in the past.
func (p Pace) Due(span Span, position float64) time.Time {
	blocks := position*float64(span.End-span.Start) - float64(p.Height-span.Start)
	return p.At.Add(time.Duration(blocks * float64(p.Interval)))
}
