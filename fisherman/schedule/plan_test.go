package schedule_test

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
)

var distributions = []schedule.Distribution{schedule.Even, schedule.StratifiedJitter, schedule.UniformRandom}

func seed(n uint64) [32]byte { return sha256.Sum256(binary.BigEndian.AppendUint64(nil, n)) }

func plan(t rapid.TB, distribution schedule.Distribution, checks int, seed [32]byte) schedule.Plan {
	t.Helper()
	made, err := schedule.New(distribution, checks, seed)
	if err != nil {
		t.Fatalf("plan: %v", err)
	}
	return made
}

func TestPlans(t *testing.T) {
	for name, test := range map[string]struct {
		distribution schedule.Distribution
		checks       int
		want         schedule.Plan
	}{
		"one, even":    {schedule.Even, 1, schedule.Plan{0.5}},
		"two, even":    {schedule.Even, 2, schedule.Plan{0.25, 0.75}},
		"four, even":   {schedule.Even, 4, schedule.Plan{0.125, 0.375, 0.625, 0.875}},
		"jitter":       {schedule.StratifiedJitter, 4, schedule.Plan{0.24769091374799435, 0.45084289809350575, 0.7326480663374487, 0.9508061709526885}},
		"random":       {schedule.UniformRandom, 4, schedule.Plan{0.8032246838107537, 0.803371592374023, 0.9305922653497949, 0.9907636549919774}},
		"one, jitter":  {schedule.StratifiedJitter, 1, schedule.Plan{0.9907636549919774}},
		"one, random":  {schedule.UniformRandom, 1, schedule.Plan{0.9907636549919774}},
		"no checks":    {schedule.Even, 0, nil},
		"minus one":    {schedule.StratifiedJitter, -1, nil},
		"zero value":   {0, 3, nil},
		"unknown kind": {9, 3, nil},
	} {
		got, err := schedule.New(test.distribution, test.checks, seed(1))
		if (err != nil) != (test.want == nil) || !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestEveryPlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		distribution := rapid.SampledFrom(distributions).Draw(t, "distribution")
		checks := rapid.IntRange(1, 300).Draw(t, "checks")
		key := seed(rapid.Uint64().Draw(t, "seed"))
		made := plan(t, distribution, checks, key)
		if len(made) != checks {
			t.Fatalf("%d positions for %d checks", len(made), checks)
		}
		if !slices.IsSorted(made) || made[0] < 0 || made[checks-1] >= 1 {
			t.Fatalf("not ascending within [0, 1): %v", made)
		}
		if !slices.Equal(made, plan(t, distribution, checks, key)) {
			t.Fatal("the same seed gave another plan")
		}
		if distribution == schedule.UniformRandom {
			return
		}
		for stratum, position := range made {
			if int(position*float64(checks)) != stratum {
				t.Fatalf("position %v is outside of stratum %d of %d", position, stratum, checks)
			}
		}
	})
}

func TestSeedsDiffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, another := rapid.Uint64().Draw(t, "one"), rapid.Uint64().Draw(t, "another")
		if one == another {
			return
		}
		checks := rapid.IntRange(1, 50).Draw(t, "checks")
		for _, distribution := range []schedule.Distribution{schedule.StratifiedJitter, schedule.UniformRandom} {
			if a, b := plan(t, distribution, checks, seed(one)), plan(t, distribution, checks, seed(another)); slices.Equal(a, b) {
				t.Fatalf("distribution %d: two seeds, one plan %v", distribution, a)
			}
		}
	})
}

func TestEvenIsTheSameForAll(t *testing.T) {
	if !slices.Equal(plan(t, schedule.Even, 7, seed(1)), plan(t, schedule.Even, 7, seed(2))) {
		t.Error("an even plan depends on the seed")
	}
}

// chiSquare of counts that ought to be equal.
func chiSquare(counts []int) float64 {
	total := 0
	for _, count := range counts {
		total += count
	}
	expected, sum := float64(total)/float64(len(counts)), 0.0
	for _, count := range counts {
		sum += (float64(count) - expected) * (float64(count) - expected) / expected
	}
	return sum
}

// chiSquareLimit is exceeded by chance about once in a thousand (19 degrees of freedom).
const chiSquareLimit = 43.82

// To whom does not know the seed, a check may fall anywhere within its stratum (or, at random, within the session), and
// where it fell last says nothing about where it falls next.
func TestPositionsAreUniform(t *testing.T) {
	const sessions, checks, bins = 2000, 8, 20
	for _, distribution := range []schedule.Distribution{schedule.StratifiedJitter, schedule.UniformRandom} {
		within, session, sums := make([]int, bins), make([]int, bins), make([]int, bins)
		for n := range uint64(sessions) {
			made := plan(t, distribution, checks, seed(n))
			last := 0.0
			for _, position := range made {
				_, place := math.Modf(position * checks)
				within[int(place*bins)]++
				session[int(position*bins)]++
				_, sum := math.Modf(place + last)
				sums[int(sum*bins)]++
				last = place
			}
		}
		for name, counts := range map[string][]int{"within the stratum": within, "within the session": session, "from one to the next": sums} {
			if got := chiSquare(counts); got > chiSquareLimit {
				t.Errorf("distribution %d, %s: chi-square %.1f: %v", distribution, name, got, counts)
			}
		}
	}
	// The test can fail: an even plan is not uniform.
	within := make([]int, bins)
	for _, position := range plan(t, schedule.Even, checks, seed(0)) {
		_, place := math.Modf(position * checks)
		within[int(place*bins)] += sessions
	}
	if got := chiSquare(within); got < chiSquareLimit {
		t.Errorf("even: chi-square %.1f", got)
	}
}
