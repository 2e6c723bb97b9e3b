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

// Connections says what connections a set of round-trip times was measured on.
type Connections string

const (
	// Warm connections were kept from an earlier check.
	Warm Connections = "warm"
	// Cold connections were made for the check. What connecting took is not in the round-trip time, but the first answer
	// on a new connection is slower all the same: TCP starts slowly, and the servicer sets up what it keeps for a client.
	Cold Connections = "cold"
)

// RoundTripTimes are the quantiles of a servicer's answers on connections of one kind; the two are never mixed.
type RoundTripTimes struct {
	Quantiles
	// Connections is the kind; nil when there was no answer.
	Connections *Connections `json:"connections"`
	// Samples is how many answers the quantiles are of.
	Samples int `json:"samples"`
}

// QuantilesOf computes the exact quantiles of times by nearest rank: the p-th is the ⌈p·n/100⌉-th smallest of n, so it is
// always one of the times and never an interpolation. One session's samples are few and kept, which is why no sketch is
// needed; a window over sessions takes Sketch. times is not changed.
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
	value := milliseconds(sorted[rankOf(percent, len(sorted))-1])
	return &value
}

// rankOf is ⌈percent·n/100⌉: the place, from 1, of a percentile among n ascending values.
func rankOf(percent, n int) int { return (percent*n + 99) / 100 }

// milliseconds are rounded to whole microseconds, halves away from zero.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond).Microseconds()) / 1000
}
