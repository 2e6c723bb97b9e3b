package qos

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Window merges the complete sessions of one relay chain and geo zone. PlanWindows makes it, Add fills it, and Report
// says what it is worth. One goroutine uses it.
type Window struct {
	// Sessions are those to be added, oldest first.
	Sessions []*types.QoSSession

	report  api.WindowReport
	members map[string]*windowMember
	// applications that were added.
	applications map[string]bool
}

// PlanWindows finds the sessions that a span reaches, by relay chain and geo zone in their order. Only complete sessions
// count; the others within reach are counted as left out. now is what an age is counted from.
func PlanWindows(sessions []*types.QoSSession, span Span, now time.Time) []*Window {
	type place struct{ chain, zone string }
	groups := make(map[place][]*types.QoSSession)
	for _, session := range sessions {
		at := place{session.GetHeader().GetRelayChain(), session.GetHeader().GetGeoZone()}
		groups[at] = append(groups[at], session)
	}
	places := slices.SortedFunc(maps.Keys(groups), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.chain, b.chain), cmp.Compare(a.zone, b.zone))
	})
	windows := make([]*Window, 0, len(places))
	for _, at := range places {
		window := &Window{members: make(map[string]*windowMember), applications: make(map[string]bool)}
		window.report.RelayChain, window.report.GeoZone = at.chain, at.zone
		reaches := span.reach(groups[at], now)
		for _, session := range groups[at] {
			switch {
			case !reaches(session):
			case complete(session):
				window.Sessions = append(window.Sessions, session)
			default:
				window.report.SessionsLeftOut++
			}
		}
		slices.SortFunc(window.Sessions, oldestFirst)
		windows = append(windows, window)
	}
	return windows
}

// reach gives the test of which sessions of a group are within the span.
func (s Span) reach(group []*types.QoSSession, now time.Time) func(*types.QoSSession) bool {
	if s.Starts == 0 {
		since := now.Add(-s.Age).UnixNano()
		return func(session *types.QoSSession) bool { return session.GetJoinedUnixNano() >= since }
	}
	var starts []int64
	for _, session := range group {
		if complete(session) {
			starts = append(starts, session.GetHeader().GetStartHeight())
		}
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	if len(starts) > s.Starts {
		starts = starts[len(starts)-s.Starts:]
	}
	return func(session *types.QoSSession) bool {
		return len(starts) == 0 || session.GetHeader().GetStartHeight() >= starts[0]
	}
}

func oldestFirst(a, b *types.QoSSession) int {
	return cmp.Or(
		cmp.Compare(a.GetHeader().GetStartHeight(), b.GetHeader().GetStartHeight()),
		cmp.Compare(a.GetHeader().GetId(), b.GetHeader().GetId()),
	)
}

// LeaveOut counts one of the window's sessions whose rounds cannot be read, in the place of Add.
func (w *Window) LeaveOut() { w.report.SessionsLeftOut++ }

// Add merges one of the window's sessions, each once, in any order.
func (w *Window) Add(digest SessionDigest) { w.AddPart(digest.Part) }

// AddPart merges what a window takes of one of its sessions, in the place of Add.
func (w *Window) AddPart(session *WindowPart) {
	sum := &w.report
	sum.Sessions++
	w.applications[session.application] = true
	first, last := session.height, session.height+max(session.blocks, 1)-1
	from, to := instant(session.joined), instant(session.asked)
	sum.FirstHeight, sum.LastHeight = extreme(sum.FirstHeight, first, -1), extreme(sum.LastHeight, last, 1)
	if sum.From == nil || from.Before(*sum.From) {
		sum.From = &from
	}
	if sum.To == nil || to.After(*sum.To) {
		sum.To = &to
	}
	if session.started != nil && (sum.Started == nil || session.started.Before(*sum.Started)) {
		sum.Started = session.started
	}
	if session.ended != nil && (sum.Ended == nil || session.ended.After(*sum.Ended)) {
		sum.Ended = session.ended
	}
	sum.ChecksPlanned += session.planned
	sum.ChecksDone += session.done
	sum.ChecksDropped += session.dropped
	sum.ChecksVoid += session.void
	if session.skew != nil {
		sum.MaxSkewMicros = extreme(sum.MaxSkewMicros, *session.skew, 1)
	}
	members := session.members.reading()
	for _, known := range session.known {
		servicer := known.Value().servicer
		if w.members[servicer] == nil {
			w.members[servicer] = newWindowMember(servicer)
		}
		w.members[servicer].add(session, known, members.next())
	}
}

// instant is a moment in UTC, to the millisecond.
func instant(unixNano int64) time.Time {
	return time.Unix(0, unixNano).UTC().Truncate(time.Millisecond)
}

// extreme is the larger (direction 1) or the smaller (−1) of two numbers, of which the first may be absent.
func extreme(known *int64, value int64, direction int) *int64 {
	if known != nil && cmp.Compare(value, *known) != direction {
		return known
	}
	return &value
}

// Report says what the sessions that were added are worth, servicer by servicer. Counts are sums. Shares, verdicts, order
// and ranks follow Summarize, with these thresholds and terms in the place of a session's:
//
//	null_samples_allowed  sum over the servicer's sessions of min(null_samples_allowed, samples)
//	                      for doubt: sum of min(null_samples_allowed, samples + doubtful)
//	disagreements_allowed sum over the servicer's sessions of min(disagreements_allowed, agree + disagree)
//	lagging_allowed       sum over the servicer's sessions with max_lag > 0 of min(lagging_allowed, claims)
//	behind                sum over the servicer's sessions
//	samples_required      sum over the servicer's sessions of samples_required
//	slow                  more than half of the times that the quantiles are of, or of all answers, are above the SLA of
//	                      the session that they are of
//
// So a window of one session has that session's verdict, and sessions with other parameters are each held to their own.
// Quantiles are those of the merged sketches: warm ones, unless they are fewer than samples_required and fewer than the
// cold ones.
func (w *Window) Report() api.WindowReport {
	report := w.report
	report.Applications = slices.AppendSeq([]string{}, maps.Keys(w.applications))
	slices.Sort(report.Applications)
	rows := make([]row, 0, len(w.members))
	for _, member := range w.members {
		rows = append(rows, member.judged())
	}
	slices.SortFunc(rows, worstFirst)
	setRanks(rows)
	report.Servicers = make([]api.WindowServicer, 0, len(rows))
	for _, row := range rows {
		report.Servicers = append(report.Servicers, w.members[row.Servicer].shown(row))
	}
	return report
}
