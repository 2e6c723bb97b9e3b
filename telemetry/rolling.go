package telemetry

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// rollingCollector shows each servicer's verdict over its newest checks, across sessions.
type rollingCollector struct {
	read func() []api.RollingReport
	now  func() time.Time
	// relayChain and address check what becomes a label.
	relayChain, address func(string) error

	verdict, availability, median, lag, overflow *prometheus.Desc

	mu     sync.Mutex
	kept   []rollingMember
	left   int
	readAt time.Time
}

// rollingMember is a servicer of a relay chain.
type rollingMember struct {
	relayChain string
	api.RollingServicer
}

func newRollingCollector(read func() []api.RollingReport, now func() time.Time) *rollingCollector {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("pocket_fisherman_rolling_"+name, help, append([]string{"servicer", "relay_chain"}, labels...), nil)
	}
	return &rollingCollector{
		read: read, now: now, relayChain: types.ValidateRelayChain, address: types.ValidateAddress,
		verdict:      describe("verdict", "Always 1; the label is the verdict over the servicer's newest checks, whatever sessions they are of.", "verdict"),
		availability: describe("availability_ratio", "Share of the servicer's newest samples that were answered; absent without samples."),
		median: describe("round_trip_median_seconds",
			"Median round-trip time of the servicer's newest answers, on connections of one kind; absent without answers."),
		lag: describe("lag_blocks",
			"Most blocks that the servicer's node was behind the height that most have, in its newest checks; absent without a head claim."),
		overflow: prometheus.NewDesc("pocket_fisherman_rolling_without_series",
			"Servicers with a verdict over their newest checks that have no series of their own, because there are too many.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *rollingCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.verdict, c.availability, c.median, c.lag, c.overflow} {
		descs <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *rollingCollector) Collect(out chan<- prometheus.Metric) {
	members, left := c.current()
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, member := range members {
		gauge(c.verdict, 1, member.Servicer, member.relayChain, string(member.Verdict))
		if share := member.Availability.Value; share != nil {
			gauge(c.availability, *share, member.Servicer, member.relayChain)
		}
		if median := member.RoundTripTimes.P50; median != nil {
			gauge(c.median, *median/1000, member.Servicer, member.relayChain)
		}
		if lag := member.Freshness.LagBlocksMax; lag != nil {
			gauge(c.lag, float64(*lag), member.Servicer, member.relayChain)
		}
	}
	gauge(c.overflow, float64(left))
}

// current returns the servicers that are shown, and how many are not; what was read a moment ago is shown again.
func (c *rollingCollector) current() (members []rollingMember, left int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.readAt.IsZero() && c.now().Sub(c.readAt) < sessionsAge {
		return c.kept, c.left
	}
	var all []rollingMember
	for _, report := range c.read() {
		for _, servicer := range report.Servicers {
			if c.relayChain(report.RelayChain) == nil && c.address(servicer.Servicer) == nil {
				all = append(all, rollingMember{report.RelayChain, servicer})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b rollingMember) int { // members of open sessions first, and not by verdict
		return cmp.Or(-cmp.Compare(oneIf(a.Running), oneIf(b.Running)), cmp.Compare(a.relayChain, b.relayChain), cmp.Compare(a.Servicer, b.Servicer))
	})
	type series struct{ relayChain, servicer string }
	seen := make(map[series]bool) // one that moved to another zone is in both for a while
	all = slices.DeleteFunc(all, func(m rollingMember) bool {
		of := series{m.relayChain, m.Servicer}
		if seen[of] {
			return true
		}
		seen[of] = true
		return false
	})
	shown := min(len(all), MostServicers)
	c.kept, c.left, c.readAt = slices.Clone(all[:shown]), len(all)-shown, c.now()
	return c.kept, c.left
}
