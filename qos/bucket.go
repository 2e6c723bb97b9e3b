package qos

import (
	"cmp"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// BucketLength is how long a Bucket is. Buckets begin at multiples of it since the Unix epoch.
const BucketLength = 5 * time.Minute

// Bucket counts the samples of one servicer that one vantage point asked within five minutes.
type Bucket struct {
	// Slot is the number of the bucket since the Unix epoch.
	Slot int64
	// Samples that count, and those of them that are null.
	Samples, Nulls uint32
}

// Buckets are those of one servicer at one vantage point, ascending by slot, none of them empty.
type Buckets []Bucket

// SlotOf returns the bucket that a moment is in, in nanoseconds since the Unix epoch.
func SlotOf(unixNano int64) int64 {
	slot := unixNano / int64(BucketLength)
	if unixNano%int64(BucketLength) < 0 {
		slot--
	}
	return slot
}

// Add counts a check, if it is a sample that counts.
func (b *Buckets) Add(check *RollingCheck) {
	if !check.sample() {
		return
	}
	slot := SlotOf(check.asked)
	at := len(*b)
	for at > 0 && (*b)[at-1].Slot >= slot {
		at--
	}
	if at == len(*b) || (*b)[at].Slot != slot {
		*b = slices.Insert(*b, at, Bucket{Slot: slot})
	}
	bucket := &(*b)[at]
	bucket.Samples++
	if check.Null() {
		bucket.Nulls++
	}
}

// Trim forgets the buckets before a slot.
func (b *Buckets) Trim(first int64) {
	at, _ := slices.BinarySearchFunc(*b, first, bySlot)
	*b = slices.Delete(*b, 0, at)
}

// at returns the bucket of a slot; an empty one when there is none.
func (b Buckets) at(slot int64) Bucket {
	if at, found := slices.BinarySearchFunc(b, slot, bySlot); found {
		return b[at]
	}
	return Bucket{Slot: slot}
}

func bySlot(b Bucket, slot int64) int { return cmp.Compare(b.Slot, slot) }

// answers is how many of the samples were answered.
func (b Bucket) answers() uint32 { return b.Samples - b.Nulls }

// sample reports whether the check is a sample that counts: neither void nor throttled.
func (c *RollingCheck) sample() bool {
	outcome := types.Outcome(c.outcome)
	return outcome != types.Outcome_OUTCOME_VOID && outcome != types.Outcome_OUTCOME_THROTTLED
}

// Earlier returns the check as asked by a duration earlier, for a clock that is ahead by it.
func (c RollingCheck) Earlier(by time.Duration) RollingCheck {
	c.asked -= int64(by)
	return c
}

// lostFrom is how many null samples in a row, in buckets that have no others, show that a vantage point lost its way.
const lostFrom = 3

// lost reports whether the way to the servicer was lost in a slot, as RollVantages documents.
func (b Buckets) lost(slot int64) bool {
	at, found := slices.BinarySearchFunc(b, slot, bySlot)
	if !found || b[at].answers() > 0 {
		return false
	}
	nulls := b[at].Nulls
	for before := at - 1; before >= 0 && b[before].answers() == 0 && nulls < lostFrom; before-- {
		nulls += b[before].Nulls
	}
	for after := at + 1; after < len(b) && b[after].answers() == 0 && nulls < lostFrom; after++ {
		nulls += b[after].Nulls
	}
	return nulls >= lostFrom
}
