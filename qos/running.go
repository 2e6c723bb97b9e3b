package qos

import (
	"maps"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Running sums up a session of which rounds still come, so that each round is looked at once. One goroutine uses it.
type Running struct {
	id  string
	end uint32
	// next is the least index that may be added.
	next int64
	// counts of the rounds, without those that are of a closed session only.
	counts api.SessionReport
	// unexplained are the rounds that are void or dropped, without their samples.
	unexplained []*types.QoSRound
	// last is when the last check was asked or was due, asked when the last one was asked; nanoseconds since the Unix epoch.
	last, asked int64
	tallies     map[string]*tally
}

// NewRunning makes one of a session without rounds.
func NewRunning(session *types.QoSSession) *Running {
	return &Running{id: session.GetHeader().GetId(), end: session.GetChecksPlanned(), tallies: make(map[string]*tally)}
}

// runningOf makes one of a session with rounds in any order.
func runningOf(session *types.QoSSession, rounds []*types.QoSRound) *Running {
	made := NewRunning(session)
	for _, round := range planned(session, rounds) {
		made.Add(round)
	}
	return made
}

// Fits reports whether a session is the one that is summed up, with the same number of checks.
func (r *Running) Fits(session *types.QoSSession) bool {
	return r.id == session.GetHeader().GetId() && r.end == session.GetChecksPlanned()
}

// Add adds a round, of which nothing but void and dropped ones is kept. It reports false, and adds nothing, when rounds of
// larger indices were added before: the order decides on what is shown of the first and the last. Rounds that are of another session, or have no place
// in its plan, are not looked at.
func (r *Running) Add(round *types.QoSRound) bool {
	if round == nil || round.GetSessionId() != r.id || round.GetIndex() >= r.end {
		return true
	}
	if int64(round.GetIndex()) < r.next {
		return false
	}
	r.next = int64(round.GetIndex()) + 1
	countCheck(&r.counts, round)
	if status := round.GetStatus(); status == types.RoundStatus_ROUND_STATUS_VOID || status == types.RoundStatus_ROUND_STATUS_DROPPED {
		r.unexplained = append(r.unexplained, &types.QoSRound{Status: status, Cause: round.GetCause(), Reason: round.GetReason()})
	}
	r.last = max(r.last, endOf(round))
	if !asked(round) {
		return true
	}
	r.asked = max(r.asked, round.GetReleasedUnixNano())
	for _, sample := range round.GetSamples() {
		r.tally(sample.GetServicer(), sample.GetServiceUrl()).add(round, sample)
	}
	return true
}

// tally returns what is counted of a servicer; url is where it was asked, when it is new.
func (r *Running) tally(address, url string) *tally {
	found := r.tallies[address]
	if found == nil {
		found = &tally{counts: row{ServicerReport: api.NewServicerReport(address, url)}}
		r.tallies[address] = found
	}
	return found
}

// Digest sums up what was added, of the session as it is now. What is added later does not change it.
func (r *Running) Digest(session *types.QoSSession) SessionDigest {
	report, rows, counted := r.summarize(session)
	return SessionDigest{Report: report, Part: partOf(session, &report, rows, counted, r.asked)}
}

// Report sums up what was added without what a window takes of it.
func (r *Running) Report(session *types.QoSSession) api.SessionReport {
	report, _, _ := r.summarize(session)
	return report
}

// summarize sums up what was added; the function of the same name says what it returns.
func (r *Running) summarize(session *types.QoSSession) (api.SessionReport, []row, map[string]*tally) {
	report := Outline(session)
	majority := MajorityIdentity(session.GetServicers())
	report.ChecksDone, report.ChecksVoid, report.ChecksDropped, report.MaxSkewMicros = r.counts.ChecksDone, r.counts.ChecksVoid, r.counts.ChecksDropped, r.counts.MaxSkewMicros
	missing := 0
	if session.GetClosed() {
		recorded := report.ChecksDropped
		report.ChecksDropped = report.ChecksPlanned - report.ChecksDone - report.ChecksVoid
		missing = report.ChecksDropped - recorded
	}
	report.Reasons = reasonsOf(r.unexplained, missing)
	report.To = ends(session, r.last)
	counted := r.members(session)
	rows := make([]row, 0, len(counted))
	for _, tally := range counted {
		tally.counts.majority = majority
		rows = append(rows, tally.judged(rulesOf(session)))
	}
	slices.SortFunc(rows, worstFirst)
	setRanks(rows)
	report.Servicers = shown(rows)
	return report, rows, counted
}

// members returns copies of what was counted of every servicer that is a member or was asked, with what the session says
// of it.
func (r *Running) members(session *types.QoSSession) map[string]*tally {
	members := make(map[string]*tally, len(session.GetServicers()))
	for address, counted := range r.tallies {
		members[address] = counted.copied()
	}
	named := make(map[string]bool, len(session.GetServicers()))
	for _, member := range session.GetServicers() {
		address := member.GetAddress()
		if members[address] == nil {
			members[address] = &tally{counts: row{ServicerReport: api.NewServicerReport(address, member.GetServiceUrl())}}
		}
		counts := &members[address].counts
		if !named[address] {
			counts.ServiceURL = member.GetServiceUrl()
			named[address] = true
		}
		counts.Standing = api.Standing(member.GetStanding().Label())
		counts.ChainIdentity, counts.ClientVersion = api.Optional(member.GetChainIdentity()), api.Optional(member.GetClientVersion())
		counts.Owner, counts.StakeUPOKT = api.Optional(member.GetOwner()), api.Stake(member.GetStakeUpokt())
	}
	return members
}

// copied returns a copy that does not change with the tally.
func (t *tally) copied() *tally {
	made := &tally{counts: t.counts, warm: slices.Clip(t.warm), cold: slices.Clip(t.cold)}
	counts := &made.counts
	counts.Outcomes = maps.Clone(t.counts.Outcomes)
	counts.NullIndices = slices.Clone(t.counts.NullIndices)
	counts.details = maps.Clone(t.counts.details)
	counts.voids.attempts = maps.Clone(t.counts.voids.attempts)
	counts.claims.blocks = maps.Clone(t.counts.claims.blocks)
	counts.refusals.counts = maps.Clone(t.counts.refusals.counts)
	return made
}

// endOf returns when a check was asked, or was due.
func endOf(round *types.QoSRound) int64 {
	if released := round.GetReleasedUnixNano(); released != 0 {
		return released
	}
	return round.GetPlannedUnixNano()
}

// ends returns when a session ends: where sessions are counted in blocks, when the last of its checks was asked, or was due.
func ends(session *types.QoSSession, last int64) *time.Time {
	if end := session.GetEndUnixNano(); end != 0 {
		return Moment(end)
	}
	return Moment(last)
}
