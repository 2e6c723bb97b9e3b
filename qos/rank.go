package qos

import "github.com/pocket-fisherman/fisherman/rpc/api"

// setRanks ranks the servicers of one list. Summarize documents what a rank says.
func setRanks(rows []row) {
	for i := range rows {
		if !rows[i].rankable() {
			continue
		}
		rank := 1
		for j := range rows {
			if better(&rows[j], &rows[i]) {
				rank++
			}
		}
		rows[i].Rank = &rank
	}
}

// rankable reports whether enough is known of a servicer to compare it with others.
func (r *row) rankable() bool {
	return r.Verdict != api.VerdictUnknown && r.Verdict != api.VerdictNotAskedYet && !r.scarce
}

// better reports whether a is better than b beyond doubt.
func better(a, b *row) bool {
	if !a.rankable() || severity(a.Verdict) < severity(b.Verdict) {
		return false
	}
	available, consistent := compare(a.Availability, b.Availability), compare(a.Consistency.Interval, b.Consistency.Interval)
	return max(available, consistent) > 0 && min(available, consistent) >= 0
}

// compare is 1 when an interval lies wholly above another, -1 when wholly below, and 0 when they touch or one is absent.
func compare(a, b api.Interval) int {
	switch {
	case a.Low == nil || b.Low == nil:
		return 0
	case *a.Low > *b.High:
		return 1
	case *a.High < *b.Low:
		return -1
	default:
		return 0
	}
}
