package qos

import (
	"slices"
	"time"
)

// Quantiles are round-trip times in milliseconds, rounded to whole microseconds: p50 is the median. Each is nil (null in
// JSON) when there was no answer.
type Quantiles struct {
	P10 *float64 `json:"p10"`
	P25 *float64 `json:"p25"`
	P50 *float64 `json:"p50"`
	P75 *float64 `json:"p75"`
	P90 *float64 `json:"p90"`
	P99 *float64 `json:"p99"`
}

// QuantilesOf computes the exact quantiles of times by nearest rank: the p-th is the ⌈p·n/100⌉-th smallest of n, so it is
// always one of the times and never an interpolation. One session's samples are few and kept, which is why no sketch is
// needed. times is not changed.
func QuantilesOf(times []time.Duration) Quantiles {
	sorted := slices.Sorted(slices.Values(times))
	return Quantiles{
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
	rank := (percent*len(sorted) + 99) / 100
	value := milliseconds(sorted[rank-1])
	return &value
}

// milliseconds are rounded to whole microseconds, halves away from zero.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond).Microseconds()) / 1000
}
