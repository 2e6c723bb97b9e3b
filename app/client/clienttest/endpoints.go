package clienttest

import (
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// EndpointsStatus is that of a fisherman that samples a list of endpoints.
func EndpointsStatus() api.Status {
	return api.Status{Network: api.NetworkEndpoints, Version: "v1", Controls: []api.Control{},
		Groups: []api.Group{{Name: "ethereum", Chain: Ptr("evm"), Catalogue: Ptr("evm-values"), Targets: 4}}}
}

// Endpoints has a running session of a list of endpoints: a target that is well, one that is throttled, one of another chain
// and one that did not say which.
func Endpoints() api.Report {
	times := func(ms float64) api.RoundTripTimes {
		return api.RoundTripTimes{Connections: Ptr(api.ConnectionsWarm), Samples: 20, Quantiles: api.Quantiles{P10: &ms, P25: &ms, P50: &ms, P75: &ms, P90: &ms, P99: &ms}}
	}
	target := func(name string, standing api.Standing, chain, version *string) api.ServicerReport {
		report := api.NewServicerReport(name, "https://"+strings.ReplaceAll(name, " ", "-")+".example")
		report.Standing, report.ChainIdentity, report.ClientVersion = standing, chain, version
		return report
	}
	other := target("polygon", api.StandingOtherChain, Ptr("137"), Ptr(Hostile))
	other.Verdict, other.Reason = api.VerdictUnknown, "other chain 137, most are on 1"
	throttled := target("provider-with-a-long-name-1", api.StandingAsked, Ptr("1"), nil)
	throttled.Samples, throttled.Throttled, throttled.Availability = 2, 18, qos.Wilson(2, 2)
	throttled.Outcomes, throttled.Verdict = api.Outcomes{"OK": 2, "THROTTLED": 18}, api.VerdictUnknown
	throttled.Reason = "throttled in 18 of 20 checks: 2 samples, 3 needed"
	healthy := target("own-node", api.StandingAsked, Ptr("1"), Ptr("Geth/v1.17.4"))
	strange := target("strange", api.StandingUnidentified, nil, nil)
	for _, well := range []*api.ServicerReport{&healthy, &strange} {
		well.Samples, well.Availability, well.RoundTripTimes, well.Rank = 20, qos.Wilson(20, 20), times(4.25), Ptr(1)
		well.Consistency = api.Consistency{Agree: 20, Interval: qos.Wilson(20, 20)}
		well.Outcomes, well.Verdict, well.Reason = api.Outcomes{"OK": 20}, api.VerdictHealthy, "answered 20 of 20 checks, agreed with the majority in 20 of 20"
	}
	return api.Report{Rolling: []api.RollingReport{}, Sessions: []api.SessionReport{{ID: strings.Repeat("5e", 32), Height: Noon.Unix(), RelayChain: "ethereum", Application: "ethereum",
		Blocks: 300, ChecksPlanned: 20, ChecksDone: 20, MaxSkewMicros: Ptr[int64](143), Reasons: []api.Reason{}, Catalogue: Ptr("evm-values"),
		Started: Ptr(Noon), Ended: Ptr(Noon.Add(5 * time.Minute)), Servicers: []api.ServicerReport{other, throttled, healthy, strange}}}}
}

// EndpointsRound is a check of the session of Endpoints: two answers, and one that is throttled.
func EndpointsRound(index uint32) api.Round {
	session := Endpoints().Sessions[0]
	at := Noon.Add(time.Duration(index) * time.Second)
	round := api.Round{Session: session.ID, Index: index, Status: "DONE", Planned: &at, Released: &at, SkewMicros: Ptr[int64](87), Question: "block number=12"}
	for _, target := range session.Servicers[1:] {
		sample := api.Sample{Servicer: target.Servicer, ServiceURL: target.ServiceURL, Outcome: "OK", Consistency: Ptr(api.AgreementAgree), Sent: &at,
			RoundTripTime: Ptr(4.25), Reused: true}
		if target.Throttled > 0 {
			sample = api.Sample{Servicer: target.Servicer, ServiceURL: target.ServiceURL, Outcome: api.OutcomeThrottled, Detail: "asked to wait 30s"}
		}
		round.Samples = append(round.Samples, sample)
	}
	return round
}

// EndpointsWindow has the session of Endpoints as a window.
func EndpointsWindow() api.WindowsReport {
	session := Endpoints().Sessions[0]
	window := api.WindowReport{RelayChain: "ethereum", Applications: []string{"ethereum"}, Sessions: 3, FirstHeight: Ptr(Noon.Unix()), LastHeight: Ptr(Noon.Unix() + 899),
		From: session.Started, To: session.Started, Started: session.Started, Ended: session.Ended, ChecksPlanned: 60, ChecksDone: 60}
	for _, s := range session.Servicers {
		window.Servicers = append(window.Servicers, api.WindowServicer{Address: s.Servicer, Servicer: s.Servicer, ServiceURL: s.ServiceURL, Sessions: 3,
			Verdicts: map[api.Verdict]int{s.Verdict: 3}, Samples: s.Samples, Availability: s.Availability, RoundTripTimes: s.RoundTripTimes,
			Consistency: s.Consistency, Outcomes: s.Outcomes, Verdict: s.Verdict, Reason: s.Reason, Rank: s.Rank, Freshness: s.Freshness,
			Throttled: s.Throttled, Standing: s.Standing, ChainIdentity: s.ChainIdentity, ClientVersion: s.ClientVersion})
	}
	return api.WindowsReport{Window: "3", RelativeError: qos.RelativeError, Windows: []api.WindowReport{window}}
}
