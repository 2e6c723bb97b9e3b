package samples

import (
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rollup"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// historyPoint is the form of a rollup.
func historyPoint(from, to time.Time, counted *rollup.Rollup) api.HistoryPoint {
	checks, samples, answers := counted.Checks(), counted.Samples(), counted.Answers()
	point := api.HistoryPoint{
		From:        from,
		To:          to,
		Checks:      checks,
		Samples:     samples,
		NullSamples: samples - answers,
		Void:        int(counted.Outcomes[types.Outcome_OUTCOME_VOID]),
		Throttled:   int(counted.Outcomes[types.Outcome_OUTCOME_THROTTLED]),
		Outcomes:    make(api.Outcomes, 2),
		OverSLA:     counted.OverSLA,

		Availability:   qos.Wilson(answers, samples),
		RoundTripTimes: roundTripTimes(counted),
		Consistency: api.Consistency{Agree: counted.Agree, Disagree: counted.Disagree, Undecidable: counted.Undecidable,
			Interval: qos.Wilson(counted.Agree, counted.Agree+counted.Disagree)},
		Freshness: freshness(counted),
	}
	for outcome, n := range counted.Outcomes {
		if n > 0 {
			point.Outcomes[outcomeLabels[outcome]] = int(n)
		}
	}
	if counted.SLA > 0 {
		point.LatencySLA = new(qos.Milliseconds(counted.SLA))
	}
	return point
}

// outcomeLabels are those of the outcomes that a rollup counts.
var outcomeLabels = func() (labels [len(rollup.Rollup{}.Outcomes)]string) {
	for outcome := range labels {
		labels[outcome] = types.Outcome(outcome).Label()
	}
	return labels
}()

// percents are those of api.Quantiles.
var percents = []int{10, 25, 50, 75, 90, 99}

func roundTripTimes(counted *rollup.Rollup) api.RoundTripTimes {
	times, warm := counted.Times()
	var micros [6]int64
	if !times.Quantiles(percents, micros[:]) {
		return api.RoundTripTimes{}
	}
	shown := new([6]float64)
	for i, of := range micros {
		shown[i] = float64(of) / 1000
	}
	connections := api.ConnectionsWarm
	if !warm {
		connections = api.ConnectionsCold
	}
	return api.RoundTripTimes{Samples: times.Count(), Connections: &connections, Quantiles: api.Quantiles{
		P10: &shown[0], P25: &shown[1], P50: &shown[2], P75: &shown[3], P90: &shown[4], P99: &shown[5]}}
}

func freshness(counted *rollup.Rollup) api.Freshness {
	shown := api.Freshness{Claims: counted.Lags.Count(), Behind: counted.Behind}
	if shown.Claims > 0 {
		shown.LagBlocksMax, shown.LagBlocksMedian = new(counted.Lags.Longest()), new(counted.Lags.Median())
	}
	if counted.LagTimed {
		shown.LagMSMax = new(qos.Milliseconds(counted.LagTime))
	}
	return shown
}
