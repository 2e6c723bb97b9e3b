package qos

import (
	"time"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/store"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// RelativeError bounds how far a quantile of a Sketch lies from the exact one, as a share of it: 400 ms are shown as
// 399.6 to 400.4 ms. To that comes the rounding to whole microseconds.
const RelativeError = 0.001

// Sketch holds times so that those of many sessions can be merged, in little memory: it counts them in buckets whose
// bounds grow by a constant factor (C. Masson, J. E. Rim, H. K. Lee, "DDSketch: a fast and fully-mergeable quantile sketch
// with relative-error guarantees", VLDB 2019). Merging adds counts, so neither order nor grouping matters. The least and
// the longest time are kept exactly, and no quantile leaves their range: nothing is shown faster than it ever was. Reading
// a sketch does not change it.
type Sketch struct {
	buckets *ddsketch.DDSketch
	// least and longest are bounds of the times while there are any.
	least, longest time.Duration
	count          int
}

// NewSketch makes an empty one.
func NewSketch() *Sketch {
	// The only error is a relative error outside of (0, 1), and it is a constant.
	bounds, _ := mapping.NewLogarithmicMapping(RelativeError)
	// A sparse store keeps what there is, and is not rearranged by reading.
	return &Sketch{buckets: ddsketch.NewDDSketchFromStoreProvider(bounds, store.SparseStoreConstructor)}
}

// Add counts a time; one below zero counts as zero.
func (s *Sketch) Add(elapsed time.Duration) {
	elapsed = max(elapsed, 0)
	// The buckets reach beyond the longest Duration, so none is refused.
	_ = s.buckets.Add(float64(elapsed))
	s.bound(elapsed, elapsed, 1)
}

// Merge adds the times of another sketch, which stays as it is.
func (s *Sketch) Merge(other *Sketch) {
	if other.count == 0 {
		return
	}
	// All sketches have the same bounds, which is the only condition.
	_ = s.buckets.MergeWith(other.buckets)
	s.bound(other.least, other.longest, other.count)
}

// bound widens the range for more times.
func (s *Sketch) bound(least, longest time.Duration, more int) {
	if s.count == 0 {
		s.least, s.longest = least, longest
	}
	s.least, s.longest, s.count = min(s.least, least), max(s.longest, longest), s.count+more
}

// Count is how many times there are.
func (s *Sketch) Count() int { return s.count }

// Quantiles are those of all times, by nearest rank as QuantilesOf has them, but for RelativeError.
func (s *Sketch) Quantiles() api.Quantiles {
	return api.Quantiles{P10: s.at(10), P25: s.at(25), P50: s.at(50), P75: s.at(75), P90: s.at(90), P99: s.at(99)}
}

// at is the given percentile (1 to 100) in milliseconds; nil without any time.
func (s *Sketch) at(percent int) *float64 {
	if s.count == 0 {
		return nil
	}
	var value time.Duration
	switch rank := rankOf(percent, s.count); rank {
	case 1:
		value = s.least
	case s.count:
		value = s.longest
	default:
		value = s.estimate(rank)
	}
	shown := Milliseconds(value)
	return &shown
}

// estimate is the rank-th smallest time. The library's own GetValueAtQuantile takes the rank of a quantile to be q·(n−1),
// which is another definition than ours.
func (s *Sketch) estimate(rank int) time.Duration {
	zeros := s.buckets.GetZeroCount()
	below := float64(rank - 1)
	if below < zeros {
		return 0
	}
	value := s.buckets.Value(s.buckets.GetPositiveValueStore().KeyAtRank(below - zeros))
	if value >= float64(s.longest) {
		return s.longest // the value may be more than a Duration holds
	}
	return max(time.Duration(value), s.least)
}
