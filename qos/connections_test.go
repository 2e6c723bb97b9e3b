package qos

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"pgregory.net/rapid"
)

// warm makes the sample one of a kept connection.
func warm(sample *types.QoSSample) *types.QoSSample {
	sample.ReusedConnection = true
	return sample
}

// summarizeAnswers sums up a session of one servicer, whose warm and cold answers took so many milliseconds each.
func summarizeAnswers(warmTimes, coldTimes []int, change func(*types.QoSSession)) api.ServicerReport {
	session := sessionOf(1)
	if change != nil {
		change(session)
	}
	var rounds []*types.QoSRound
	add := func(sample *types.QoSSample) {
		rounds = append(rounds, roundOf(session, uint32(len(rounds)), done, sample))
	}
	for _, elapsed := range coldTimes {
		add(answer(1, time.Duration(elapsed)*time.Millisecond, agree))
	}
	for _, elapsed := range warmTimes {
		add(warm(answer(1, time.Duration(elapsed)*time.Millisecond, agree)))
	}
	session.ChecksPlanned = uint32(len(rounds))
	return Summarize(session, rounds).Servicers[0]
}

func TestQuantilesAreOfConnectionsOfOneKind(t *testing.T) {
	times := func(n, elapsed int) []int { return slices.Repeat([]int{elapsed}, n) }
	for _, c := range []struct {
		name       string
		warm, cold []int
		change     func(*types.QoSSession)
		p50, p99   float64
		kind       api.Connections
		samples    int
		verdict    api.Verdict
		reason     string
	}{
		{name: "the first connection is slow and does not count", warm: times(9, 5), cold: times(1, 90),
			p50: 5, p99: 5, kind: api.ConnectionsWarm, samples: 9, verdict: api.VerdictHealthy, reason: "answered 10 of 10 checks, agreed with the majority in 10 of 10"},
		{name: "no connection was kept", cold: times(10, 20),
			p50: 20, p99: 20, kind: api.ConnectionsCold, samples: 10, verdict: api.VerdictHealthy, reason: "answered 10 of 10 checks, agreed with the majority in 10 of 10"},
		{name: "as many warm ones as required", warm: times(3, 5), cold: times(4, 90),
			p50: 5, p99: 5, kind: api.ConnectionsWarm, samples: 3, verdict: api.VerdictHealthy, reason: "answered 7 of 7 checks, agreed with the majority in 7 of 7"},
		{name: "fewer warm ones than required", warm: times(2, 5), cold: times(4, 90),
			p50: 90, p99: 90, kind: api.ConnectionsCold, samples: 4, verdict: api.VerdictHealthy, reason: "answered 6 of 6 checks, agreed with the majority in 6 of 6"},
		{name: "few of either", warm: times(2, 5), cold: times(2, 90),
			p50: 5, p99: 5, kind: api.ConnectionsWarm, samples: 2, verdict: api.VerdictHealthy, reason: "answered 4 of 4 checks, agreed with the majority in 4 of 4"},
		{name: "none required", cold: times(4, 9), change: func(s *types.QoSSession) { s.SamplesRequired = 0 },
			p50: 9, p99: 9, kind: api.ConnectionsCold, samples: 4, verdict: api.VerdictHealthy, reason: "answered 4 of 4 checks, agreed with the majority in 4 of 4"},
		{name: "slow when warm, whatever it is when cold", warm: times(3, 400), cold: times(6, 5),
			p50: 400, p99: 400, kind: api.ConnectionsWarm, samples: 3, verdict: api.VerdictSlow, reason: "p50 400 ms over the SLA of 150 ms"},
		{name: "closing connections hides no slow answers", warm: times(4, 5), cold: times(6, 400),
			p50: 5, p99: 5, kind: api.ConnectionsWarm, samples: 4, verdict: api.VerdictSlow, reason: "6 of 10 answers over the SLA of 150 ms"},
		{name: "half of the answers is not most of them", warm: times(5, 5), cold: times(5, 400),
			p50: 5, p99: 5, kind: api.ConnectionsWarm, samples: 5, verdict: api.VerdictHealthy, reason: "answered 10 of 10 checks, agreed with the majority in 10 of 10"},
		{name: "without an SLA nothing is slow", warm: times(4, 5), cold: times(6, 400), change: func(s *types.QoSSession) { s.LatencySla = nil },
			p50: 5, p99: 5, kind: api.ConnectionsWarm, samples: 4, verdict: api.VerdictHealthy, reason: "answered 10 of 10 checks, agreed with the majority in 10 of 10"},
	} {
		got := summarizeAnswers(c.warm, c.cold, c.change)
		times := got.RoundTripTimes
		if times.P50 == nil || *times.P50 != c.p50 || *times.P99 != c.p99 || *times.Connections != c.kind || times.Samples != c.samples {
			t.Errorf("%s: %s", c.name, showTimes(times))
		}
		if got.Verdict != c.verdict || got.Reason != c.reason {
			t.Errorf("%s: %s, %q", c.name, got.Verdict, got.Reason)
		}
	}
}

func showTimes(times api.RoundTripTimes) string {
	if times.Connections == nil {
		return fmt.Sprintf("no times, %d samples", times.Samples)
	}
	return fmt.Sprintf("p50 %v, p99 %v of %d %s", *times.P50, *times.P99, times.Samples, *times.Connections)
}

func TestQuantilesNeverMix(t *testing.T) {
	// Warm answers take less than 100 ms and cold ones more, so that a quantile tells where it is from.
	rapid.Check(t, func(t *rapid.T) {
		warmTimes := rapid.SliceOfN(rapid.IntRange(1, 99), 0, 12).Draw(t, "warm")
		coldTimes := rapid.SliceOfN(rapid.IntRange(101, 999), 0, 12).Draw(t, "cold")
		got := summarizeAnswers(warmTimes, coldTimes, nil)
		times := got.RoundTripTimes
		if len(warmTimes)+len(coldTimes) == 0 {
			if times.Connections != nil || times.Samples != 0 || times.P50 != nil {
				t.Fatalf("times of nothing: %s", showTimes(times))
			}
			return
		}
		want, of := api.ConnectionsWarm, warmTimes
		if len(warmTimes) < 3 && len(coldTimes) > len(warmTimes) {
			want, of = api.ConnectionsCold, coldTimes
		}
		if *times.Connections != want || times.Samples != len(of) ||
			*times.P10 < float64(slices.Min(of)) || *times.P99 != float64(slices.Max(of)) {
			t.Fatalf("%s of %v warm and %v cold", showTimes(times), warmTimes, coldTimes)
		}
		over := 0
		for _, elapsed := range slices.Concat(warmTimes, coldTimes) {
			if elapsed > 150 {
				over++
			}
		}
		if slow := got.Verdict == api.VerdictSlow; len(warmTimes)+len(coldTimes) >= 3 && slow != (*times.P50 > 150 || 2*over > len(warmTimes)+len(coldTimes)) {
			t.Fatalf("%s with %d over the SLA: %s", showTimes(times), over, got.Verdict)
		}
	})
}
