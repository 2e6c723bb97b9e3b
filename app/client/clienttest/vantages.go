package clienttest

import (
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// Vantages has what a collector of three vantage points says of two targets: sydney lost its way to the first, and virginia is
// silent.
func Vantages() api.Report {
	at := func(place string, state api.VantageState, verdict api.Verdict, samples, nulls, path int, p50 float64) api.RowVantage {
		v := api.RowVantage{Place: place, State: state, StateWord: api.WordOf(state), Votes: verdict == api.VerdictHealthy, Verdict: verdict, AskedAt: Ptr(Noon),
			Checks: samples, Samples: samples, NullSamples: nulls, PathNulls: path, Availability: qos.Wilson(samples-nulls, samples), Reason: "answered"}
		if samples == 0 {
			v.AskedAt, v.Reason = nil, "0 samples, 9 needed"
			return v
		}
		v.RoundTripTimes = api.RoundTripTimes{Connections: Ptr(api.ConnectionsWarm), Samples: samples, Quantiles: api.Quantiles{P10: &p50, P25: &p50, P50: &p50, P75: &p50, P90: &p50, P99: &p50}}
		v.Consistency = api.Consistency{Agree: samples, Interval: qos.Wilson(samples, samples)}
		return v
	}
	target := func(name string, vantages ...api.RowVantage) api.RollingServicer {
		row := api.RollingServicer{Servicer: name, ServiceURL: "https://" + name + ".example", AskedAt: Ptr(Noon), Running: true, Verdict: api.VerdictHealthy,
			Rank: Ptr(1), Standing: api.StandingAsked, Outcomes: api.Outcomes{}, Vantages: vantages, Reason: "2 of 2 vantage points; frankfurt: answered"}
		for _, v := range vantages {
			row.Checks, row.Samples, row.NullSamples = row.Checks+v.Checks, row.Samples+v.Samples, row.NullSamples+v.NullSamples
			row.Consistency.Agree += v.Consistency.Agree
		}
		row.Outcomes["OK"] = row.Samples
		row.Availability, row.Consistency.Interval = qos.Wilson(row.Samples, row.Samples), qos.Wilson(row.Samples, row.Samples)
		return row
	}
	vantage := func(place string, state api.VantageState, why string, path int) api.Vantage {
		return api.Vantage{Place: place, Fisherman: "0123456789abcdef0123456789abcdef01234567", State: state, StateWord: api.WordOf(state), Why: why, Heard: Ptr(Noon.Add(-time.Minute)),
			SkewMS: Ptr(12.5), Samples: 60, PathNulls: path, Contradictions: []api.Contradiction{}}
	}
	return api.Report{
		Vantages: []api.Vantage{vantage("frankfurt", api.VantageStateOK, "", 0), vantage("sydney", api.VantageStatePath, "it lost the way to own-node, which most others reach", 30),
			vantage("virginia", api.VantageStateSilent, "nothing was heard of it for 12m0s", 0)},
		Rolling: []api.RollingReport{{RelayChain: "ethereum", Checks: 30, MaxAgeSeconds: 3600, Servicers: []api.RollingServicer{
			target("own-node", at("frankfurt", api.VantageStateOK, api.VerdictHealthy, 30, 0, 0, 4.2), at("sydney", api.VantageStatePath, api.VerdictUnknown, 0, 0, 30, 0),
				at("virginia", api.VantageStateOK, api.VerdictHealthy, 30, 0, 0, 88.1)),
			target("provider", at("frankfurt", api.VantageStateOK, api.VerdictHealthy, 30, 0, 0, 14.2), at("sydney", api.VantageStateOK, api.VerdictHealthy, 30, 0, 0, 301.7)),
		}}},
		Sessions: []api.SessionReport{},
	}
}
