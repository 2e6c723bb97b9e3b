package qos

import (
	"maps"
	"slices"
	"time"
	"unique"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// WindowPart is what a window takes of a session, in little memory: with 24 servicers and 10 checks some 2 KiB. It is not changed by
// being merged.
type WindowPart struct {
	id, application string
	rules           rules
	height, blocks  int64
	// joined and asked are when the session was taken up and when its last check was asked; nanoseconds since the Unix
	// epoch.
	joined, asked  int64
	started, ended *time.Time

	planned, done, dropped, void int
	skew                         *int64

	// known is what is known of each servicer, in the order of the session's report; members has what was counted of each, in
	// the same order.
	known   []unique.Handle[memberFacts]
	members packedMembers
}

// memberFacts are what a session knows of a member, which most sessions have in common. Empty text stands for none.
type memberFacts struct {
	servicer, url, identity, version, owner, stake, majority string
	standing                                                 api.Standing
}

// memberPart is what a window takes of what was counted of a servicer in a session.
type memberPart struct {
	verdict api.Verdict

	samples, nulls, void, throttled, over, behind, agree, disagree, undecidable int

	outcomes []outcomeCount
	// fallen, doubtful and attempts are those of voids.
	fallen, doubtful int
	attempts         []attemptCount
	// lags are those of the claims; longest, the largest in time, only if lasted.
	lags    []lagCount
	longest time.Duration
	lasted  bool
	refused []refusalCount
	// warm and cold are the times of answers on kept and on new connections, and how many of them are above the session's SLA.
	warm, cold         packedTimes
	overWarm, overCold int
}

type outcomeCount struct {
	outcome string
	samples int
}

type attemptCount struct {
	attempt types.Attempt
	samples int
}

type lagCount struct {
	blocks int64
	claims int
}

type refusalCount struct {
	refusal
	samples int
}

// Bytes returns about how much memory the part takes.
func (p *WindowPart) Bytes() int {
	const part, handle, word = 384, 8, 16
	return part + len(p.id) + handle*len(p.known) + word*len(p.members.words) + len(p.members.text)
}

// Servicers returns the addresses of the servicers, in the order of the session's report.
func (p *WindowPart) Servicers() []string {
	addresses := make([]string, len(p.known))
	for i, known := range p.known {
		addresses[i] = known.Value().servicer
	}
	return addresses
}

// partOf makes what a window takes of a session of its report, the rows of that, and what was counted.
func partOf(session *types.QoSSession, report *api.SessionReport, rows []row, counted map[string]*tally, asked int64) *WindowPart {
	part := &WindowPart{id: report.ID, application: report.Application, rules: rulesOf(session), height: report.Height, blocks: session.GetBlocks(),
		joined: session.GetJoinedUnixNano(), asked: max(asked, session.GetJoinedUnixNano()), started: report.Started, ended: report.Ended,
		planned: report.ChecksPlanned, done: report.ChecksDone, dropped: report.ChecksDropped, void: report.ChecksVoid,
		skew: report.MaxSkewMicros, known: make([]unique.Handle[memberFacts], len(rows))}
	var packing memberPacking
	for i := range rows {
		part.known[i] = knownOf(&rows[i])
		packing.add(memberOf(&rows[i], counted[rows[i].Servicer], part.rules))
	}
	part.members = packing.packed()
	return part
}

func knownOf(r *row) unique.Handle[memberFacts] {
	return unique.Make(memberFacts{servicer: r.Servicer, url: r.ServiceURL, identity: api.Value(r.ChainIdentity), version: api.Value(r.ClientVersion),
		owner: api.Value(r.Owner), stake: api.Value(r.StakeUPOKT), majority: r.majority, standing: r.Standing})
}

func memberOf(r *row, counted *tally, of rules) *memberPart {
	m := &memberPart{
		verdict: r.Verdict, samples: r.Samples, nulls: r.NullSamples, void: r.Void, throttled: r.Throttled,
		over: r.OverSLA, behind: r.Freshness.Behind, agree: r.Consistency.Agree,
		disagree: r.Consistency.Disagree, undecidable: r.Consistency.Undecidable,
		fallen: r.voids.fallen, doubtful: r.voids.doubtful, warm: pack(counted.warm), cold: pack(counted.cold),
		overWarm: of.countOver(counted.warm), overCold: of.countOver(counted.cold),
	}
	for _, outcome := range slices.Sorted(maps.Keys(r.Outcomes)) {
		m.outcomes = append(m.outcomes, outcomeCount{outcome, r.Outcomes[outcome]})
	}
	for _, attempt := range slices.Sorted(maps.Keys(r.voids.attempts)) {
		m.attempts = append(m.attempts, attemptCount{attempt, r.voids.attempts[attempt]})
	}
	for _, blocks := range slices.Sorted(maps.Keys(r.claims.blocks)) {
		m.lags = append(m.lags, lagCount{blocks, r.claims.blocks[blocks]})
	}
	if r.claims.longest != nil {
		m.longest, m.lasted = *r.claims.longest, true
	}
	for _, each := range slices.SortedFunc(maps.Keys(r.refusals.counts), refusal.compare) {
		m.refused = append(m.refused, refusalCount{each, r.refusals.counts[each]})
	}
	return m
}

// claims is how many claims there are.
func (m *memberPart) claims() (claims int) {
	for _, lag := range m.lags {
		claims += lag.claims
	}
	return claims
}

// countOver counts the times above the SLA.
func (r rules) countOver(times []time.Duration) (over int) {
	for _, elapsed := range times {
		if r.over(elapsed) {
			over++
		}
	}
	return over
}
