package qos

import (
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// drawnMember draws what was counted of a servicer.
func drawnMember(t *rapid.T) memberPart {
	count := func(name string) int { return rapid.IntRange(0, math.MaxInt32).Draw(t, name) }
	words := rapid.SampledFrom([]string{"OK", "TIMEOUT", "", "RATE_LIMITED", "a code of a relay miner"})
	m := memberPart{verdict: rapid.SampledFrom([]api.Verdict{api.VerdictHealthy, api.VerdictUnavailable, ""}).Draw(t, "verdict"),
		samples: count("samples"), nulls: count("nulls"), void: count("void"), throttled: count("throttled"), over: count("over"),
		behind: count("behind"), agree: count("agree"), disagree: count("disagree"), undecidable: count("undecidable"),
		fallen: count("fallen"), doubtful: count("doubtful"), overWarm: count("over warm"), overCold: count("over cold"),
		warm: pack(drawTimes("warm").Draw(t, "warm")), cold: pack(drawTimes("cold").Draw(t, "cold"))}
	for range rapid.IntRange(0, 3).Draw(t, "kinds") {
		m.outcomes = append(m.outcomes, outcomeCount{words.Draw(t, "outcome"), count("samples")})
		m.attempts = append(m.attempts, attemptCount{types.Attempt(count("attempt")), count("samples")})
		m.lags = append(m.lags, lagCount{rapid.Int64().Draw(t, "blocks"), count("claims")})
		m.refused = append(m.refused, refusalCount{refusal{types.Outcome(count("outcome")), words.Draw(t, "code")}, count("samples")})
	}
	if m.lasted = rapid.Bool().Draw(t, "lasted"); m.lasted {
		m.longest = time.Duration(rapid.Int64().Draw(t, "longest"))
	}
	return m
}

// What is packed is read as it was, whatever was read before it.
func TestPackedMembersAreReadAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.SliceOfN(rapid.Custom(drawnMember), 0, 5).Draw(t, "members")
		var packing memberPacking
		for i := range members {
			packing.add(&members[i])
		}
		packed := packing.packed()
		reading := packed.reading()
		for i, want := range members {
			got := *reading.next()
			for _, counts := range []*memberPart{&got, &want} { // empty or nil is one
				counts.outcomes, counts.attempts = append([]outcomeCount{}, counts.outcomes...), append([]attemptCount{}, counts.attempts...)
				counts.lags, counts.refused = append([]lagCount{}, counts.lags...), append([]refusalCount{}, counts.refused...)
				counts.warm.buckets, counts.cold.buckets = append([]byte{}, counts.warm.buckets...), append([]byte{}, counts.cold.buckets...)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("member %d is %+v, want %+v", i, got, want)
			}
		}
		if len(reading.rest) > 0 {
			t.Errorf("%d bytes are left", len(reading.rest))
		}
	})
}
