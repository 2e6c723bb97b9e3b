package telemetry

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// mostRelayChains is how many relay chains have series of their own.
const mostRelayChains = 64

// Classic buckets in seconds. Those of round-trip times reach from a servicer next door to the largest timeout.
var (
	roundTripBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	ownDelayBuckets  = []float64{.00001, .000025, .00005, .0001, .00025, .0005, .001, .0025, .005, .01, .05, .25, 1}
)

// connection kinds of a round-trip time, as in package qos.
const (
	warm = "warm"
	cold = "cold"
)

// noCause is the cause of done rounds.
const noCause = "none"

// causeOf is why a round is not done, as a label: "stall", "no_control_probe".
func causeOf(record *types.QoSRound) string {
	if why := record.Why(); why != types.Cause_CAUSE_UNSPECIFIED {
		return strings.ToLower(why.Label())
	}
	return noCause
}

// Round is a check as a fisherman tells of it.
type Round struct {
	// RelayChain and Application of its session.
	RelayChain, Application string
	// SLA is the latency SLA of its session; 0 when it has none, or it is not known.
	SLA time.Duration
	// Record is the round; it is not changed.
	Record *types.QoSRound
	// Stored: the store acknowledged it.
	Stored bool
}

// roundMetrics count what a fisherman asked and what came back.
type roundMetrics struct {
	rounds, samples, consistency, answers *prometheus.CounterVec
	unstored                              prometheus.Counter
	roundTrips                            *prometheus.HistogramVec
	skew, lateness, delay                 prometheus.Histogram

	mu     sync.Mutex
	chains map[string]*chainSeries
	names  bounded
	// members is used with mu locked; its histograms are.
	members *memberMetrics
}

// chainSeries are one relay chain's series, found once so that a sample costs no look-up of labels.
type chainSeries struct {
	name        string
	samples     map[sampleKind]prometheus.Counter
	consistency map[types.Consistency]prometheus.Counter
	answers     map[types.AnswerClass]prometheus.Counter
	warm, cold  prometheus.Observer
}

type sampleKind struct {
	outcome types.Outcome
	blame   types.Blame
}

func newRoundMetrics() *roundMetrics {
	m := &roundMetrics{
		rounds: counter("pocket_fisherman_rounds_total",
			"Checks by what became of them, and why those are void or were dropped.", "status", "cause"),
		samples: counter("pocket_fisherman_samples_total",
			"Samples by outcome and by whom they speak against.", "relay_chain", "outcome", "blame"),
		consistency: counter("pocket_fisherman_consistency_total",
			"Answers of done rounds by how they compare with those of the other servicers.", "relay_chain", "consistency"),
		answers: counter("pocket_fisherman_answers_total",
			"Verified answers of done rounds by what the node behind the servicer answered.", "relay_chain", "answer"),
		unstored: prometheus.NewCounter(prometheus.CounterOpts{Name: "pocket_fisherman_rounds_unstored_total",
			Help: "Rounds that the store did not take."}),
		roundTrips: prometheus.NewHistogramVec(histogram("pocket_fisherman_round_trip_seconds",
			"Round-trip times of the answers of done rounds, by the kind of the connection.", roundTripBuckets),
			[]string{"relay_chain", "connection"}),
		skew: prometheus.NewHistogram(histogram("pocket_fisherman_send_skew_seconds",
			"Last request of a round sent less the first, of rounds that were asked.", ownDelayBuckets)),
		lateness: prometheus.NewHistogram(histogram("pocket_fisherman_check_lateness_seconds",
			"Release of a round less the time that its schedule wanted, of rounds that were asked.", ownDelayBuckets)),
		delay: prometheus.NewHistogram(histogram("pocket_fisherman_scheduling_delay_seconds",
			"What the fisherman's own machine adds to a round trip as its program sees it, of answers timed by the kernel.", ownDelayBuckets)),
		chains: make(map[string]*chainSeries),
		names:  bounded{most: mostRelayChains, valid: types.ValidateRelayChain, known: make(map[string]bool)},

		members: newMemberMetrics(),
	}
	// There from the start, so that the first of them is seen as an increase.
	m.rounds.WithLabelValues(types.RoundStatus_ROUND_STATUS_DONE.Label(), noCause)
	return m
}

func (m *roundMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.rounds, m.samples, m.consistency, m.answers, m.unstored, m.roundTrips, m.skew, m.lateness, m.delay,
		m.members.checks, m.members.nulls, m.members.disagreements, m.members.overSLA, memberTimes{m}}
}

// memberTimes collects the histograms of the servicers, those of every SLA.
type memberTimes struct{ *roundMetrics }

// Describe implements prometheus.Collector.
func (c memberTimes) Describe(descs chan<- *prometheus.Desc) { newMemberTimes(0).Describe(descs) }

// Collect implements prometheus.Collector.
func (c memberTimes) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	all := slices.Collect(maps.Values(c.members.roundTrips))
	c.mu.Unlock()
	for _, histograms := range all {
		histograms.Collect(out)
	}
}

// Round counts a check that is over. It returns at once: it only adds to numbers in memory.
func (m *Metrics) Round(round Round) {
	if m.rounds != nil {
		m.rounds.observe(round)
	}
}

func (m *roundMetrics) observe(round Round) {
	m.mu.Lock()
	defer m.mu.Unlock()
	record := round.Record
	m.rounds.WithLabelValues(record.GetStatus().Label(), causeOf(record)).Inc()
	if !round.Stored {
		m.unstored.Inc()
	}
	if released := record.GetReleasedUnixNano(); released != 0 {
		m.skew.Observe(record.GetSkew().AsDuration().Seconds())
		m.lateness.Observe(max(0, time.Duration(released-record.GetPlannedUnixNano())).Seconds())
	}
	if len(record.GetSamples()) == 0 {
		return
	}
	chain := m.names.label(round.RelayChain)
	series := m.chain(chain)
	for _, sample := range record.GetSamples() {
		m.sample(series, sample)
	}
	m.members.observe(round, chain)
}

// sample counts one sample. The samples of a void round have the outcome VOID, so none of their times is taken.
func (m *roundMetrics) sample(series *chainSeries, sample *types.QoSSample) {
	series.ofSamples(m.samples, sampleKind{sample.GetOutcome(), sample.GetBlame()}).Inc()
	if class := sample.GetAnswer(); class != types.AnswerClass_ANSWER_CLASS_UNSPECIFIED && sample.GetOutcome() != types.Outcome_OUTCOME_VOID {
		series.ofAnswers(m.answers, class).Inc()
	}
	if sample.GetOutcome() != types.Outcome_OUTCOME_OK {
		return
	}
	if sample.GetConsistency() != types.Consistency_CONSISTENCY_UNSPECIFIED { // a claim is not compared
		series.ofConsistency(m.consistency, sample.GetConsistency()).Inc()
	}
	if sample.GetReusedConnection() {
		series.warm.Observe(sample.GetRoundTripTime().AsDuration().Seconds())
	} else {
		series.cold.Observe(sample.GetRoundTripTime().AsDuration().Seconds())
	}
	if delay, known := sample.SchedulingDelay(); known {
		m.delay.Observe(delay.Seconds())
	}
}

// chain finds the series of a relay chain.
func (m *roundMetrics) chain(name string) *chainSeries {
	series, known := m.chains[name]
	if !known {
		series = &chainSeries{
			name:        name,
			samples:     make(map[sampleKind]prometheus.Counter),
			consistency: make(map[types.Consistency]prometheus.Counter),
			answers:     make(map[types.AnswerClass]prometheus.Counter),
			warm:        m.roundTrips.WithLabelValues(name, warm),
			cold:        m.roundTrips.WithLabelValues(name, cold),
		}
		m.chains[name] = series
	}
	return series
}

func (s *chainSeries) ofSamples(all *prometheus.CounterVec, kind sampleKind) prometheus.Counter {
	found, known := s.samples[kind]
	if !known {
		blame := "NOBODY"
		if kind.blame != types.Blame_BLAME_UNSPECIFIED {
			blame = kind.blame.Label()
		}
		found = all.WithLabelValues(s.name, kind.outcome.Label(), blame)
		s.samples[kind] = found
	}
	return found
}

func (s *chainSeries) ofConsistency(all *prometheus.CounterVec, kind types.Consistency) prometheus.Counter {
	found, known := s.consistency[kind]
	if !known {
		found = all.WithLabelValues(s.name, kind.Label())
		s.consistency[kind] = found
	}
	return found
}

func (s *chainSeries) ofAnswers(all *prometheus.CounterVec, class types.AnswerClass) prometheus.Counter {
	found, known := s.answers[class]
	if !known {
		found = all.WithLabelValues(s.name, class.Label())
		s.answers[class] = found
	}
	return found
}
