package telemetry

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// MostServicers is how many members of current sessions have series of their own; a servicer that is in two sessions
	// counts twice.
	MostServicers = 256
	// sessionsAge is how long what was read of the sessions is shown again: however often somebody scrapes, the store is
	// not read more often than that.
	sessionsAge = 5 * time.Second
	// sessionsPatience bounds the reading.
	sessionsPatience = 3 * time.Second
)

// servicerCollector shows the servicers of the current sessions. The series of a session are gone when it is over.
type servicerCollector struct {
	read   func(context.Context, int) ([]samples.Running, error)
	now    func() time.Time
	logger *slog.Logger
	// relayChain and address check what becomes a label.
	relayChain, address func(string) error

	sessions, planned, sla, unread, overflow           *prometheus.Desc
	samples, nulls, availability, median, lag, verdict *prometheus.Desc

	mu       sync.Mutex
	kept     []samples.Running
	readAt   time.Time
	failures int
}

func newServicerCollector(read func(context.Context, int) ([]samples.Running, error), now func() time.Time, logger *slog.Logger) *servicerCollector {
	member := []string{"servicer", "relay_chain", "application"}
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("pocket_fisherman_"+name, help, labels, nil)
	}
	return &servicerCollector{
		read: read, now: now, logger: logger, relayChain: types.ValidateRelayChain, address: types.ValidateAddress,
		sessions: describe("sessions", "Sessions that are being sampled.", "relay_chain"),
		planned:  describe("checks_planned", "Checks planned for the sessions that are being sampled.", "relay_chain"),
		sla:      describe("latency_sla_seconds", "Latency SLA of the newest session that is being sampled; absent without one.", "relay_chain"),
		unread:   describe("sessions_read_failures_total", "Scrapes at which the current sessions could not be read, so that their series are missing."),
		overflow: describe("servicers_without_series", "Members of current sessions that have no series of their own, because there are too many."),
		samples:  describe("servicer_samples", "Samples of the current session that count, null ones included.", member...),
		nulls:    describe("servicer_null_samples", "Samples of the current session without a valid answer in time.", member...),
		availability: describe("servicer_availability_ratio",
			"Share of the current session's samples that were answered; absent without samples.", member...),
		median: describe("servicer_round_trip_median_seconds",
			"Median round-trip time of the current session's answers, on connections of one kind; absent without answers.", member...),
		lag: describe("servicer_lag_blocks",
			"Most blocks that the servicer's node was behind the height that most have, in the current session; absent without a head claim.", member...),
		verdict: describe("servicer_verdict", "Always 1; the label is the verdict of the current session so far.", append(member, "verdict")...),
	}
}

// Describe implements prometheus.Collector.
func (c *servicerCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.sessions, c.planned, c.sla, c.unread, c.overflow, c.samples, c.nulls, c.availability, c.median, c.lag, c.verdict} {
		descs <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *servicerCollector) Collect(out chan<- prometheus.Metric) {
	sessions, failures := c.current()
	out <- prometheus.MustNewConstMetric(c.unread, prometheus.CounterValue, float64(failures))
	c.collectSessions(out, sessions)
	shown, left := 0, 0
	seen := make(map[[3]string]bool)
	for _, session := range sessions {
		servicers := slices.SortedFunc(slices.Values(session.Report.Servicers), func(a, b api.ServicerReport) int {
			return cmp.Compare(a.Servicer, b.Servicer) // not by verdict, so that which ones are shown does not change with it
		})
		members := 0
		for _, servicer := range servicers {
			place := [3]string{servicer.Servicer, session.Report.RelayChain, session.Report.Application}
			if shown == MostServicers || seen[place] || !c.presentable(place) {
				continue
			}
			seen[place] = true
			shown++
			members++
			c.collectServicer(out, servicer, place)
		}
		left += max(0, max(session.Members, len(servicers))-members)
	}
	out <- prometheus.MustNewConstMetric(c.overflow, prometheus.GaugeValue, float64(left))
}

// presentable reports whether a servicer, a relay chain and an application have the form that the network demands.
func (c *servicerCollector) presentable(place [3]string) bool {
	return c.address(place[0]) == nil && c.relayChain(place[1]) == nil && c.address(place[2]) == nil
}

// collectSessions counts sessions and checks by relay chain.
func (c *servicerCollector) collectSessions(out chan<- prometheus.Metric, sessions []samples.Running) {
	type total struct {
		sessions, planned int
		sla               *float64
	}
	names := bounded{most: mostRelayChains, valid: c.relayChain, known: make(map[string]bool)}
	totals := make(map[string]total)
	for _, session := range sessions {
		chain := names.label(session.Report.RelayChain)
		sum := totals[chain]
		sum.sessions++
		sum.planned += session.Report.ChecksPlanned
		sum.sla = session.Report.LatencySLA
		totals[chain] = sum
	}
	for chain, sum := range totals {
		out <- prometheus.MustNewConstMetric(c.sessions, prometheus.GaugeValue, float64(sum.sessions), chain)
		out <- prometheus.MustNewConstMetric(c.planned, prometheus.GaugeValue, float64(sum.planned), chain)
		if sum.sla != nil && chain != other {
			out <- prometheus.MustNewConstMetric(c.sla, prometheus.GaugeValue, *sum.sla/1000, chain)
		}
	}
}

func (c *servicerCollector) collectServicer(out chan<- prometheus.Metric, servicer api.ServicerReport, place [3]string) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, append(place[:], labels...)...)
	}
	gauge(c.samples, float64(servicer.Samples))
	gauge(c.nulls, float64(servicer.NullSamples))
	if share := servicer.Availability.Value; share != nil {
		gauge(c.availability, *share)
	}
	if median := servicer.RoundTripTimes.P50; median != nil {
		gauge(c.median, *median/1000)
	}
	if lag := servicer.Freshness.LagBlocksMax; lag != nil {
		gauge(c.lag, float64(*lag))
	}
	gauge(c.verdict, 1, string(servicer.Verdict))
}

// current reads the sessions, or gives what was read a moment ago. When they cannot be read there are none: what is not
// known is not shown as if it were.
func (c *servicerCollector) current() (sessions []samples.Running, failures int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.readAt.IsZero() && c.now().Sub(c.readAt) < sessionsAge {
		return c.kept, c.failures
	}
	ctx, cancel := context.WithTimeout(context.Background(), sessionsPatience)
	defer cancel()
	var err error
	if c.kept, err = c.read(ctx, MostServicers); err != nil {
		c.kept = nil
		c.failures++
		c.logger.Warn("current sessions cannot be read for metrics", "error", err)
	}
	c.readAt = c.now()
	return c.kept, c.failures
}
