package qos

import (
	"math"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// z95 is the 97.5 % quantile of the standard normal distribution: two-sided 95 % confidence.
const z95 = 1.959963984540054

// Wilson is the 95 % score interval of a binomial share (E. B. Wilson, "Probable inference, the law of succession, and
// statistical inference", JASA 22, 1927). With p = successes/trials, n = trials and z = 1.959963984540054:
//
//	(p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n)
//
// Unlike the textbook p ± z·√(p(1−p)/n) it stays meaningful for few trials and for shares near 0 and 1. Low is exactly 0
// without successes and High exactly 1 without failures. Successes outside of [0, trials] count as the nearer bound. Without trials
// there is no estimate: never observed is not perfect.
func Wilson(successes, trials int) api.Interval {
	if trials <= 0 {
		return api.Interval{}
	}
	successes = min(max(successes, 0), trials)
	n := float64(trials)
	value := float64(successes) / n
	// The conversions forbid fused multiply-add, so that every architecture computes the same bits.
	square := float64(z95 * z95)
	center := value + square/(2*n)
	spread := float64(z95 * math.Sqrt(float64(value*(1-value))/n+square/(4*float64(n*n))))
	scale := 1 + square/n
	low, high := max((center-spread)/scale, 0), min((center+spread)/scale, 1)
	if successes == 0 {
		low = 0
	}
	if successes == trials {
		high = 1
	}
	return api.Interval{Value: &value, Low: &low, High: &high}
}
