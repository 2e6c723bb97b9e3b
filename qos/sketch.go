package qos

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/DataDog/sketches-go/ddsketch/mapping"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// RelativeError bounds how far a quantile of a Sketch lies from the exact one, as a share of it: 400 ms are shown as
// 399.6 to 400.4 ms. To that comes the rounding to whole microseconds.
const RelativeError = 0.001

// newBuckets returns where a Sketch counts a time. The only error is a relative error outside of (0, 1), and it is a constant.
func newBuckets() *mapping.LogarithmicMapping {
	buckets, _ := mapping.NewLogarithmicMapping(RelativeError)
	return buckets
}

// Sketch holds times so that those of many sessions can be merged, in little memory: it counts them in buckets whose
// bounds grow by a constant factor (C. Masson, J. E. Rim, H. K. Lee, "DDSketch: a fast and fully-mergeable quantile sketch
// with relative-error guarantees", VLDB 2019). Merging adds counts, so neither order nor grouping matters. The least and
// the longest time are kept exactly, and no quantile leaves their range: nothing is shown faster than it ever was. Reading
// a sketch does not change it.
type Sketch struct {
	buckets *mapping.LogarithmicMapping
	// pages have the counts of pageBuckets buckets that follow one another each.
	pages map[int]*page
	// zeros counts the times that no bucket has.
	zeros int
	// least and longest are bounds of the times while there are any.
	least, longest time.Duration
	count          int
}

// pageBuckets is a power of two.
const pageBuckets = 64

type page [pageBuckets]uint32

// NewSketch makes an empty one.
func NewSketch() *Sketch { return &Sketch{buckets: newBuckets(), pages: make(map[int]*page)} }

// Add counts a time; one below zero counts as zero.
func (s *Sketch) Add(elapsed time.Duration) {
	elapsed = max(elapsed, 0)
	if elapsed == 0 {
		s.zeros++
	} else {
		bucket := s.buckets.Index(float64(elapsed))
		s.page(bucket)[bucket&(pageBuckets-1)]++
	}
	s.bound(elapsed, elapsed, 1)
}

// page returns the page of a bucket.
func (s *Sketch) page(bucket int) *page {
	number := bucket &^ (pageBuckets - 1)
	found := s.pages[number]
	if found == nil {
		found = new(page)
		s.pages[number] = found
	}
	return found
}

// Merge adds the times of another sketch, which stays as it is.
func (s *Sketch) Merge(other *Sketch) {
	if other.count == 0 {
		return
	}
	for number, counts := range other.pages {
		to := s.page(number)
		for i, n := range counts {
			to[i] += n
		}
	}
	s.zeros += other.zeros
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

// estimate is the rank-th smallest time.
func (s *Sketch) estimate(rank int) time.Duration {
	if rank <= s.zeros {
		return 0
	}
	value := s.buckets.Value(s.bucketAt(rank - s.zeros))
	if value >= float64(s.longest) {
		return s.longest // the value may be more than a Duration holds
	}
	return max(time.Duration(value), s.least)
}

// bucketAt is the bucket of the rank-th smallest time that a bucket has.
func (s *Sketch) bucketAt(rank int) int {
	for _, number := range slices.Sorted(maps.Keys(s.pages)) {
		for i, n := range s.pages[number] {
			if rank -= int(n); rank <= 0 {
				return number + i
			}
		}
	}
	return 0 // never reached: there are as many
}

// packedTimes are the times of a Sketch in few bytes. They do not change.
type packedTimes struct {
	// buckets of the times, ascending: of each the difference to the one before, as a varint.
	buckets        []byte
	zeros, count   int32
	least, longest time.Duration
}

// pack packs times as a Sketch counts them.
func pack(times []time.Duration) packedTimes {
	var packed packedTimes
	buckets := newBuckets()
	found := make([]int, 0, len(times))
	for i, elapsed := range times {
		if elapsed = max(elapsed, 0); elapsed == 0 {
			packed.zeros++
		} else {
			found = append(found, buckets.Index(float64(elapsed)))
		}
		if i == 0 {
			packed.least, packed.longest = elapsed, elapsed
		}
		packed.least, packed.longest = min(packed.least, elapsed), max(packed.longest, elapsed)
	}
	packed.count = int32(len(times))
	slices.Sort(found)
	last := 0
	for _, bucket := range found {
		packed.buckets = binary.AppendVarint(packed.buckets, int64(bucket-last))
		last = bucket
	}
	packed.buckets = slices.Clip(packed.buckets)
	return packed
}

// addPacked adds times that are packed.
func (s *Sketch) addPacked(packed *packedTimes) {
	if packed.count == 0 {
		return
	}
	bucket, number, rest := 0, 0, packed.buckets
	var counts *page
	for len(rest) > 0 {
		difference, size := binary.Varint(rest)
		rest, bucket = rest[size:], bucket+int(difference)
		if of := bucket &^ (pageBuckets - 1); counts == nil || of != number {
			counts, number = s.page(bucket), of
		}
		counts[bucket&(pageBuckets-1)]++
	}
	s.zeros += int(packed.zeros)
	s.bound(packed.least, packed.longest, int(packed.count))
}
