package clienttest

import (
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// Ptr returns a pointer to a value.
func Ptr[T any](value T) *T { return &value }

// Noon is when the first check of Round fell due.
var Noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// Hostile is what an attacker might stake or sign: escape sequences, a line break, a mark that reverses text.
const Hostile = "=cmd|' /C calc'!A0\x1b[2J\r\nsession \u202egnp.exe\u009b31m"

// Report has a session with every verdict and one without anything.
func Report() api.Report {
	everywhere := func(times ...float64) api.RoundTripTimes {
		return api.RoundTripTimes{Connections: Ptr(api.ConnectionsWarm), Samples: 9, Quantiles: api.Quantiles{
			P10: &times[0], P25: &times[1], P50: &times[2], P75: &times[3], P90: &times[4], P99: &times[5]}}
	}
	servicers := []api.ServicerReport{
		{Address: strings.Repeat("a1", 20), Servicer: strings.Repeat("a1", 20), ServiceURL: "http://127.0.0.1:4001", Samples: 10, Availability: qos.Wilson(10, 10),
			RoundTripTimes: everywhere(1.1, 1.25, 1.5, 2, 12.5, 100), Consistency: api.Consistency{Disagree: 9, Undecidable: 1, Interval: qos.Wilson(0, 9)},
			Outcomes: map[string]int{"OK": 10}, Verdict: api.VerdictInconsistent, Reason: "disagreed with the majority in 9 of 9 decidable checks", Rank: Ptr(3)},
		{Address: strings.Repeat("b2", 20), Servicer: strings.Repeat("b2", 20), ServiceURL: Hostile, Samples: 9, NullSamples: 9, NullIndices: []uint32{0, 1, 2, 3, 4, 5, 6, 7, 9}, Void: 1,
			Availability: qos.Wilson(0, 9), Outcomes: map[string]int{"CONNECT": 8, "TIMEOUT": 1, "VOID": 1}, Verdict: api.VerdictUnavailable, Reason: Hostile, Rank: Ptr(3)},
		{Address: strings.Repeat("c3", 20), Servicer: strings.Repeat("c3", 20), ServiceURL: "http://127.0.0.1:4003", Samples: 10, Availability: qos.Wilson(10, 10),
			RoundTripTimes: everywhere(400.5, 401, 402.919, 403, 1234567.25, 2000000), OverSLA: 10, Consistency: api.Consistency{Agree: 9, Undecidable: 1, Interval: qos.Wilson(9, 9)},
			Outcomes: map[string]int{"OK": 10}, Verdict: api.VerdictSlow, Reason: "p50 402.919 ms over the SLA of 150 ms", Rank: Ptr(1),
			Freshness: api.Freshness{Claims: 3, LagBlocksMax: Ptr[int64](2), LagBlocksMedian: Ptr[int64](1), LagMSMax: Ptr(2000.5)}},
		{Address: strings.Repeat("d4", 20), Servicer: strings.Repeat("d4", 20), ServiceURL: "http://127.0.0.1:4004", Verdict: api.VerdictUnknown, Reason: "0 samples, 3 needed"},
		{Address: strings.Repeat("e5", 20), Servicer: strings.Repeat("e5", 20), ServiceURL: "http://127.0.0.1:4005", Samples: 10, NullSamples: 1, NullIndices: []uint32{7}, Availability: qos.Wilson(9, 10),
			RoundTripTimes: everywhere(0.000001, 1, 1.5, 2, 2.5, 3), Consistency: api.Consistency{Agree: 9, Interval: qos.Wilson(9, 9)},
			Outcomes: map[string]int{"OK": 9, "RESET": 1}, Verdict: api.VerdictHealthy, Reason: "answered 9 of 10 checks, agreed with the majority in 9 of 9", Rank: Ptr(1),
			Freshness: api.Freshness{Claims: 3, LagBlocksMax: Ptr[int64](0), LagBlocksMedian: Ptr[int64](0), LagMSMax: Ptr(0.0)}},
	}
	for i := range servicers { // as a node writes them
		servicers[i].Standing = api.StandingAsked
		if servicers[i].NullIndices == nil {
			servicers[i].NullIndices = []uint32{}
		}
		if servicers[i].Outcomes == nil {
			servicers[i].Outcomes = api.Outcomes{}
		}
	}
	return api.Report{Rolling: []api.RollingReport{}, Sessions: []api.SessionReport{
		{ID: strings.Repeat("1f", 32), Height: 10, RelayChain: "0001", GeoZone: "local", Application: strings.Repeat("0a", 20),
			ChecksPlanned: 12, ChecksDone: 10, ChecksDropped: 1, ChecksVoid: 1, MaxSkewMicros: Ptr[int64](143), Complete: true, Servicers: servicers, MaxLag: 5,
			Reasons: []api.Reason{{Status: "void", Checks: 1, Cause: api.CauseStall, Text: "this machine stalled for 213ms during the check"},
				{Status: "dropped", Checks: 1, Cause: api.CauseOvertaken, Text: "the next check \x1b[2Jwas due as well"}}},
		{ID: strings.Repeat("2e", 32), Height: 20, RelayChain: "0001", GeoZone: "local", Application: strings.Repeat("0a", 20), ChecksPlanned: 12,
			Reasons: []api.Reason{}, Servicers: []api.ServicerReport{}},
	}}
}

// Round has a sample of every kind, one for each servicer of Report but the fourth, which was not asked.
func Round(session string, index uint32) api.Round {
	at1, at2 := Noon.Add(time.Duration(index)*time.Second), Noon.Add(time.Duration(index)*time.Second+time.Millisecond)
	answered := func(digit string, rtt float64, consistency api.Agreement, over bool) api.Sample {
		return api.Sample{Servicer: strings.Repeat(digit, 20), Outcome: "OK", Consistency: &consistency, Sent: &at2,
			RoundTripTime: &rtt, TimeToFirstByte: &rtt, Timing: Ptr(api.TimingSourceKernel), Reused: true, OverSLA: over}
	}
	return api.Round{Session: session, Index: index, Status: "DONE", Planned: &at1, Released: &at2, SkewMicros: Ptr[int64](87),
		Question: "block height=12", Samples: []api.Sample{
			answered("a1", 1.5, "DISAGREE", true),
			{Servicer: strings.Repeat("b2", 20), Outcome: "CONNECT", Blame: Ptr(api.BlameServicer), Detail: Hostile, Sent: &at2},
			answered("c3", 402.919, "AGREE", true),
			answered("e5", 1.25, "UNDECIDABLE", false),
		}}
}

// Windows has the servicers of Report as those of a window, and a window without anything.
func Windows() api.WindowsReport {
	var servicers []api.WindowServicer
	for _, s := range Report().Sessions[0].Servicers {
		servicers = append(servicers, api.WindowServicer{Address: s.Servicer, Servicer: s.Servicer, ServiceURL: s.ServiceURL, Sessions: 3,
			Verdicts: map[api.Verdict]int{s.Verdict: 2, api.VerdictHealthy: 1}, Samples: s.Samples, NullSamples: s.NullSamples, Void: s.Void,
			NullSamplesAllowed: 6, SamplesRequired: 9, Availability: s.Availability, RoundTripTimes: s.RoundTripTimes, OverSLA: s.OverSLA,
			Consistency: s.Consistency, Outcomes: s.Outcomes, Verdict: s.Verdict, Reason: s.Reason, Rank: s.Rank, Freshness: s.Freshness, LaggingAllowed: 1, DisagreementsAllowed: 2,
			Throttled: s.Throttled, Standing: s.Standing, ChainIdentity: s.ChainIdentity, ClientVersion: s.ClientVersion})
	}
	from := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return api.WindowsReport{Window: "24h", RelativeError: qos.RelativeError, Windows: []api.WindowReport{
		{RelayChain: "0001", GeoZone: Hostile, Applications: []string{strings.Repeat("0a", 20), strings.Repeat("0b", 20)}, Sessions: 3, SessionsLeftOut: 1,
			FirstHeight: Ptr[int64](10), LastHeight: Ptr[int64](39), From: &from, To: Ptr(from.Add(29*time.Second + 250*time.Millisecond)),
			ChecksPlanned: 36, ChecksDone: 30, ChecksDropped: 4, ChecksVoid: 2, MaxSkewMicros: Ptr[int64](143), Servicers: servicers},
		{RelayChain: "0021", GeoZone: "local", SessionsLeftOut: 1, Applications: []string{}, Servicers: []api.WindowServicer{}},
	}}
}
