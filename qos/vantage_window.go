package qos

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// PlacedWindow is the window of a vantage point.
type PlacedWindow struct {
	Place  string
	Window api.WindowReport
}

// MergeWindows merges the windows of several vantage points over one relay chain and geo zone, in any order. Of a servicer's
// null samples, disagreements and claims that are behind those of each vantage point count as far as they are within the
// level of all shares, as RollVantages documents; there are no buckets. A vantage point votes by its own verdict, but one
// that finds a servicer unavailable has no vote if what counts of its null samples is allowed. Sessions are those of all
// vantage points, one that several follow once for each. Of one window the result is that window.
func MergeWindows(windows []PlacedWindow) api.WindowReport {
	windows = slices.SortedFunc(slices.Values(windows), func(a, b PlacedWindow) int { return cmp.Compare(a.Place, b.Place) })
	if len(windows) == 1 {
		return windows[0].Window
	}
	merged := api.WindowReport{Applications: []string{}, Servicers: []api.WindowServicer{}}
	seen := make(map[string][]placedServicer)
	for _, placed := range windows {
		addWindow(&merged, &placed.Window)
		for _, servicer := range placed.Window.Servicers {
			seen[servicer.Servicer] = append(seen[servicer.Servicer], placedServicer{placed.Place, servicer, 0})
		}
	}
	slices.Sort(merged.Applications)
	merged.Applications = slices.Compact(merged.Applications)
	rows, servicers := make([]row, 0, len(seen)), make(map[string]api.WindowServicer, len(seen))
	for _, address := range slices.Sorted(maps.Keys(seen)) {
		servicer, row := mergedServicer(seen[address])
		servicers[address] = servicer
		rows = append(rows, row)
	}
	slices.SortFunc(rows, worstFirst)
	setRanks(rows)
	for i := range rows {
		servicer := servicers[rows[i].Servicer]
		servicer.Rank = rows[i].Rank
		merged.Servicers = append(merged.Servicers, servicer)
	}
	return merged
}

func addWindow(merged, window *api.WindowReport) {
	merged.RelayChain, merged.GeoZone = window.RelayChain, window.GeoZone
	merged.Applications = append(merged.Applications, window.Applications...)
	merged.Sessions += window.Sessions
	merged.SessionsLeftOut += window.SessionsLeftOut
	merged.ChecksPlanned += window.ChecksPlanned
	merged.ChecksDone += window.ChecksDone
	merged.ChecksDropped += window.ChecksDropped
	merged.ChecksVoid += window.ChecksVoid
	for _, number := range []struct {
		merged **int64
		own    *int64
		larger int
	}{{&merged.FirstHeight, window.FirstHeight, -1}, {&merged.LastHeight, window.LastHeight, 1}, {&merged.MaxSkewMicros, window.MaxSkewMicros, 1}} {
		if number.own != nil {
			*number.merged = extreme(*number.merged, *number.own, number.larger)
		}
	}
	for _, moment := range []struct {
		merged **time.Time
		own    *time.Time
		later  int
	}{{&merged.From, window.From, -1}, {&merged.To, window.To, 1}, {&merged.Started, window.Started, -1}, {&merged.Ended, window.Ended, 1}} {
		if moment.own != nil && (*moment.merged == nil || moment.own.Compare(**moment.merged) == moment.later) {
			*moment.merged = moment.own
		}
	}
}

// placedServicer is a servicer's row in the window of a vantage point, and how many of its null samples are the path's.
type placedServicer struct {
	place string
	api.WindowServicer
	path int
}

func (p *placedServicer) answers() int { return p.Samples - p.NullSamples }

// votes reports whether the vantage point has a vote.
func (p *placedServicer) votes() bool {
	if p.Verdict == api.VerdictUnavailable && p.path > 0 && p.NullSamples-p.path <= p.NullSamplesAllowed {
		return false
	}
	own := row{ServicerReport: api.ServicerReport{Verdict: p.Verdict}}
	return own.knows()
}

func mergedServicer(seen []placedServicer) (api.WindowServicer, row) {
	newest := seen[0]
	merged := api.WindowServicer{Address: newest.Address, Servicer: newest.Servicer, ServiceURL: newest.ServiceURL, Standing: newest.Standing,
		ChainIdentity: newest.ChainIdentity, ClientVersion: newest.ClientVersion, Owner: newest.Owner, StakeUPOKT: newest.StakeUPOKT,
		Verdicts: api.Verdicts{}, Outcomes: api.Outcomes{}}
	nulls, disagreements, behind := make([]share, len(seen)), make([]share, len(seen)), make([]share, len(seen))
	for i, s := range seen {
		nulls[i] = share{s.NullSamples, s.answers()}
		disagreements[i] = share{s.Consistency.Disagree, s.Consistency.Agree}
		behind[i] = share{s.Freshness.Behind, s.Freshness.Claims - s.Freshness.Behind}
	}
	nullLevel, disagreeLevel, behindLevel := level(nulls), level(disagreements), level(behind)
	var longest, median []*int64
	var lasted []*float64
	timed := 0
	for i := range seen {
		s := &seen[i]
		s.path = s.NullSamples - nulls[i].capped(nullLevel)
		addServicer(&merged, s)
		merged.Consistency.Disagree += disagreements[i].capped(disagreeLevel)
		merged.Freshness.Behind += behind[i].capped(behindLevel)
		longest, median, lasted = append(longest, s.Freshness.LagBlocksMax), append(median, s.Freshness.LagBlocksMedian), append(lasted, s.Freshness.LagMSMax)
		if s.RoundTripTimes.Samples > 0 {
			timed++
			merged.RoundTripTimes = s.RoundTripTimes
		}
	}
	if timed > 1 {
		merged.RoundTripTimes = api.RoundTripTimes{}
	}
	merged.Freshness.LagBlocksMax, merged.Freshness.LagBlocksMedian, merged.Freshness.LagMSMax = majority(longest), majority(median), majority(lasted)
	merged.Verdict, merged.Reason = windowVerdict(seen)
	judged := row{ServicerReport: api.ServicerReport{Servicer: merged.Servicer, Verdict: merged.Verdict, Samples: merged.Samples, NullSamples: merged.NullSamples,
		Consistency: merged.Consistency, RoundTripTimes: merged.RoundTripTimes}, scarce: merged.Samples < merged.SamplesRequired}
	judged.estimateShares()
	merged.Availability, merged.Consistency = judged.Availability, judged.Consistency
	for i := range seen {
		merged.Vantages = append(merged.Vantages, seen[i].shown())
	}
	return merged, judged
}

// addServicer sums the counts of a vantage point.
func addServicer(merged *api.WindowServicer, s *placedServicer) {
	merged.Sessions += s.Sessions
	for verdict, n := range s.Verdicts {
		merged.Verdicts[verdict] += n
	}
	merged.Samples += s.Samples - s.path
	merged.NullSamples += s.NullSamples - s.path
	merged.Void += s.Void
	merged.Throttled += s.Throttled
	merged.OverSLA += s.OverSLA
	merged.NullSamplesAllowed += s.NullSamplesAllowed
	merged.SamplesRequired += s.SamplesRequired
	merged.DisagreementsAllowed += s.DisagreementsAllowed
	merged.LaggingAllowed += s.LaggingAllowed
	merged.Consistency.Agree += s.Consistency.Agree
	merged.Consistency.Undecidable += s.Consistency.Undecidable
	merged.Freshness.Claims += s.Freshness.Claims
	for label, n := range lessNulls(s.Outcomes, s.path) {
		merged.Outcomes[label] += n
	}
	for code, n := range s.RelayErrors {
		if merged.RelayErrors == nil {
			merged.RelayErrors = make(map[string]int)
		}
		merged.RelayErrors[code] += n
	}
}

// lessNulls returns outcomes less a number of null samples, those of the most frequent outcomes first.
func lessNulls(outcomes api.Outcomes, less int) api.Outcomes {
	left := maps.Clone(outcomes)
	labels := slices.SortedFunc(maps.Keys(left), func(a, b string) int {
		return cmp.Or(cmp.Compare(outcomes[b], outcomes[a]), strings.Compare(a, b))
	})
	for _, label := range labels {
		switch label {
		case types.Outcome_OUTCOME_OK.Label(), types.Outcome_OUTCOME_VOID.Label(), types.Outcome_OUTCOME_THROTTLED.Label():
			continue
		}
		taken := min(less, left[label])
		if left[label], less = left[label]-taken, less-taken; left[label] == 0 {
			delete(left, label)
		}
	}
	return left
}

// windowVerdict takes the votes.
func windowVerdict(seen []placedServicer) (api.Verdict, string) {
	var sights []*sight
	for i := range seen {
		own := row{ServicerReport: api.ServicerReport{Verdict: seen[i].Verdict, Reason: seen[i].Reason}}
		s := &sight{place: seen[i].place, seenRow: own, row: own}
		if !seen[i].votes() {
			s.row.Verdict = api.VerdictUnknown
			if seen[i].Verdict != api.VerdictUnknown {
				s.row.Reason = count(seen[i].path, "null sample") + " of its path"
			}
		}
		sights = append(sights, s)
	}
	return mergedVerdict(sights)
}

// shown is what is shown of a vantage point in a servicer's row of a window.
func (p *placedServicer) shown() api.RowVantage {
	state := api.VantageStateOK
	if p.path > 0 {
		state = api.VantageStatePath
	}
	kept := p.Samples - p.path
	return api.RowVantage{Place: p.place, State: state, StateWord: api.WordOf(state), Votes: p.votes(), Verdict: p.Verdict, Reason: p.Reason,
		Checks: p.Samples + p.Throttled, Samples: kept, NullSamples: p.NullSamples - p.path, PathNulls: p.path, Void: p.Void, Throttled: p.Throttled,
		Availability: Wilson(p.answers(), kept), RoundTripTimes: p.RoundTripTimes, OverSLA: p.OverSLA, Consistency: p.Consistency, Freshness: p.Freshness}
}
