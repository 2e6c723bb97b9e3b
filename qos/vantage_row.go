package qos

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// vantageRow is a servicer as several vantage points see it together.
type vantageRow struct {
	row      row
	rules    rules
	asked    int64
	running  bool
	checks   int
	sessions int
	vantages []api.RowVantage
}

func newVantageRow(sights []*sight, span RollingSpan) *vantageRow {
	newest := sights[0]
	for _, s := range sights[1:] {
		if s.left.asked > newest.left.asked {
			newest = s
		}
	}
	made := &vantageRow{row: newest.row}
	made.row.NullIndices, made.row.Outcomes = []uint32{}, api.Outcomes{}
	made.row.Samples, made.row.NullSamples, made.row.Void, made.row.Throttled, made.row.OverSLA = 0, 0, 0, 0, 0
	made.row.voids, made.row.claims, made.row.refusals = voids{}, claims{}, refusals{}
	made.row.scarce = true
	sessions := make(map[string]bool)
	for _, s := range sights {
		made.add(s)
		for _, part := range s.left.sessions {
			sessions[part.terms.session] = true
		}
	}
	made.sessions = len(sessions)
	made.row.Consistency = mergedConsistency(sights)
	made.row.estimateShares()
	made.row.Freshness = mergedFreshness(sights)
	made.row.RoundTripTimes = onlyTimes(sights)
	made.row.Verdict, made.row.Reason = mergedVerdict(sights)
	return made
}

// add sums the counts of a vantage point.
func (v *vantageRow) add(s *sight) {
	row, rules := &s.row, &s.left.rules
	v.asked, v.running = max(v.asked, s.seen.asked), v.running || s.member.Running
	v.checks += s.left.checks
	v.row.Samples += row.Samples
	v.row.NullSamples += row.NullSamples
	v.row.Void += row.Void
	v.row.Throttled += row.Throttled
	v.row.OverSLA += row.OverSLA
	v.row.refusals.merge(row.refusals)
	v.row.scarce = v.row.scarce && row.scarce
	for label, n := range row.Outcomes {
		v.row.Outcomes[label] += n
	}
	v.rules.nullsAllowed += rules.nullsAllowed
	v.rules.samplesRequired += rules.samplesRequired
	v.rules.disagreementsAllowed += rules.disagreementsAllowed
	v.rules.laggingAllowed += rules.laggingAllowed
}

// mergedConsistency sums the answers that were compared. Disagreements beyond what a strict majority of the vantage points
// has of them are left out.
func mergedConsistency(sights []*sight) (merged api.Consistency) {
	shares := make([]share, 0, len(sights))
	for _, s := range sights {
		shares = append(shares, share{s.row.Consistency.Disagree, s.row.Consistency.Agree})
	}
	reached := level(shares)
	for i, s := range sights {
		merged.Agree += s.row.Consistency.Agree
		merged.Undecidable += s.row.Consistency.Undecidable
		merged.Disagree += shares[i].capped(reached)
	}
	return merged
}

// mergedFreshness sums the head claims, likewise.
func mergedFreshness(sights []*sight) (merged api.Freshness) {
	shares := make([]share, 0, len(sights))
	var longest, median []*int64
	var time []*float64
	for _, s := range sights {
		f := s.row.Freshness
		shares = append(shares, share{f.Behind, f.Claims - f.Behind})
		merged.Claims += f.Claims
		longest, median, time = append(longest, f.LagBlocksMax), append(median, f.LagBlocksMedian), append(time, f.LagMSMax)
	}
	reached := level(shares)
	for _, of := range shares {
		merged.Behind += of.capped(reached)
	}
	merged.LagBlocksMax, merged.LagBlocksMedian, merged.LagMSMax = majority(longest), majority(median), majority(time)
	return merged
}

// onlyTimes returns the times of the one vantage point that has any; none if several have.
func onlyTimes(sights []*sight) (only api.RoundTripTimes) {
	for _, s := range sights {
		switch {
		case s.row.RoundTripTimes.Samples == 0:
		case only.Samples > 0:
			return api.RoundTripTimes{}
		default:
			only = s.row.RoundTripTimes
		}
	}
	return only
}

// knows reports whether a vantage point knows enough of a servicer to have a vote.
func (r *row) knows() bool {
	return r.Verdict != api.VerdictUnknown && r.Verdict != api.VerdictNotAskedYet
}

// mergedVerdict takes the votes of the vantage points.
func mergedVerdict(sights []*sight) (api.Verdict, string) {
	if len(sights) == 1 {
		return sights[0].row.Verdict, sights[0].row.Reason
	}
	if all := voters(sights, func(s *sight) *row { return &s.seenRow }); len(all) > 1 && unanimous(all) {
		return all[0].row().Verdict, votesReason(all, all[0].row().Verdict)
	}
	votes := voters(sights, func(s *sight) *row { return &s.row })
	if len(votes) == 0 {
		return noVerdict(sights)
	}
	verdicts := make([]api.Verdict, 0, len(votes))
	for _, vote := range votes {
		verdicts = append(verdicts, vote.row().Verdict)
	}
	slices.SortFunc(verdicts, func(a, b api.Verdict) int { return severity(a) - severity(b) })
	verdict := verdicts[len(verdicts)/2]
	return verdict, votesReason(votes, verdict)
}

// vote is a vantage point with the row that it votes by.
type vote struct {
	*sight
	by func(*sight) *row
}

func (v vote) row() *row { return v.by(v.sight) }

func voters(sights []*sight, by func(*sight) *row) (votes []vote) {
	for _, s := range sights {
		if by(s).knows() {
			votes = append(votes, vote{s, by})
		}
	}
	return votes
}

func unanimous(votes []vote) bool {
	return !slices.ContainsFunc(votes, func(v vote) bool { return v.row().Verdict != votes[0].row().Verdict })
}

// noVerdict is the verdict when no vantage point knows: unknown if one has asked.
func noVerdict(sights []*sight) (api.Verdict, string) {
	first := sights[0]
	for _, s := range sights {
		if s.row.Verdict == api.VerdictUnknown {
			first = s
			break
		}
	}
	return first.row.Verdict, placed(first.place, first.row.Reason)
}

// mostOthers bounds the vantage points that a reason names besides the first, and mostPlace what it has of a name, in bytes.
const (
	mostOthers = 3
	mostPlace  = 64
)

func placed(place, what string) string { return text.Line(place, mostPlace) + ": " + what }

// votesReason says who finds the servicer to be so, and what the others find.
func votesReason(votes []vote, verdict api.Verdict) string {
	var reason string
	var others []string
	holders := 0
	for _, v := range votes {
		switch {
		case v.row().Verdict != verdict:
			others = append(others, placed(v.place, string(v.row().Verdict)))
		case holders == 0:
			reason = placed(v.place, v.row().Reason)
			fallthrough
		default:
			holders++
		}
	}
	reason = fmt.Sprintf("%d of %s; %s", holders, count(len(votes), "vantage point"), reason)
	if more := len(others) - mostOthers; more > 0 {
		others = append(others[:mostOthers], count(more, "other"))
	}
	if len(others) > 0 {
		reason += "; " + strings.Join(others, ", ")
	}
	return reason
}

// shown is what is shown of a judged and ranked servicer.
func (v *vantageRow) shown(judged *row) api.RollingServicer {
	all := rolling{rules: v.rules, asked: v.asked, running: v.running, checks: v.checks, sessions: make([]rollingPart, v.sessions)}
	shown := all.shown(judged)
	shown.Vantages = v.vantages
	return shown
}
