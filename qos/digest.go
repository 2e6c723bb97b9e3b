package qos

import (
	"maps"
	"slices"
	"time"
	"unique"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// SessionDigest is a session summed up: its report, and what a window takes of it. Nobody changes it once it is made.
type SessionDigest struct {
	Report api.SessionReport
	Part   *WindowPart
}

// WindowPart is what a window takes of a session. It is not changed by being merged. With 24 servicers and 10 checks one takes
// some 6 KiB.
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
	members                      []memberPart
}

// memberPart is what a window takes of a servicer in a session.
type memberPart struct {
	known   unique.Handle[memberFacts]
	verdict api.Verdict

	samples, nulls, void, throttled, over, behind, agree, disagree, undecidable int32

	outcomes []outcomeCount
	voids    voids
	claims   claims
	refusals refusals
	// warm and cold are the times of answers on kept and on new connections, and how many of them are above the session's SLA.
	warm, cold         packedTimes
	overWarm, overCold int32
}

// memberFacts are what a session knows of a member, which most sessions have in common. Empty text stands for none.
type memberFacts struct {
	servicer, url, identity, version, owner, stake, majority string
	standing                                                 api.Standing
}

type outcomeCount struct {
	outcome string
	samples int32
}

// Digest sums up a session as Summarize does, for a window.
func Digest(session *types.QoSSession, rounds []*types.QoSRound) SessionDigest {
	return runningOf(session, rounds).Digest(session)
}

// Bytes returns about how much memory the part takes.
func (p *WindowPart) Bytes() int {
	const part, member, outcome, counted = 320, 328, 24, 64
	bytes := part + len(p.id)
	for i := range p.members {
		m := &p.members[i]
		bytes += member + outcome*len(m.outcomes) + len(m.warm.buckets) + len(m.cold.buckets) +
			counted*(len(m.voids.attempts)+len(m.claims.blocks)+len(m.refusals.counts))
	}
	return bytes
}

// Servicers returns the addresses of the servicers, in the order of the session's report.
func (p *WindowPart) Servicers() []string {
	addresses := make([]string, len(p.members))
	for i := range p.members {
		addresses[i] = p.members[i].known.Value().servicer
	}
	return addresses
}

// partOf makes what a window takes of a session of its report, the rows of that, and what was counted.
func partOf(session *types.QoSSession, report *api.SessionReport, rows []row, counted map[string]*tally, asked int64) *WindowPart {
	part := &WindowPart{id: report.ID, application: report.Application, rules: rulesOf(session), height: report.Height, blocks: session.GetBlocks(),
		joined: session.GetJoinedUnixNano(), asked: max(asked, session.GetJoinedUnixNano()), started: report.Started, ended: report.Ended,
		planned: report.ChecksPlanned, done: report.ChecksDone, dropped: report.ChecksDropped, void: report.ChecksVoid,
		skew: report.MaxSkewMicros, members: make([]memberPart, len(rows))}
	for i := range rows {
		part.members[i] = memberOf(&rows[i], counted[rows[i].Servicer], part.rules)
	}
	return part
}

func memberOf(r *row, counted *tally, of rules) memberPart {
	m := memberPart{
		known: unique.Make(memberFacts{servicer: r.Servicer, url: r.ServiceURL, identity: api.Value(r.ChainIdentity), version: api.Value(r.ClientVersion),
			owner: api.Value(r.Owner), stake: api.Value(r.StakeUPOKT), majority: r.majority, standing: r.Standing}),
		verdict: r.Verdict, samples: int32(r.Samples), nulls: int32(r.NullSamples), void: int32(r.Void), throttled: int32(r.Throttled),
		over: int32(r.OverSLA), behind: int32(r.Freshness.Behind), agree: int32(r.Consistency.Agree),
		disagree: int32(r.Consistency.Disagree), undecidable: int32(r.Consistency.Undecidable),
		voids: r.voids, claims: r.claims, refusals: r.refusals, warm: pack(counted.warm), cold: pack(counted.cold),
		overWarm: of.countOver(counted.warm), overCold: of.countOver(counted.cold),
	}
	m.outcomes = make([]outcomeCount, 0, len(r.Outcomes))
	for _, outcome := range slices.Sorted(maps.Keys(r.Outcomes)) {
		m.outcomes = append(m.outcomes, outcomeCount{outcome, int32(r.Outcomes[outcome])})
	}
	return m
}

// countOver counts the times above the SLA.
func (r rules) countOver(times []time.Duration) (over int32) {
	for _, elapsed := range times {
		if r.over(elapsed) {
			over++
		}
	}
	return over
}
