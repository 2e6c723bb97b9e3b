package qos

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

func sketchOf(times ...time.Duration) *Sketch {
	sketch := NewSketch()
	for _, elapsed := range times {
		sketch.Add(elapsed)
	}
	return sketch
}

func merged(sketches ...*Sketch) *Sketch {
	sum := NewSketch()
	for _, sketch := range sketches {
		sum.Merge(sketch)
	}
	return sum
}

func TestSketchOfFewTimes(t *testing.T) {
	const longest = time.Duration(math.MaxInt64)
	for _, c := range []struct {
		name   string
		sketch *Sketch
		want   string
	}{
		{"none", sketchOf(), `{"p10":null,"p25":null,"p50":null,"p75":null,"p90":null,"p99":null}`},
		{"merged of none", merged(sketchOf(), sketchOf()), `{"p10":null,"p25":null,"p50":null,"p75":null,"p90":null,"p99":null}`},
		{"one is exact", sketchOf(402_973 * time.Microsecond), `{"p10":402.973,"p25":402.973,"p50":402.973,"p75":402.973,"p90":402.973,"p99":402.973}`},
		{"so are ends", sketchOf(time.Microsecond, 3*time.Second), `{"p10":0.001,"p25":0.001,"p50":0.001,"p75":3000,"p90":3000,"p99":3000}`},
		{"zeros", sketchOf(0, 0, 0, 0, 0, 0, time.Second), `{"p10":0,"p25":0,"p50":0,"p75":0,"p90":1000,"p99":1000}`},
		{"below zero is zero", sketchOf(-time.Second), `{"p10":0,"p25":0,"p50":0,"p75":0,"p90":0,"p99":0}`},
		{"the longest there is", sketchOf(longest, longest, 1), `{"p10":0,"p25":0,"p50":9223372036854.775,"p75":9223372036854.775,"p90":9223372036854.775,"p99":9223372036854.775}`},
		{"an empty one changes nothing", merged(sketchOf(), sketchOf(time.Second), sketchOf()), `{"p10":1000,"p25":1000,"p50":1000,"p75":1000,"p90":1000,"p99":1000}`},
	} {
		got, err := json.Marshal(c.sketch.Quantiles())
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s (%v), want %s", c.name, got, err, c.want)
		}
	}
}

// drawTimes are of every size: most like round-trip times, some zero, some as long as a Duration can be.
func drawTimes(label string) *rapid.Generator[[]time.Duration] {
	ordinary := rapid.Int64Range(100_000, 3_000_000_000)
	any := rapid.OneOf(ordinary, ordinary, rapid.Int64Range(0, 20), rapid.Int64Range(0, math.MaxInt64), rapid.Just(int64(400_000_000)))
	return rapid.SliceOfN(rapid.Map(any, func(n int64) time.Duration { return time.Duration(n) }), 0, 200)
}

// near tells whether every quantile is within RelativeError of the exact one, and the rounding to microseconds.
func near(t *rapid.T, got api.Quantiles, times []time.Duration) {
	exact := QuantilesOf(times)
	for _, q := range []struct {
		name      string
		got, want *float64
	}{{"p10", got.P10, exact.P10}, {"p25", got.P25, exact.P25}, {"p50", got.P50, exact.P50}, {"p75", got.P75, exact.P75},
		{"p90", got.P90, exact.P90}, {"p99", got.P99, exact.P99}} {
		if (q.got == nil) != (q.want == nil) {
			t.Fatalf("%s is %v, want %v", q.name, q.got, q.want)
		}
		// Both are rounded to whole microseconds: half a one each. What is left is the arithmetic of floats.
		if q.got != nil && math.Abs(*q.got-*q.want) > RelativeError**q.want*(1+1e-9)+0.001+1e-9 {
			t.Fatalf("%s of %d times is %v ms, exactly %v ms", q.name, len(times), *q.got, *q.want)
		}
	}
}

func TestMergedSketchIsNearTheExactQuantiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []time.Duration
		var parts []*Sketch
		for range rapid.IntRange(0, 5).Draw(t, "sessions") {
			times := drawTimes("times").Draw(t, "times")
			all = append(all, times...)
			parts = append(parts, sketchOf(times...))
		}
		sum := merged(parts...)
		if sum.Count() != len(all) {
			t.Fatalf("count %d of %d", sum.Count(), len(all))
		}
		near(t, sum.Quantiles(), all)
	})
}

func TestMergingDependsOnNeitherOrderNorGrouping(t *testing.T) {
	quantiles := func(s *Sketch) string {
		text, _ := json.Marshal(s.Quantiles())
		return string(text)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawTimes("a").Draw(t, "a"), drawTimes("b").Draw(t, "b"), drawTimes("c").Draw(t, "c")
		left := merged(merged(sketchOf(a...), sketchOf(b...)), sketchOf(c...))
		right := merged(sketchOf(a...), merged(sketchOf(b...), sketchOf(c...)))
		turned := merged(sketchOf(c...), sketchOf(b...), sketchOf(a...))
		whole := sketchOf(slices.Concat(a, b, c)...)
		for _, other := range []*Sketch{right, turned, whole} {
			if quantiles(left) != quantiles(other) {
				t.Fatalf("%s and %s", quantiles(left), quantiles(other))
			}
		}
	})
}

func TestMergingLeavesTheOtherAlone(t *testing.T) {
	part := sketchOf(time.Second)
	sum := merged(part)
	sum.Merge(part)
	sum.Add(time.Hour)
	if got := part.Quantiles(); part.Count() != 1 || *got.P99 != 1000 {
		t.Errorf("%d times, p99 %v ms", part.Count(), *got.P99)
	}
	if got := sum.Quantiles(); sum.Count() != 3 || *got.P50 != 1000 || *got.P99 != 3_600_000 {
		t.Errorf("%d times, p50 %v ms, p99 %v ms", sum.Count(), *got.P50, *got.P99)
	}
}
