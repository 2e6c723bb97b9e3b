package qos

import (
	"cmp"
	"maps"
	"unique"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// windowMember gathers what one servicer did in the sessions of a window.
type windowMember struct {
	// sum has the counts.
	sum      row
	sessions int
	verdicts api.Verdicts
	// rules are sums of the sessions' thresholds. Times are compared with the SLA session by session, so there is none.
	rules      rules
	warm, cold windowTimes
	// over counts answers above the SLA in sessions that have one.
	over int
	// height and id of the newest session, whose URL and standing are shown; known is what it knows of the servicer.
	height int64
	id     string
	known  unique.Handle[memberFacts]
}

// windowTimes are times, and how many of them are above the SLA of the session that they are of.
type windowTimes struct {
	*Sketch
	over int
}

func newWindowMember(servicer string) *windowMember {
	return &windowMember{sum: row{ServicerReport: api.NewServicerReport(servicer, "")}, verdicts: api.Verdicts{},
		warm: windowTimes{Sketch: NewSketch()}, cold: windowTimes{Sketch: NewSketch()},
		known: unique.Make(memberFacts{servicer: servicer, standing: api.StandingAsked})}
}

// add merges the servicer's part of a session.
func (m *windowMember) add(session *WindowPart, known unique.Handle[memberFacts], part *memberPart) {
	if m.sessions == 0 || cmp.Or(cmp.Compare(session.height, m.height), cmp.Compare(session.id, m.id)) > 0 {
		m.height, m.id, m.known = session.height, session.id, known
	}
	m.sessions++
	m.verdicts[part.verdict]++
	m.sum.Samples += part.samples
	m.sum.NullSamples += part.nulls
	m.sum.Void += part.void
	m.sum.Throttled += part.throttled
	m.addCounts(part)
	m.sum.Freshness.Behind += part.behind
	m.sum.OverSLA += part.over
	m.sum.Consistency.Agree += part.agree
	m.sum.Consistency.Disagree += part.disagree
	m.sum.Consistency.Undecidable += part.undecidable
	m.rules.nullsAllowed += min(session.rules.nullsAllowed, part.samples)
	m.rules.unansweredAllowed += min(session.rules.nullsAllowed, part.samples+part.doubtful)
	m.rules.samplesRequired += session.rules.samplesRequired
	m.rules.majoritiesRequired += session.rules.majoritiesRequired
	m.rules.disagreementsAllowed += min(session.rules.disagreementsAllowed, part.agree+part.disagree)
	if session.rules.maxLag > 0 {
		m.rules.laggingAllowed += min(session.rules.laggingAllowed, part.claims())
	}
	if session.rules.sla > 0 {
		m.over += part.over
	}
	m.warm.addPacked(&part.warm)
	m.cold.addPacked(&part.cold)
	m.warm.over += part.overWarm
	m.cold.over += part.overCold
}

// addCounts adds what is counted by kind.
func (m *windowMember) addCounts(part *memberPart) {
	for _, counted := range part.outcomes {
		m.sum.Outcomes[counted.outcome] += counted.samples
	}
	m.sum.voids.fallen += part.fallen
	m.sum.voids.doubtful += part.doubtful
	for _, counted := range part.attempts {
		m.sum.voids.count(counted.attempt, counted.samples)
	}
	for _, counted := range part.lags {
		m.sum.claims.count(counted.blocks, counted.claims)
	}
	if part.lasted {
		m.sum.claims.lasted(part.longest)
	}
	for _, counted := range part.refused {
		m.sum.refusals.count(counted.refusal, counted.samples)
	}
}

// judged is the row that shares, verdict, order and rank are made of.
func (m *windowMember) judged() row {
	judged, known := m.sum, m.known.Value()
	judged.ServiceURL, judged.Standing, judged.majority = known.url, known.standing, known.majority
	judged.ChainIdentity, judged.ClientVersion = api.Optional(known.identity), api.Optional(known.version)
	judged.Owner, judged.StakeUPOKT = api.Optional(known.owner), api.Optional(known.stake)
	connections, times := m.rules.connections(m.warm.Count(), m.cold.Count()), m.warm
	if connections == api.ConnectionsCold {
		times = m.cold
	}
	if times.Count() > 0 {
		judged.RoundTripTimes = api.RoundTripTimes{Quantiles: times.Quantiles(), Connections: &connections, Samples: times.Count()}
	}
	judged.estimateShares()
	judged.Freshness = judged.claims.freshness()
	judged.Freshness.Behind = m.sum.Freshness.Behind
	slow := slowShare(times.over, times.Count(), connections, m.over, judged.Samples-judged.NullSamples)
	judged.Verdict, judged.Reason = m.rules.judge(&judged, slow)
	return judged
}

// shown is what is shown of a judged and ranked servicer.
func (m *windowMember) shown(judged row) api.WindowServicer {
	return api.WindowServicer{
		Address:            judged.Servicer,
		Servicer:           judged.Servicer,
		ServiceURL:         judged.ServiceURL,
		Sessions:           m.sessions,
		Verdicts:           maps.Clone(m.verdicts),
		Samples:            judged.Samples,
		NullSamples:        judged.NullSamples,
		Void:               judged.Void,
		NullSamplesAllowed: m.rules.nullsAllowed,
		SamplesRequired:    m.rules.samplesRequired,
		Availability:       judged.Availability,
		RoundTripTimes:     judged.RoundTripTimes,
		OverSLA:            judged.OverSLA,
		Consistency:        judged.Consistency,
		Outcomes:           maps.Clone(judged.Outcomes),
		RelayErrors:        judged.refusals.shown(),
		Verdict:            judged.Verdict,
		Reason:             judged.Reason,
		Rank:               judged.Rank,
		Freshness:          judged.Freshness,

		DisagreementsAllowed: m.rules.disagreementsAllowed,
		LaggingAllowed:       m.rules.laggingAllowed,
		Throttled:            judged.Throttled,
		Standing:             judged.Standing,
		ChainIdentity:        judged.ChainIdentity,
		ClientVersion:        judged.ClientVersion,
		Owner:                judged.Owner,
		StakeUPOKT:           judged.StakeUPOKT,
	}
}
