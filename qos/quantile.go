package qos

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// QuantilesOf computes the exact quantiles of times by nearest rank: the p-th is the ⌈p·n/100⌉-th smallest of n, so it is
// always one of the times and never an interpolation. One session's samples are few and kept, which is why no sketch is
// needed; a window over sessions takes Sketch. times is not changed.
func QuantilesOf(times []time.Duration) api.Quantiles {
	sorted := slices.Clone(times)
	slices.Sort(sorted)
	return api.Quantiles{
		P10: nearestRank(sorted, 10),
		P25: nearestRank(sorted, 25),
		P50: nearestRank(sorted, 50),
		P75: nearestRank(sorted, 75),
		P90: nearestRank(sorted, 90),
		P99: nearestRank(sorted, 99),
	}
}

// nearestRank is the given percentile (1 to 100) of ascending times, in milliseconds; nil without any.
func nearestRank(sorted []time.Duration, percent int) *float64 {
	if len(sorted) == 0 {
		return nil
	}
	value := Milliseconds(sorted[rankOf(percent, len(sorted))-1])
	return &value
}

// rankOf is ⌈percent·n/100⌉: the place, from 1, of a percentile among n ascending values.
func rankOf(percent, n int) int { return (percent*n + 99) / 100 }

// Milliseconds are rounded to whole microseconds, halves away from zero.
func Milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond).Microseconds()) / 1000
}

// OptionalMilliseconds are nil when the duration is not set.
func OptionalMilliseconds(d *durationpb.Duration) *float64 {
	if d == nil {
		return nil
	}
	value := Milliseconds(d.AsDuration())
	return &value
}
