package rollup

import (
	"math"
	"slices"
	"time"
)

// RelativeError bounds how far a quantile of Times lies from the exact one, as a share of it. It is coarser than that of
// qos.Sketch, because rollups are many and kept for long.
const RelativeError = 0.02

// Bounds of buckets: the one of place i holds times in microseconds above growth^(i−2) and up to growth^(i−1); that of place
// 0 holds those below a microsecond.
const (
	growth = (1 + RelativeError) / (1 - RelativeError)
	// logGrowth is the natural logarithm of growth, maxBucket the bucket of the largest number; a test computes both.
	logGrowth = 0.04000533461369920607
	maxBucket = 1093
)

// Times is a sketch of times: it counts them in buckets whose bounds grow by a constant factor (DDSketch, see qos.Sketch).
// The least and the longest are kept to the microsecond, and no quantile leaves their range. The zero value is empty.
type Times struct {
	// counts of the buckets from the first one on. Neither the first nor the last of them is 0.
	counts []uint32
	first  int
	count  int
	// least and longest are in whole microseconds while there are any times.
	least, longest int64
}

// bucketOf returns the bucket of a time in microseconds.
func bucketOf(micros int64) int {
	if micros <= 0 {
		return 0
	}
	return 1 + int(math.Ceil(math.Log(float64(micros))/logGrowth))
}

// microsOf returns the time in microseconds that stands for a bucket.
func microsOf(bucket int) float64 {
	if bucket == 0 {
		return 0
	}
	return 2 * math.Exp(float64(bucket-1)*logGrowth) / (1 + growth)
}

// Count returns how many times there are.
func (t *Times) Count() int { return t.count }

// Add counts a time, rounded to whole microseconds; one below zero counts as zero.
func (t *Times) Add(elapsed time.Duration) {
	micros := max(elapsed, 0).Round(time.Microsecond).Microseconds()
	t.add(bucketOf(micros), 1)
	t.bound(micros, micros, 1)
}

// Merge adds the times of another sketch, which stays as it is.
func (t *Times) Merge(other *Times) {
	if other.count == 0 {
		return
	}
	t.reach(other.first, other.first+len(other.counts)-1)
	counts := t.counts[other.first-t.first:][:len(other.counts)]
	for i, n := range other.counts {
		counts[i] += n
	}
	t.bound(other.least, other.longest, other.count)
}

// add counts n times of a bucket.
func (t *Times) add(bucket int, n uint32) {
	t.reach(bucket, bucket)
	t.counts[bucket-t.first] += n
}

// reach makes room for buckets.
func (t *Times) reach(from, to int) {
	if len(t.counts) == 0 {
		t.first, t.counts = from, append(t.counts, make([]uint32, to-from+1)...)
		return
	}
	if from < t.first {
		t.counts = slices.Insert(t.counts, 0, make([]uint32, t.first-from)...)
		t.first = from
	}
	if missing := to - (t.first + len(t.counts) - 1); missing > 0 {
		t.counts = append(t.counts, make([]uint32, missing)...)
	}
}

// bound widens the range for more times.
func (t *Times) bound(least, longest int64, more int) {
	if t.count == 0 {
		t.least, t.longest = least, longest
	}
	t.least, t.longest, t.count = min(t.least, least), max(t.longest, longest), t.count+more
}

// reset empties the sketch and keeps its memory.
func (t *Times) reset() { *t = Times{counts: t.counts[:0]} }

// Quantiles writes the given percentiles (1 to 100, ascending) by nearest rank, as qos.QuantilesOf has them, but for
// RelativeError; in whole microseconds. It reports whether there are any times.
func (t *Times) Quantiles(percents []int, micros []int64) bool {
	if t.count == 0 {
		return false
	}
	bucket, seen := 0, int(t.counts[0])
	for i, percent := range percents {
		rank := (percent*t.count + 99) / 100
		for seen < rank && bucket < len(t.counts)-1 {
			bucket++
			seen += int(t.counts[bucket])
		}
		switch rank {
		case 1:
			micros[i] = t.least
		case t.count:
			micros[i] = t.longest
		default:
			micros[i] = min(max(int64(math.Round(microsOf(t.first+bucket))), t.least), t.longest)
		}
	}
	return true
}
