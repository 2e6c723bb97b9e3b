package telemetry

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// memberAge is how long a servicer that is not asked any more keeps its series when another one needs the room.
	memberAge = time.Hour
	// memberSearch is the pause between two searches for such a servicer.
	memberSearch = time.Minute
)

// memberBuckets are the classic buckets of a servicer's round-trip times, in seconds, beside its SLA.
var memberBuckets = []float64{.005, .025, .1, .25, .5, 1, 2.5, 10}

// memberLabels name a servicer, and whom it serves.
var memberLabels = []string{"servicer", "relay_chain", "application"}

// member is a servicer of an application on a relay chain.
type member struct{ servicer, relayChain, application string }

// labels are the values of memberLabels.
func (m member) labels() []string { return []string{m.servicer, m.relayChain, m.application} }

// memberMetrics count what each servicer did, over all sessions. At most MostServicers have series of their own; what the
// others do is counted as that of "other".
type memberMetrics struct {
	checks, nulls, disagreements, overSLA *prometheus.CounterVec
	// roundTrips are the histograms by SLA, which is one of their buckets: all of one description.
	roundTrips map[time.Duration]*prometheus.HistogramVec
	address    func(string) error

	known map[member]*memberSeries
	// named is how many of them are not "other", of which there is one for each relay chain at most.
	named int
	// searched is when a servicer that can go was searched for last.
	searched time.Time
}

// memberSeries are one servicer's.
type memberSeries struct {
	checks, disagreements, overSLA prometheus.Counter
	nulls                          map[types.Outcome]prometheus.Counter
	roundTrips                     prometheus.Observer
	sla                            time.Duration
	// asked is when it was asked last, nanoseconds since the Unix epoch.
	asked int64
}

func newMemberMetrics() *memberMetrics {
	return &memberMetrics{
		checks: counter("pocket_fisherman_servicer_checks_total",
			"Samples of a servicer that count, null ones included, over all sessions.", memberLabels...),
		nulls: counter("pocket_fisherman_servicer_nulls_total",
			"Samples of a servicer without a valid answer in time, over all sessions, by outcome.", append(memberLabels, "outcome")...),
		disagreements: counter("pocket_fisherman_servicer_disagreements_total",
			"Answers of a servicer that contradict the majority, over all sessions.", memberLabels...),
		overSLA: counter("pocket_fisherman_servicer_over_sla_total",
			"Answers of a servicer above the latency SLA, over all sessions.", memberLabels...),
		roundTrips: make(map[time.Duration]*prometheus.HistogramVec),
		address:    types.ValidateAddress,
		known:      make(map[member]*memberSeries),
	}
}

// newMemberTimes makes the histograms of servicers with an SLA; 0 stands for none.
func newMemberTimes(sla time.Duration) *prometheus.HistogramVec {
	buckets := memberBuckets
	if bound := sla.Seconds(); sla > 0 && !slices.Contains(buckets, bound) {
		buckets = append(slices.Clone(buckets), bound)
		slices.Sort(buckets)
	}
	return prometheus.NewHistogramVec(histogram("pocket_fisherman_servicer_round_trip_seconds",
		"Round-trip times of a servicer's answers, over all sessions; the latency SLA is one of the classic buckets.", buckets), memberLabels)
}

// observe counts the samples of a round that was asked. It requires the lock of the round metrics.
func (m *memberMetrics) observe(round Round, relayChain string) {
	record := round.Record
	if record.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE {
		return
	}
	for _, sample := range record.GetSamples() {
		outcome := sample.GetOutcome()
		if outcome == types.Outcome_OUTCOME_VOID || outcome == types.Outcome_OUTCOME_THROTTLED {
			continue
		}
		series := m.series(member{sample.GetServicer(), relayChain, round.Application}, round.SLA, record.GetReleasedUnixNano())
		series.checks.Inc()
		if outcome != types.Outcome_OUTCOME_OK {
			m.null(series, sample, member{sample.GetServicer(), relayChain, round.Application}).Inc()
			continue
		}
		if sample.GetConsistency() == types.Consistency_CONSISTENCY_DISAGREE {
			series.disagreements.Inc()
		}
		if sample.GetOverSla() {
			series.overSLA.Inc()
		}
		if elapsed := sample.GetRoundTripTime(); elapsed != nil && !sample.GetLarge() {
			series.roundTrips.Observe(elapsed.AsDuration().Seconds())
		}
	}
}

// null finds the counter of a null sample's outcome.
func (m *memberMetrics) null(series *memberSeries, sample *types.QoSSample, of member) prometheus.Counter {
	found := series.nulls[sample.GetOutcome()]
	if found == nil {
		found = m.nulls.WithLabelValues(append(m.shown(of).labels(), sample.GetOutcome().Label())...)
		series.nulls[sample.GetOutcome()] = found
	}
	return found
}

// shown is the servicer whose series a servicer is counted in.
func (m *memberMetrics) shown(of member) member {
	if m.known[of] == nil {
		return member{other, of.relayChain, other}
	}
	return of
}

// series finds those that a servicer is counted in.
func (m *memberMetrics) series(of member, sla time.Duration, asked int64) *memberSeries {
	found := m.known[of]
	if found == nil {
		if of.servicer != other && !m.room(of, asked) {
			return m.series(member{other, of.relayChain, other}, sla, asked)
		}
		labels := of.labels()
		found = &memberSeries{checks: m.checks.WithLabelValues(labels...), disagreements: m.disagreements.WithLabelValues(labels...),
			overSLA: m.overSLA.WithLabelValues(labels...), nulls: make(map[types.Outcome]prometheus.Counter), sla: -1}
		m.known[of] = found
		if of.servicer != other {
			m.named++
		}
	}
	found.asked = max(found.asked, asked)
	// With another SLA the histogram begins anew; that of the others, who may have several, does not.
	if found.sla < 0 || sla != 0 && sla != found.sla && of.servicer != other {
		m.forgetTimes(of, found)
		found.sla = sla
		if m.roundTrips[sla] == nil {
			m.roundTrips[sla] = newMemberTimes(sla)
		}
		found.roundTrips = m.roundTrips[sla].WithLabelValues(of.labels()...)
	}
	return found
}

// room reports whether a servicer gets series of its own, and makes room if it can.
func (m *memberMetrics) room(of member, asked int64) bool {
	if m.named >= MostServicers {
		m.makeRoom(time.Unix(0, asked))
	}
	return m.named < MostServicers && m.address(of.servicer) == nil && (of.application == "" || m.address(of.application) == nil)
}

// makeRoom forgets the servicers that were not asked for long, unless it did a moment ago.
func (m *memberMetrics) makeRoom(now time.Time) {
	if now.Sub(m.searched) < memberSearch {
		return
	}
	m.searched = now
	for known, series := range m.known {
		if known.servicer != other && now.Sub(time.Unix(0, series.asked)) > memberAge {
			m.forget(known, series)
		}
	}
}

// forget removes the series of a servicer.
func (m *memberMetrics) forget(of member, series *memberSeries) {
	labels := prometheus.Labels{"servicer": of.servicer, "relay_chain": of.relayChain, "application": of.application}
	for _, vec := range []*prometheus.CounterVec{m.checks, m.nulls, m.disagreements, m.overSLA} {
		vec.DeletePartialMatch(labels)
	}
	m.forgetTimes(of, series)
	delete(m.known, of)
	m.named--
}

// forgetTimes removes the histogram of a servicer, and what is left of those with its SLA when it was the last.
func (m *memberMetrics) forgetTimes(of member, series *memberSeries) {
	vec := m.roundTrips[series.sla]
	if vec == nil {
		return
	}
	vec.DeleteLabelValues(of.labels()...)
	for known, others := range m.known {
		if known != of && others.sla == series.sla {
			return
		}
	}
	delete(m.roundTrips, series.sla)
}
