package fisherman

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// mostSteal is the share of processor time taken by other virtual machines above which a 99th percentile says more of
// them than of us.
const mostSteal = 0.02

// ticks are processor time since the machine started, over all processors, in the kernel's unit.
type ticks struct{ total, stolen float64 }

// processorTicks reads /proc/stat (proc(5)); zero where there is none.
func processorTicks() (sum ticks) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return sum
	}
	line, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(line)[1:9] { // user nice system idle iowait irq softirq steal
		value, _ := strconv.ParseFloat(field, 64) // the kernel writes numbers
		sum.total += value
		if i == 7 {
			sum.stolen = value
		}
	}
	return sum
}

// quiet measures how undisturbed a benchmark was.
type quiet struct{ began ticks }

func newQuiet() quiet { return quiet{processorTicks()} }

// steal is the share of processor time that others took.
func (q quiet) steal() float64 {
	now := processorTicks()
	return (now.stolen - q.began.stolen) / max(1, now.total-q.began.total)
}

// report writes the steal time as a metric, and tells whether 99th percentiles may be reported.
func (q quiet) report(b *testing.B) bool {
	steal := q.steal()
	b.ReportMetric(100*steal, "steal-%")
	b.ReportMetric(0, "ns/op") // the sum of both sides and of preparations says nothing
	return steal <= mostSteal
}

// percentile by nearest rank; 0 of nothing.
func percentile[T ~int64 | ~float64](values []T, percent int) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)*percent/100]
}

func median[T ~int64 | ~float64](values []T) T { return percentile(values, 50) }

// reportTimes writes median and 99th percentile in microseconds.
func (q quiet) reportTimes(b *testing.B, name string, times []time.Duration) {
	b.ReportMetric(micros(percentile(times, 50)), name+"-p50-µs")
	if q.steal() <= mostSteal {
		b.ReportMetric(micros(percentile(times, 99)), name+"-p99-µs")
	}
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
