package qos

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// TestRandomNulls: null samples at random, which rarely fall together, stay the servicer's. Docs/qos.md has the table.
func TestRandomNulls(t *testing.T) {
	const worlds = 200
	for _, test := range []struct {
		nulls  float64
		places int
		every  time.Duration
		// least is the least share of the null samples that has to be the servicer's in the mean.
		least float64
	}{
		{0.02, 3, 2 * time.Minute, 0.4},
		{0.10, 2, 2 * time.Minute, 0.65},
		{0.10, 3, 2 * time.Minute, 0.85},
		{0.10, 3, 5 * time.Minute, 0.70},
		{0.10, 3, 10 * time.Second, 0.80},
		{0.10, 5, 2 * time.Minute, 0.80},
		{0.30, 3, 2 * time.Minute, 0.85},
	} {
		counted, path, literal, samples := 0, 0, 0, 0
		verdicts := make(map[api.Verdict]int)
		alone := make(map[api.Verdict]int)
		for seed := range uint64(worlds) {
			w := newWorld()
			w.every = make(map[string]time.Duration)
			for place := range test.places {
				w.every[string(rune('a'+place))] = test.every
			}
			random := rand.New(rand.NewPCG(seed, 7))
			w.servicers = []string{"x", "y"}
			w.rules = func(session *types.QoSSession) { session.NullSamplesAllowed = 0 }
			// The order of places is that of a map, so what each sees is drawn by place.
			draws := make(map[string][]float64)
			for place := range test.places {
				for range 400 {
					draws[string(rune('a'+place))] = append(draws[string(rune('a'+place))], random.Float64())
				}
			}
			w.sees = func(place, servicer string, n int, _ time.Time) rune {
				if servicer == "x" && draws[place][n] < test.nulls {
					return seesNull
				}
				return seesOK
			}
			members := w.members()
			row := RollVantages(members, DefaultRolling(), w.now).of(t, "x")
			verdicts[row.Verdict]++
			alone[Roll([]RollingMember{members["x"][0].RollingMember}, DefaultRolling(), w.now)[0].Verdict]++
			for _, v := range row.Vantages {
				counted += v.NullSamples
				path += v.PathNulls
				samples += v.Samples + v.PathNulls
			}
			literal += literally(members["x"], w)
		}
		all := counted + path
		t.Logf("%4.0f %% null, %d places, every %v: availability %.1f %% (exact %.1f %%, only nulls of most places in a bucket %.1f %%); unavailable in %d of %d, alone %d",
			100*test.nulls, test.places, test.every, 100*(1-float64(counted)/float64(samples-path)), 100*(1-float64(all)/float64(samples)),
			100*(1-float64(literal)/float64(samples-(all-literal))), verdicts[api.VerdictUnavailable], worlds, alone[api.VerdictUnavailable])
		if kept := float64(counted) / float64(all); kept < test.least {
			t.Errorf("%.0f %% of the null samples are the servicer's, want %.0f %% at least", 100*kept, 100*test.least)
		}
		if math.Abs(float64(verdicts[api.VerdictUnavailable]-alone[api.VerdictUnavailable])) > worlds/5 && verdicts[api.VerdictUnavailable] < alone[api.VerdictUnavailable] {
			t.Errorf("unavailable in %d of %d worlds, alone in %d", verdicts[api.VerdictUnavailable], worlds, alone[api.VerdictUnavailable])
		}
	}
}

// literally counts the null samples among the newest checks that fall into a bucket in which most places have one.
func literally(known []VantageMember, w *world) (counted int) {
	for _, member := range known {
		for _, check := range reached(member.Checks, DefaultRolling(), w.now.Add(-time.Hour).UnixNano()) {
			if !check.Null() {
				continue
			}
			have := 0
			for _, other := range known {
				if other.Buckets.at(SlotOf(check.asked)).Nulls > 0 {
					have++
				}
			}
			if mostOf(have, len(known)) {
				counted++
			}
		}
	}
	return counted
}

// A place that has lost its way does not make more of the null samples that all others have at random.
func TestLostWayBesideRandomNulls(t *testing.T) {
	for _, every := range []time.Duration{10 * time.Second, 2 * time.Minute} {
		w := newWorld()
		for place := range w.every {
			w.every[place] = every
		}
		w.sees = func(place, servicer string, n int, _ time.Time) rune {
			if servicer == "x" && (place == "sydney" || n%10 == int(place[0]%10)) {
				return seesNull
			}
			return seesOK
		}
		row := w.merge().of(t, "x")
		wantVerdict(t, row, api.VerdictHealthy, 6)
		if row.Samples != 60 || vantageOf(t, row, "sydney").PathNulls != 30 {
			t.Errorf("every %v: %d samples, %d null samples are the path of sydney", every, row.Samples, vantageOf(t, row, "sydney").PathNulls)
		}
	}
}

// A golden example, worked by hand in docs/qos.md.
func TestMergeByHand(t *testing.T) {
	w := newWorld()
	w.long = 20 * time.Minute
	w.now = w.now.Add(-time.Second)
	w.servicers = []string{"x", "y"}
	w.rules = func(session *types.QoSSession) { session.ChecksPlanned = 8 }
	seen := map[string]string{
		//           12:00  :05    :10    :15
		"frankfurt": "on" + "oo" + "oo" + "oo",
		"sydney":    "oo" + "nn" + "nn" + "nn",
		"virginia":  "oo" + "nn" + "oo" + "oo",
	}
	for place := range w.every {
		w.every[place] = 150 * time.Second
	}
	w.sees = func(place, servicer string, n int, _ time.Time) rune {
		if servicer == "x" {
			return rune(seen[place][n])
		}
		return seesOK
	}
	row := w.merge().of(t, "x")
	wantVerdict(t, row, api.VerdictHealthy, 5)
	for place, want := range map[string][3]int{"frankfurt": {8, 1, 0}, "sydney": {4, 2, 4}, "virginia": {8, 2, 0}} {
		v := vantageOf(t, row, place)
		if got := [3]int{v.Samples, v.NullSamples, v.PathNulls}; got != want {
			t.Errorf("%s has %v samples, null samples and path nulls, want %v", place, got, want)
		}
	}
}

func BenchmarkRollVantages(b *testing.B) {
	w := newWorld()
	w.servicers = nil
	for i := range 1000 {
		w.servicers = append(w.servicers, string(rune('a'+i%26))+time.Duration(i).String())
	}
	w.sees = func(place, servicer string, n int, _ time.Time) rune {
		if (n+len(place)+int(servicer[0]))%17 == 0 {
			return seesNull
		}
		return seesOK
	}
	members := w.members()
	b.Run("merged", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			RollVantages(members, DefaultRolling(), w.now)
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(len(members)), "µs/servicer")
	})
	b.Run("apart", func(b *testing.B) { // what the places would judge without one another
		var apart [3][]RollingMember
		for _, known := range members {
			for place := range known {
				apart[place] = append(apart[place], known[place].RollingMember)
			}
		}
		b.ReportAllocs()
		for b.Loop() {
			for _, members := range apart {
				Roll(members, DefaultRolling(), w.now)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(len(members)), "µs/servicer")
	})
}
