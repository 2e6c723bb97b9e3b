package qos

import (
	"math"
	"math/big"
	"slices"
	"time"
	"unique"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// MostRollingVoids bounds the void samples that are counted beside a servicer's checks.
const MostRollingVoids = 28

// RollingMember is a servicer with its newest checks.
type RollingMember struct {
	// Servicer as the newest session that it is a member of has it.
	Servicer *types.QoSServicer
	// Majority is the relay chain that most members of that session say that they are of; empty when none does.
	Majority string
	// Running: it is a member of an open session.
	Running bool
	// Checks in the order in which they were asked, at least the newest MostRollingChecks that count and the newest
	// MostRollingVoids others. They are not changed.
	Checks []RollingCheck
	// Details are those of the last null sample of each outcome, where targets are asked without anybody between.
	Details map[types.Outcome]string
}

// Roll judges the servicers of one relay chain and geo zone by their newest checks, whatever sessions these are of.
//
// Which checks. Of a servicer the newest span.Checks checks that tell something of it, asked no longer than span.Age before
// now: its samples that count, throttled ones, and void ones of DONE rounds with the blame UNKNOWN. Other void samples take
// no place; those since the oldest of these checks (within span.Age when there are fewer than span.Checks) are counted in
// void, up to MostRollingVoids. A servicer without any check is listed while it is a member of an open session.
//
// Shares, verdicts, order and ranks follow Summarize, with these thresholds and terms in the place of a session's. s and d
// are how many of the checks are samples of a session, and doubtful ones, of p that were planned for it. n is the session
// of the newest check, and f = min(span.Checks, p of n)/(p of n). Each threshold is rounded up:
//
//	null_samples_allowed  max(sum of null_samples_allowed·s/p, f·null_samples_allowed of n)
//	                      for doubt: the same with s + d in the place of s
//	disagreements_allowed max(sum of min(disagreements_allowed·s/p, agree + disagree), f·disagreements_allowed of n)
//	lagging_allowed       max(sum over the sessions with max_lag > 0 of min(lagging_allowed·s/p, claims), f·lagging_allowed of n)
//	samples_required      max(sum of samples_required·s/p, f·samples_required of n)
//	                      for agree: half of that, unless all of the checks are of n, which has no more than span.Checks
//	behind, over_sla      claims and answers are compared with max_lag and SLA of the session that they are of
//	slow                  more than half of the times that the quantiles are of, or of all answers, are above the SLA of
//	                      the session that they are of
//	not_asked_yet         there is no check and no void sample within reach, and the servicer is one that is asked
//
// The sums do not depend on where sessions begin: with equal parameters, thresholds are in proportion to the number of
// checks. The second term of max makes the checks of less than one session be judged as that session judges them. Equal
// input gives equal bytes.
func Roll(members []RollingMember, span RollingSpan, now time.Time) []api.RollingServicer {
	since := now.Add(-span.Age).UnixNano()
	rows, rolled := make([]row, 0, len(members)), make(map[string]*rolling, len(members))
	for _, member := range members {
		made := newRolling(member, span)
		made.add(member.Checks, since)
		if made.asked == 0 && !member.Running {
			continue
		}
		rolled[made.counts.Servicer] = made
		rows = append(rows, made.judged())
	}
	slices.SortFunc(rows, worstFirst)
	setRanks(rows)
	shown := make([]api.RollingServicer, 0, len(rows))
	for i := range rows {
		shown = append(shown, rolled[rows[i].Servicer].shown(&rows[i]))
	}
	return shown
}

// rolling gathers the newest checks of one servicer.
type rolling struct {
	span   RollingSpan
	counts row
	// asked is when the newest check or void sample within reach was asked; 0 when there is none.
	asked   int64
	running bool
	// checks that count, and the sessions that they are of: that of the newest first.
	checks   int
	sessions []rollingPart
	rules    rules
	// outcomes counts by outcome, as RollingCheck has them.
	outcomes [math.MaxUint8 + 1]uint16
	// warm and cold are the times of answers on kept and on new connections.
	warm, cold         []time.Duration
	overWarm, overCold int
	// over counts answers above the SLA in sessions that have one.
	over int
}

// rollingPart is a session's part of the checks.
type rollingPart struct {
	terms *Terms
	// claims and decidable are how many of the samples are head claims, and compared with a majority.
	samples, doubtful, claims, decidable int64
}

func newRolling(member RollingMember, span RollingSpan) *rolling {
	known := member.Servicer
	counts := row{ServicerReport: api.NewServicerReport(known.GetAddress(), known.GetServiceUrl()), majority: member.Majority, details: member.Details}
	counts.Standing = api.Standing(known.GetStanding().Label())
	counts.ChainIdentity, counts.ClientVersion = api.Optional(known.GetChainIdentity()), api.Optional(known.GetClientVersion())
	counts.Owner, counts.StakeUPOKT = api.Optional(known.GetOwner()), api.Stake(known.GetStakeUpokt())
	return &rolling{span: span, counts: counts, running: member.Running}
}

// add counts the newest checks that are within reach.
func (m *rolling) add(checks []RollingCheck, since int64) {
	voids := 0
	for i := len(checks) - 1; i >= 0 && m.checks < m.span.Checks && checks[i].asked >= since; i-- {
		check := &checks[i]
		if m.asked == 0 {
			m.asked = check.asked
		}
		switch {
		case check.Counts():
			m.checks++
			m.count(check)
		case voids < MostRollingVoids:
			voids++
			m.addVoid(check)
		}
	}
}

func (m *rolling) part(terms *Terms) *rollingPart {
	for i := range m.sessions {
		if m.sessions[i].terms.session == terms.session {
			return &m.sessions[i]
		}
	}
	m.sessions = append(m.sessions, rollingPart{terms: terms})
	return &m.sessions[len(m.sessions)-1]
}

// count counts a check that takes a place, as tally.add does a sample.
func (m *rolling) count(check *RollingCheck) {
	part, outcome, counts := m.part(check.terms), types.Outcome(check.outcome), &m.counts
	switch outcome {
	case types.Outcome_OUTCOME_THROTTLED:
		counts.Throttled++
		m.outcomes[check.outcome]++
		return
	case types.Outcome_OUTCOME_VOID:
		part.doubtful++
		m.addVoid(check)
		return
	}
	part.samples++
	counts.Samples++
	m.outcomes[check.outcome]++
	if check.is(checkClaim) {
		part.claims++
		counts.claims.count(check.lag, 1)
		if check.is(checkLagTimed) {
			counts.claims.lasted(check.lagTime)
		}
		if most := check.terms.rules.maxLag; most > 0 && check.lag > most {
			counts.Freshness.Behind++
		}
	}
	if outcome != types.Outcome_OUTCOME_OK {
		counts.NullSamples++
		if check.refusal != (unique.Handle[string]{}) {
			counts.refusals.count(refusal{outcome, check.refusal.Value()}, 1)
		}
		return
	}
	m.addAnswer(part, check)
}

func (m *rolling) addVoid(check *RollingCheck) {
	m.counts.Void++
	m.outcomes[types.Outcome_OUTCOME_VOID]++
	switch voids := &m.counts.voids; {
	case check.is(checkFallen):
		voids.fallen++
	default:
		if check.is(checkDoubtful) {
			voids.doubtful++
		}
		if check.is(checkExplained) {
			voids.count(types.Attempt(check.attempt), 1)
		}
	}
}

// addAnswer counts what only an answer has: time and content.
func (m *rolling) addAnswer(part *rollingPart, check *RollingCheck) {
	over := 0
	if check.terms.rules.over(check.elapsed) {
		over = 1
	}
	switch {
	case !check.is(checkTimed):
	case check.is(checkWarm):
		m.warm, m.overWarm = append(m.warm, check.elapsed), m.overWarm+over
	default:
		m.cold, m.overCold = append(m.cold, check.elapsed), m.overCold+over
	}
	if check.is(checkOverSLA) {
		m.counts.OverSLA++
		if check.terms.rules.sla > 0 {
			m.over++
		}
	}
	switch types.Consistency(check.consistency) {
	case types.Consistency_CONSISTENCY_AGREE:
		part.decidable++
		m.counts.Consistency.Agree++
	case types.Consistency_CONSISTENCY_DISAGREE:
		part.decidable++
		m.counts.Consistency.Disagree++
	case types.Consistency_CONSISTENCY_UNDECIDABLE:
		m.counts.Consistency.Undecidable++
	}
}

// judged estimates and judges what was counted.
func (m *rolling) judged() row {
	m.setRules()
	for outcome, checks := range m.outcomes {
		if checks > 0 {
			m.counts.Outcomes[types.Outcome(outcome).Label()] = int(checks)
		}
	}
	judged := m.counts
	judged.estimateShares()
	behind := judged.Freshness.Behind
	judged.Freshness = judged.claims.freshness()
	judged.Freshness.Behind = behind
	connections, times, over := m.rules.connections(len(m.warm), len(m.cold)), m.warm, m.overWarm
	if connections == api.ConnectionsCold {
		times, over = m.cold, m.overCold
	}
	if len(times) > 0 {
		judged.RoundTripTimes = api.RoundTripTimes{Quantiles: QuantilesOf(times), Connections: &connections, Samples: len(times)}
	}
	if m.asked == 0 && judged.Standing != api.StandingOtherChain && judged.Standing != api.StandingUnverifiable {
		judged.Verdict, judged.Reason = api.VerdictNotAskedYet, "no check has asked it within "+spanText(m.span.Age)
		return judged
	}
	slow := slowShare(over, len(times), connections, m.over, judged.Samples-judged.NullSamples)
	judged.Verdict, judged.Reason = m.rules.judge(&judged, slow)
	return judged
}

// setRules scales the thresholds of the sessions, as Roll documents.
func (m *rolling) setRules() {
	if len(m.sessions) == 0 {
		return
	}
	newest := m.sessions[0].terms
	m.rules = rules{
		direct:       newest.rules.direct,
		nullsAllowed: m.scaled(func(p *rollingPart) int64 { return int64(p.terms.rules.nullsAllowed) * p.samples }, newest.rules.nullsAllowed),
		unansweredAllowed: m.scaled(func(p *rollingPart) int64 { return int64(p.terms.rules.nullsAllowed) * (p.samples + p.doubtful) },
			newest.rules.nullsAllowed),
		disagreementsAllowed: m.scaled(func(p *rollingPart) int64 {
			return min(int64(p.terms.rules.disagreementsAllowed)*p.samples, p.decidable*p.terms.planned)
		}, newest.rules.disagreementsAllowed),
		samplesRequired: m.scaled(func(p *rollingPart) int64 { return int64(p.terms.rules.samplesRequired) * p.samples }, newest.rules.samplesRequired),
		laggingAllowed: m.scaled(func(p *rollingPart) int64 {
			if p.terms.rules.maxLag == 0 {
				return 0
			}
			return min(int64(p.terms.rules.laggingAllowed)*p.samples, p.claims*p.terms.planned)
		}, newest.rules.laggingAllowed),
	}
	m.rules.majoritiesRequired = m.rules.samplesRequired
	if len(m.sessions) > 1 || newest.planned > int64(m.span.Checks) {
		m.rules.majoritiesRequired = (m.rules.samplesRequired + 1) / 2
	}
}

// scaled is the sum of the sessions' parts of a threshold, and at least as much as the newest session gives for as many of
// its checks as there may be; rounded up. part is a session's in 1/planned.
func (m *rolling) scaled(part func(*rollingPart) int64, ofNewest int) int {
	newest := m.sessions[0].terms
	least := up(int64(ofNewest)*min(int64(m.span.Checks), newest.planned), newest.planned)
	sum := int64(0)
	for i := range m.sessions {
		if m.sessions[i].terms.planned != newest.planned {
			return max(m.scaledExactly(part), least)
		}
		sum += part(&m.sessions[i])
	}
	return max(up(sum, newest.planned), least)
}

// up is part/whole rounded up, of a whole above 0.
func up(part, whole int64) int { return int((part + whole - 1) / whole) }

// scaledExactly is the sum of scaled for sessions with different numbers of checks.
func (m *rolling) scaledExactly(part func(*rollingPart) int64) int {
	sum := new(big.Rat)
	for i := range m.sessions {
		sum.Add(sum, big.NewRat(part(&m.sessions[i]), m.sessions[i].terms.planned))
	}
	whole := new(big.Int).Add(sum.Num(), new(big.Int).Sub(sum.Denom(), big.NewInt(1)))
	return int(whole.Div(whole, sum.Denom()).Int64())
}

// shown is what is shown of a judged and ranked servicer.
func (m *rolling) shown(judged *row) api.RollingServicer {
	return api.RollingServicer{
		Servicer:           judged.Servicer,
		ServiceURL:         judged.ServiceURL,
		AskedAt:            Moment(m.asked),
		Running:            m.running,
		Checks:             m.checks,
		Sessions:           len(m.sessions),
		Samples:            judged.Samples,
		NullSamples:        judged.NullSamples,
		Void:               judged.Void,
		NullSamplesAllowed: m.rules.nullsAllowed,
		SamplesRequired:    m.rules.samplesRequired,
		Availability:       judged.Availability,
		RoundTripTimes:     judged.RoundTripTimes,
		OverSLA:            judged.OverSLA,
		Consistency:        judged.Consistency,
		Outcomes:           judged.Outcomes,
		Verdict:            judged.Verdict,
		Reason:             judged.Reason,
		Rank:               judged.Rank,
		Freshness:          judged.Freshness,
		RelayErrors:        judged.refusals.shown(),

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
