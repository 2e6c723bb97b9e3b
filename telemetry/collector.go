package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// readingCollector shows how a collector reads the feed. The names of vantage points come from its configuration, which bounds
// their number.
type readingCollector struct {
	read     func() api.Collector
	vantages func() []api.Vantage

	problem, pending, unacknowledged, lag, rejected, verdicts      *prometheus.Desc
	statements, takeovers, missing, gaps, lost, heard, skew, state *prometheus.Desc
	double                                                         *prometheus.Desc
}

func newReadingCollector(read func() api.Collector, vantages func() []api.Vantage) *readingCollector {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("pocket_collector_"+name, help, labels, nil)
	}
	return &readingCollector{
		read: read, vantages: vantages,
		problem:        describe("problem", "1 for why the feed is not read, 0 for the others; none while it is read.", "problem"),
		pending:        describe("pending_messages", "Messages of the stream that were not delivered yet; absent while that is not known."),
		unacknowledged: describe("unacknowledged_messages", "Messages that were delivered and are not acknowledged yet; absent while that is not known."),
		lag:            describe("lag_seconds", "How long the message that was taken last had been in the stream; absent before the first."),
		rejected:       describe("rejected_total", "Messages that were refused, by vantage point and reason; without a vantage point those of keys that are not trusted.", "vantage", "rejection"),
		verdicts:       describe("verdicts_total", "Verdicts of the key-value bucket: written, or how often writing failed.", "result"),
		statements:     describe("statements_total", "Statements of a vantage point: taken, or duplicate, which has no effect.", "vantage", "result"),
		takeovers:      describe("takeovers_total", "How often another data folder with the key of a vantage point was taken instead.", "vantage"),
		missing:        describe("missing_statements", "Statements that are missing and may still arrive.", "vantage"),
		gaps:           describe("gaps_total", "Statements that were missing and are given up, since the vantage point was first heard.", "vantage"),
		lost:           describe("lost_rounds_total", "Rounds that a fisherman had to remove before they were published, since it was first heard.", "vantage"),
		heard:          describe("last_heard_timestamp_seconds", "When the server stored the newest statement of a vantage point, since the Unix epoch; absent before the first.", "vantage"),
		skew:           describe("clock_skew_seconds", "By how much the clock of a vantage point is ahead of the server's; below 0 when it is behind. Absent while not known.", "vantage"),
		state:          describe("vantage_state", "1 for the state that a vantage point is in, 0 for the others.", "vantage", "state"),
		double:         describe("key_in_two_places_timestamp_seconds", "When a statement of a second place with the key of a vantage point was refused last, since the Unix epoch; absent without one.", "vantage"),
	}
}

// Describe implements prometheus.Collector.
func (c *readingCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.problem, c.pending, c.unacknowledged, c.lag, c.rejected, c.verdicts, c.statements, c.takeovers, c.missing,
		c.gaps, c.lost, c.heard, c.skew, c.state, c.double} {
		descs <- desc
	}
}

// problems and states are the labels that there are.
var (
	problems = []api.CollectorProblem{api.CollectorProblemUnreachable, api.CollectorProblemRefused, api.CollectorProblemNoStream,
		api.CollectorProblemForeignConsumer, api.CollectorProblemUnstorable, api.CollectorProblemOther}
	states = []api.VantageState{api.VantageStateOK, api.VantageStatePath, api.VantageStateOut, api.VantageStateSkewed, api.VantageStateSilent,
		api.VantageStateContradicted}
	rejections = []api.Rejection{api.RejectionMalformed, api.RejectionForeign, api.RejectionSignature, api.RejectionVersion, api.RejectionSubject,
		api.RejectionAltered, api.RejectionReordered, api.RejectionElsewhere, api.RejectionOrphan, api.RejectionFull, api.RejectionChains}
)

// Collect implements prometheus.Collector.
func (c *readingCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	counted := func(desc *prometheus.Desc, value int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), labels...)
	}
	now := c.read()
	for _, each := range problems {
		gauge(c.problem, oneIf(each == now.Problem), string(each))
	}
	if now.Pending != nil {
		gauge(c.pending, float64(*now.Pending))
	}
	if now.Unacknowledged != nil {
		gauge(c.unacknowledged, float64(*now.Unacknowledged))
	}
	if now.LagMS != nil {
		gauge(c.lag, *now.LagMS/1000)
	}
	c.collectRejected(counted, "", now.Rejected)
	if now.Verdicts != nil {
		counted(c.verdicts, now.Verdicts.Written, "written")
		counted(c.verdicts, now.Verdicts.Failed, "failed")
	}
	for i := range now.Vantages {
		c.collectVantage(gauge, counted, &now.Vantages[i])
	}
	for _, vantage := range c.vantages() {
		for _, each := range states {
			gauge(c.state, oneIf(each == vantage.State), vantage.Place, api.WordOf(each))
		}
	}
}

func (c *readingCollector) collectVantage(gauge series, counted func(*prometheus.Desc, int64, ...string), v *api.CollectorVantage) {
	counted(c.statements, v.Taken, v.Place, "taken")
	counted(c.statements, v.Duplicates, v.Place, "duplicate")
	counted(c.takeovers, v.Takeovers, v.Place)
	gauge(c.missing, float64(v.Missing), v.Place)
	counted(c.gaps, v.Gaps, v.Place)
	counted(c.lost, v.Lost, v.Place)
	if v.Heard != nil {
		gauge(c.heard, float64(v.Heard.UnixMilli())/1000, v.Place)
	}
	if v.SkewMS != nil {
		gauge(c.skew, *v.SkewMS/1000, v.Place)
	}
	if v.Elsewhere != nil {
		gauge(c.double, float64(v.Elsewhere.At.UnixMilli())/1000, v.Place)
	}
	c.collectRejected(counted, v.Place, v.Rejected)
}

// collectRejected has a series for each reason, so that an alert sees the first message that is refused.
func (c *readingCollector) collectRejected(counted func(*prometheus.Desc, int64, ...string), place string, rejected []api.Rejected) {
	counts := make(map[api.Rejection]int64, len(rejected))
	for _, each := range rejected {
		counts[each.Rejection] = each.Messages
	}
	for _, each := range rejections {
		counted(c.rejected, counts[each], place, string(each))
	}
}
