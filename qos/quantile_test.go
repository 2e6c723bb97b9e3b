package qos

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestQuantilesOf(t *testing.T) {
	ten := make([]time.Duration, 10)
	for i := range ten {
		ten[i] = time.Duration(10-i) * time.Millisecond
	}
	for _, c := range []struct {
		name  string
		times []time.Duration
		want  string
	}{
		{"none", nil, `{"p10":null,"p25":null,"p50":null,"p75":null,"p90":null,"p99":null}`},
		{"one, rounded up", []time.Duration{1_234_500}, `{"p10":1.235,"p25":1.235,"p50":1.235,"p75":1.235,"p90":1.235,"p99":1.235}`},
		{"one, rounded down", []time.Duration{1_234_499}, `{"p10":1.234,"p25":1.234,"p50":1.234,"p75":1.234,"p90":1.234,"p99":1.234}`},
		{"two", []time.Duration{2e6, 1e6}, `{"p10":1,"p25":1,"p50":1,"p75":2,"p90":2,"p99":2}`},
		{"ten, unsorted", ten, `{"p10":1,"p25":3,"p50":5,"p75":8,"p90":9,"p99":10}`},
	} {
		got, err := json.Marshal(QuantilesOf(c.times))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %s (%v), want %s", c.name, got, err, c.want)
		}
	}
	if ten[0] != 10*time.Millisecond {
		t.Error("QuantilesOf reordered its argument")
	}
}

func TestQuantilesAgainstCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Map(rapid.Int64Range(0, int64(time.Minute)),
			func(n int64) time.Duration { return time.Duration(n).Truncate(time.Microsecond) }), 1, 300).Draw(t, "times")
		got := QuantilesOf(times)
		previous := math.Inf(-1)
		for _, q := range []struct {
			percent int
			value   *float64
		}{{10, got.P10}, {25, got.P25}, {50, got.P50}, {75, got.P75}, {90, got.P90}, {99, got.P99}} {
			// Nearest rank is the smallest of the times with at least that percentage of them at or below it.
			want := time.Duration(math.MaxInt64)
			for _, candidate := range times {
				atOrBelow := 0
				for _, other := range times {
					if other <= candidate {
						atOrBelow++
					}
				}
				if atOrBelow*100 >= q.percent*len(times) {
					want = min(want, candidate)
				}
			}
			if *q.value != float64(want.Microseconds())/1000 {
				t.Fatalf("p%d = %v ms, want %v", q.percent, *q.value, want)
			}
			if *q.value < previous {
				t.Fatalf("p%d = %v ms is below the quantile before it", q.percent, *q.value)
			}
			previous = *q.value
		}
		if *got.P99 > Milliseconds(slices.Max(times)) || *got.P10 < Milliseconds(slices.Min(times)) {
			t.Fatal("quantiles leave the range of the times")
		}
	})
}
