package qos

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// ranked makes a servicer of its counts: answered of samples, agreed of decidable.
func ranked(verdict api.Verdict, answered, samples, agreed, decidable int) row {
	s := row{ServicerReport: api.ServicerReport{Verdict: verdict, Samples: samples, NullSamples: samples - answered, Availability: Wilson(answered, samples)}}
	s.Consistency = api.Consistency{Agree: agreed, Disagree: decidable - agreed, Interval: Wilson(agreed, decidable)}
	return s
}

// scarce makes the servicer one with fewer samples than required.
func scarce(s row) row {
	s.scarce = true
	return s
}

// ranksOf lists ranks in the order of the servicers; 0 stands for none.
func ranksOf(servicers []row) []int {
	setRanks(servicers)
	var ranks []int
	for _, s := range servicers {
		if s.Rank == nil {
			ranks = append(ranks, 0)
			continue
		}
		ranks = append(ranks, *s.Rank)
	}
	return ranks
}

func TestRanks(t *testing.T) {
	for _, c := range []struct {
		name      string
		servicers []row
		want      []int
	}{
		{"nobody", nil, nil},
		{"alone", []row{ranked(api.VerdictHealthy, 10, 10, 10, 10)}, []int{1}},
		{"9 of 10 and 10 of 10 are not told apart",
			[]row{ranked(api.VerdictHealthy, 9, 10, 9, 9), ranked(api.VerdictHealthy, 10, 10, 10, 10)}, []int{1, 1}},
		{"900 of 1000 and 1000 of 1000 are",
			[]row{ranked(api.VerdictHealthy, 900, 1000, 900, 900), ranked(api.VerdictHealthy, 1000, 1000, 1000, 1000)}, []int{2, 1}},
		{"overlap is not transitive: the middle one shares with both, the ends differ", []row{
			ranked(api.VerdictUnavailable, 50, 100, 50, 50), ranked(api.VerdictUnavailable, 60, 100, 60, 60), ranked(api.VerdictHealthy, 70, 100, 70, 70)},
			[]int{2, 1, 1}},
		{"never observed is neither first nor last", []row{
			ranked(api.VerdictUnavailable, 0, 10, 0, 0), ranked(api.VerdictUnknown, 0, 0, 0, 0), ranked(api.VerdictHealthy, 10, 10, 10, 10)}, []int{2, 0, 1}},
		{"an unknown one is better than nobody",
			[]row{ranked(api.VerdictUnavailable, 0, 100, 0, 0), ranked(api.VerdictUnknown, 100, 100, 0, 0)}, []int{1, 0}},
		{"too few samples make no rank, whatever they prove", []row{
			scarce(ranked(api.VerdictInconsistent, 1, 1, 0, 1)), scarce(ranked(api.VerdictUnavailable, 0, 2, 0, 0)), ranked(api.VerdictHealthy, 10, 10, 10, 10)}, []int{0, 0, 1}},
		{"slow is as available as fast",
			[]row{ranked(api.VerdictSlow, 10, 10, 10, 10), ranked(api.VerdictHealthy, 10, 10, 10, 10)}, []int{1, 1}},
		{"a slow one does not come before a healthy one that answers less",
			[]row{ranked(api.VerdictSlow, 100, 100, 100, 100), ranked(api.VerdictHealthy, 80, 100, 80, 80)}, []int{1, 1}},
		{"one who lies and one who is down are both behind, and not before one another", []row{
			ranked(api.VerdictInconsistent, 10, 10, 0, 10), ranked(api.VerdictUnavailable, 0, 10, 0, 0), ranked(api.VerdictHealthy, 10, 10, 10, 10)},
			[]int{2, 2, 1}},
		{"a rare lie is a verdict, not a rank",
			[]row{ranked(api.VerdictInconsistent, 10, 10, 9, 10), ranked(api.VerdictHealthy, 10, 10, 10, 10)}, []int{1, 1}},
		{"each is above the other in one share",
			[]row{ranked(api.VerdictInconsistent, 100, 100, 10, 100), ranked(api.VerdictInconsistent, 40, 100, 39, 40)}, []int{1, 1}},
		{"touching is not above", []row{
			{ServicerReport: api.ServicerReport{Verdict: api.VerdictHealthy, Availability: api.Interval{Value: at(0.6), Low: at(0.5), High: at(0.75)}}},
			{ServicerReport: api.ServicerReport{Verdict: api.VerdictHealthy, Availability: api.Interval{Value: at(0.8), Low: at(0.75), High: at(0.9)}}}}, []int{1, 1}},
	} {
		if got := ranksOf(c.servicers); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func at(value float64) *float64 { return &value }

func TestRankCountsWhoIsBetterBeyondDoubt(t *testing.T) {
	servicer := rapid.Custom(func(t *rapid.T) row {
		samples := rapid.IntRange(0, 400).Draw(t, "samples")
		answered := rapid.IntRange(0, samples).Draw(t, "answered")
		decidable := rapid.IntRange(0, answered).Draw(t, "decidable")
		agreed := rapid.IntRange(0, decidable).Draw(t, "agreed")
		verdict := rapid.SampledFrom([]api.Verdict{api.VerdictInconsistent, api.VerdictUnavailable, api.VerdictSlow, api.VerdictUnknown, api.VerdictHealthy}).Draw(t, "verdict")
		s := ranked(verdict, answered, samples, agreed, decidable)
		s.scarce = samples < 3
		return s
	})
	overlap := func(a, b api.Interval) bool {
		return a.Low == nil || b.Low == nil || *a.Low <= *b.High && *b.Low <= *a.High
	}
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(servicer, 0, 12).Draw(t, "servicers")
		ranks := ranksOf(all)
		for i := range all {
			ahead := 0
			for j := range all {
				if !better(&all[j], &all[i]) {
					continue
				}
				ahead++
				if i == j || better(&all[i], &all[j]) {
					t.Fatalf("%d and %d are both better than the other", i, j)
				}
				if overlap(all[i].Availability, all[j].Availability) && overlap(all[i].Consistency.Interval, all[j].Consistency.Interval) {
					t.Fatalf("%d comes before %d although their intervals overlap", j, i)
				}
				if all[j].Verdict == api.VerdictUnknown || all[j].scarce || severity(all[j].Verdict) < severity(all[i].Verdict) {
					t.Fatalf("%s comes before %s", all[j].Verdict, all[i].Verdict)
				}
			}
			if unknown := all[i].Verdict == api.VerdictUnknown || all[i].scarce; unknown != (ranks[i] == 0) || !unknown && ranks[i] != ahead+1 {
				t.Fatalf("%s has rank %d behind %d", all[i].Verdict, ranks[i], ahead)
			}
		}
	})
}
