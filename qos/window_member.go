package qos

import (
	"cmp"
	"maps"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// windowMember gathers what one servicer did in the sessions of a window.
type windowMember struct {
	// sum has the counts.
	sum      row
	sessions int
	verdicts api.Verdicts
	// rules are sums of the sessions' thresholds. Times are compared with the SLA session by session, so there is none.
	rules rules
	times answerTimes
	// over counts answers above the SLA in sessions that have one.
	over int
	// height and id of the newest session, whose URL and standing are shown.
	height int64
	id     string
}

func newWindowMember(servicer string) *windowMember {
	return &windowMember{sum: row{ServicerReport: api.NewServicerReport(servicer, "")}, verdicts: api.Verdicts{}}
}

// add merges the servicer's row of a session.
func (m *windowMember) add(digest SessionDigest, row *row) {
	session := &digest.Report
	if m.sessions == 0 || cmp.Or(cmp.Compare(session.Height, m.height), cmp.Compare(session.ID, m.id)) > 0 {
		m.height, m.id, m.sum.ServiceURL = session.Height, session.ID, row.ServiceURL
		m.sum.Standing, m.sum.ChainIdentity, m.sum.ClientVersion = row.Standing, row.ChainIdentity, row.ClientVersion
		m.sum.Owner, m.sum.StakeUPOKT = row.Owner, row.StakeUPOKT
		m.sum.majority = row.majority
	}
	m.sessions++
	m.verdicts[row.Verdict]++
	m.sum.Samples += row.Samples
	m.sum.NullSamples += row.NullSamples
	m.sum.Void += row.Void
	m.sum.Throttled += row.Throttled
	m.sum.voids.merge(row.voids)
	m.sum.claims.merge(row.claims)
	m.sum.Freshness.Behind += row.Freshness.Behind
	m.sum.OverSLA += row.OverSLA
	m.sum.Consistency.Agree += row.Consistency.Agree
	m.sum.Consistency.Disagree += row.Consistency.Disagree
	m.sum.Consistency.Undecidable += row.Consistency.Undecidable
	for label, n := range row.Outcomes {
		m.sum.Outcomes[label] += n
	}
	m.rules.nullsAllowed += min(digest.rules.nullsAllowed, row.Samples)
	m.rules.unansweredAllowed += min(digest.rules.nullsAllowed, row.Samples+row.voids.doubtful)
	m.rules.samplesRequired += digest.rules.samplesRequired
	m.rules.majoritiesRequired += digest.rules.majoritiesRequired
	m.rules.disagreementsAllowed += min(digest.rules.disagreementsAllowed, row.Consistency.Agree+row.Consistency.Disagree)
	if digest.rules.maxLag > 0 {
		m.rules.laggingAllowed += min(digest.rules.laggingAllowed, row.Freshness.Claims)
	}
	if digest.rules.sla > 0 {
		m.over += row.OverSLA
	}
	times := digest.times[row.Servicer]
	m.times.warm.merge(times.warm)
	m.times.cold.merge(times.cold)
}

// judged is the row that shares, verdict, order and rank are made of.
func (m *windowMember) judged() row {
	judged := m.sum
	connections, times := m.rules.connections(m.times.warm.count(), m.times.cold.count()), m.times.warm
	if connections == api.ConnectionsCold {
		times = m.times.cold
	}
	if times.count() > 0 {
		judged.RoundTripTimes = api.RoundTripTimes{Quantiles: times.sketch.Quantiles(), Connections: &connections, Samples: times.count()}
	}
	judged.estimateShares()
	judged.Freshness = judged.claims.freshness()
	judged.Freshness.Behind = m.sum.Freshness.Behind
	slow := slowShare(times.over, times.count(), connections, m.over, judged.Samples-judged.NullSamples)
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
