package main

import "regexp"

// Run is one call of go test.
type Run struct {
	// Package below the module's root, and the pattern of its benchmarks.
	Package, Bench string
	// Benchtime as go test takes it, and the one for a run that has to be short; the empty one leaves the run out.
	Benchtime, Short string
}

// Row is one line of the report: a metric, and what it should be.
type Row struct {
	Work string
	Run  *Run
	// Result selects the benchmarks of the run whose metric it is; of several, the one that is furthest from the bar counts.
	Result *regexp.Regexp
	// Unit names the metric.
	Unit string
	// Bar is the most that the metric should be, or the least.
	Bar   float64
	Least bool
}

// Met reports whether a value is what it should be.
func (r *Row) Met(value float64) bool {
	if r.Least {
		return value >= r.Bar
	}
	return value <= r.Bar
}

// worse reports whether a value is further from the bar than another.
func (r *Row) worse(value, than float64) bool { return (value > than) != r.Least }

// The runs that rows are read from.
var (
	sample    = &Run{"fisherman", "^BenchmarkSample$/^1000x1$", "20x", "2x"}
	roundTrip = &Run{"fisherman", "^BenchmarkRoundTripError$/^tls=false$/^busy=false$/^10ms$", "200x", ""}
	skew      = &Run{"fisherman", "^BenchmarkSkew$/^1000$", "20x", ""}
	fleet     = &Run{"fisherman", "^BenchmarkFleet$/^servicers=9600$", "1x", ""}
	put       = &Run{"persistence/local", "^BenchmarkPutRound$", "30x", "5x"}
	reads     = &Run{"node", "^BenchmarkReads$/^(qos|last=1000|window=24h|evidence|poll.*)$/^identity$", "10x", ""}
	start     = &Run{"node", "^BenchmarkStart$/^streams=100$", "5x", ""}
	relays    = &Run{"servicer", "^BenchmarkReverseProxy$", "3s", "3x"}
)

// rows are what the project wants to be true of itself.
var rows = []Row{
	{Work: "CPU of a sample, 1 000 at once, against a bare client", Run: sample, Unit: "cpu-ratio", Bar: 1.15},
	{Work: "error of round-trip times, p99", Run: roundTrip, Unit: "error-p99-µs", Bar: 200},
	{Work: "skew of 1 000 requests, against a bare loop", Run: skew, Unit: "median-of-ratios", Bar: 1.2},
	{Work: "9 600 servicers: checks dropped", Run: fleet, Unit: "dropped-%", Bar: 0},
	{Work: "9 600 servicers: descriptors for each", Run: fleet, Unit: "descriptors/servicer", Bar: 1.3},
	{Work: "9 600 servicers: released late, p99", Run: fleet, Unit: "late-p99-µs", Bar: 20_000},
	{Work: "9 600 servicers: memory (250 MB)", Run: fleet, Unit: "RSS-MiB", Bar: 238},
	{Work: "PutRound from 50 sessions, against bare pebble", Run: put, Unit: "ratio", Bar: 0.7, Least: true},
	{Work: "/v1/qos, 1 000 sessions retained", Run: reads, Result: regexp.MustCompile(`/qos/`), Unit: "cpu-ms", Bar: 10},
	{Work: "/v1/qos?last=1000", Run: reads, Result: regexp.MustCompile(`/last=1000/`), Unit: "cpu-ms", Bar: 150},
	{Work: "/v1/qos?window=24h", Run: reads, Result: regexp.MustCompile(`/window=24h/`), Unit: "cpu-ms", Bar: 150},
	{Work: "the page's poll of a running session", Run: reads, Result: regexp.MustCompile(`/poll`), Unit: "cpu-ms", Bar: 3},
	{Work: "/v1/evidence without disagreements", Run: reads, Result: regexp.MustCompile(`/evidence/`), Unit: "cpu-ms", Bar: 10},
	{Work: "start with a full store", Run: start, Unit: "s-to-start", Bar: 1},
	{Work: "servicer, against httputil.ReverseProxy", Run: relays, Unit: "throughput-ratio", Bar: 1, Least: true},
	{Work: "servicer, against a minimal signed relay", Run: relays, Unit: "signed-floor-ratio", Bar: 0.8, Least: true},
}
