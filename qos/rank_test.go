package qos

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// ranked makes a servicer of its counts: answered of samples, agreed of decidable.
func ranked(verdict Verdict, answered, samples, agreed, decidable int) ServicerReport {
	s := ServicerReport{Verdict: verdict, Samples: samples, NullSamples: samples - answered, Availability: Wilson(answered, samples)}
	s.Consistency = Consistency{Agree: agreed, Disagree: decidable - agreed, Interval: Wilson(agreed, decidable)}
	return s
}

// scarce makes the servicer one with fewer samples than required.
func scarce(s ServicerReport) ServicerReport {
	s.scarce = true
	return s
}

// ranksOf lists ranks in the order of the servicers; 0 stands for none.
func ranksOf(servicers []ServicerReport) []int {
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
		servicers []ServicerReport
		want      []int
	}{
		{"nobody", nil, nil},
		{"alone", []ServicerReport{ranked(Healthy, 10, 10, 10, 10)}, []int{1}},
		{"9 of 10 and 10 of 10 are not told apart",
			[]ServicerReport{ranked(Healthy, 9, 10, 9, 9), ranked(Healthy, 10, 10, 10, 10)}, []int{1, 1}},
		{"900 of 1000 and 1000 of 1000 are",
			[]ServicerReport{ranked(Healthy, 900, 1000, 900, 900), ranked(Healthy, 1000, 1000, 1000, 1000)}, []int{2, 1}},
		{"overlap is not transitive: the middle one shares with both, the ends differ", []ServicerReport{
			ranked(Unavailable, 50, 100, 50, 50), ranked(Unavailable, 60, 100, 60, 60), ranked(Healthy, 70, 100, 70, 70)},
			[]int{2, 1, 1}},
		{"never observed is neither first nor last", []ServicerReport{
			ranked(Unavailable, 0, 10, 0, 0), ranked(Unknown, 0, 0, 0, 0), ranked(Healthy, 10, 10, 10, 10)}, []int{2, 0, 1}},
		{"an unknown one is better than nobody",
			[]ServicerReport{ranked(Unavailable, 0, 100, 0, 0), ranked(Unknown, 100, 100, 0, 0)}, []int{1, 0}},
		{"too few samples make no rank, whatever they prove", []ServicerReport{
			scarce(ranked(Inconsistent, 1, 1, 0, 1)), scarce(ranked(Unavailable, 0, 2, 0, 0)), ranked(Healthy, 10, 10, 10, 10)}, []int{0, 0, 1}},
		{"slow is as available as fast",
			[]ServicerReport{ranked(Slow, 10, 10, 10, 10), ranked(Healthy, 10, 10, 10, 10)}, []int{1, 1}},
		{"a slow one does not come before a healthy one that answers less",
			[]ServicerReport{ranked(Slow, 100, 100, 100, 100), ranked(Healthy, 80, 100, 80, 80)}, []int{1, 1}},
		{"one who lies and one who is down are both behind, and not before one another", []ServicerReport{
			ranked(Inconsistent, 10, 10, 0, 10), ranked(Unavailable, 0, 10, 0, 0), ranked(Healthy, 10, 10, 10, 10)},
			[]int{2, 2, 1}},
		{"a rare lie is a verdict, not a rank",
			[]ServicerReport{ranked(Inconsistent, 10, 10, 9, 10), ranked(Healthy, 10, 10, 10, 10)}, []int{1, 1}},
		{"each is above the other in one share",
			[]ServicerReport{ranked(Inconsistent, 100, 100, 10, 100), ranked(Inconsistent, 40, 100, 39, 40)}, []int{1, 1}},
		{"touching is not above", []ServicerReport{
			{Verdict: Healthy, Availability: Interval{at(0.6), at(0.5), at(0.75)}},
			{Verdict: Healthy, Availability: Interval{at(0.8), at(0.75), at(0.9)}}}, []int{1, 1}},
	} {
		if got := ranksOf(c.servicers); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func at(value float64) *float64 { return &value }

func TestRankCountsWhoIsBetterBeyondDoubt(t *testing.T) {
	servicer := rapid.Custom(func(t *rapid.T) ServicerReport {
		samples := rapid.IntRange(0, 400).Draw(t, "samples")
		answered := rapid.IntRange(0, samples).Draw(t, "answered")
		decidable := rapid.IntRange(0, answered).Draw(t, "decidable")
		agreed := rapid.IntRange(0, decidable).Draw(t, "agreed")
		verdict := rapid.SampledFrom([]Verdict{Inconsistent, Unavailable, Slow, Unknown, Healthy}).Draw(t, "verdict")
		s := ranked(verdict, answered, samples, agreed, decidable)
		s.scarce = samples < 3
		return s
	})
	overlap := func(a, b Interval) bool {
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
				if all[j].Verdict == Unknown || all[j].scarce || all[j].Verdict.severity() < all[i].Verdict.severity() {
					t.Fatalf("%s comes before %s", all[j].Verdict, all[i].Verdict)
				}
			}
			if unknown := all[i].Verdict == Unknown || all[i].scarce; unknown != (ranks[i] == 0) || !unknown && ranks[i] != ahead+1 {
				t.Fatalf("%s has rank %d behind %d", all[i].Verdict, ranks[i], ahead)
			}
		}
	})
}
