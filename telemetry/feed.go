package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Feed is how publishing for collectors goes.
type Feed struct {
	// State is one of States.
	State  string
	States []string
	// Rounds, Sessions and Gaps wait to be published; Oldest is how long the oldest round does.
	Rounds, Sessions, Gaps int
	Oldest                 time.Duration
	// Evicted rounds were removed before they were published.
	Evicted uint64
	// Published statements were acknowledged, GapStatements of them say that rounds are missing. Resent ones were sent once more,
	// Refused ones refused by the server, Foreign ones in the stream although this process had not published them.
	Published, GapStatements, Resent, Refused, Foreign uint64
}

// feedCollector reads how publishing goes at each scrape.
type feedCollector struct {
	feed                                        func() Feed
	state, waiting, oldest, evicted, statements *prometheus.Desc
}

func newFeedCollector(feed func() Feed) *feedCollector {
	return &feedCollector{
		feed:       feed,
		state:      prometheus.NewDesc("pocket_feed_state", "1 for the state that publishing for collectors is in, 0 for the others.", []string{"state"}, nil),
		waiting:    prometheus.NewDesc("pocket_feed_outbox", "What waits to be published for collectors, by kind: round, session, gap.", []string{"kind"}, nil),
		oldest:     prometheus.NewDesc("pocket_feed_oldest_seconds", "How long the oldest round has waited to be published; 0 while none waits.", nil, nil),
		evicted:    prometheus.NewDesc("pocket_feed_evicted_rounds_total", "Rounds that were removed from the store before they were published, since the outbox was made.", nil, nil),
		statements: prometheus.NewDesc("pocket_feed_statements_total", "Statements for collectors by what became of them: published (gap ones too), gap, resent, refused, foreign (in the stream although this process had not published them).", []string{"result"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *feedCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.state, c.waiting, c.oldest, c.evicted, c.statements} {
		descs <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *feedCollector) Collect(out chan<- prometheus.Metric) {
	feed := c.feed()
	for _, state := range feed.States {
		is := 0.0
		if state == feed.State {
			is = 1
		}
		out <- prometheus.MustNewConstMetric(c.state, prometheus.GaugeValue, is, state)
	}
	for kind, count := range map[string]int{"round": feed.Rounds, "session": feed.Sessions, "gap": feed.Gaps} {
		out <- prometheus.MustNewConstMetric(c.waiting, prometheus.GaugeValue, float64(count), kind)
	}
	out <- prometheus.MustNewConstMetric(c.oldest, prometheus.GaugeValue, feed.Oldest.Seconds())
	out <- prometheus.MustNewConstMetric(c.evicted, prometheus.CounterValue, float64(feed.Evicted))
	for result, count := range map[string]uint64{"published": feed.Published, "gap": feed.GapStatements, "resent": feed.Resent, "refused": feed.Refused, "foreign": feed.Foreign} {
		out <- prometheus.MustNewConstMetric(c.statements, prometheus.CounterValue, float64(count), result)
	}
}
