package qos

import "github.com/pocket-fisherman/fisherman/rpc/api"

// peers are servicers between which no rank tells, and how many they are.
type peers struct {
	one   *row
	count int
	rank  *int
}

// setRanks ranks the servicers of one list. Summarize documents what a rank says. Servicers with equal verdicts and
// intervals are compared with others once: in a long list there are few different ones.
func setRanks(rows []row) {
	type likeness struct {
		verdict                       api.Verdict
		available, consistent         bool
		availableLow, availableHigh   float64
		consistentLow, consistentHigh float64
	}
	groups := make(map[likeness]*peers)
	likes := make([]*peers, len(rows))
	for i := range rows {
		r := &rows[i]
		if !r.rankable() {
			continue
		}
		like := likeness{r.Verdict, r.Availability.Low != nil, r.Consistency.Low != nil, valueOr(r.Availability.Low, 0), valueOr(r.Availability.High, 0),
			valueOr(r.Consistency.Low, 0), valueOr(r.Consistency.High, 0)}
		if groups[like] == nil {
			groups[like] = &peers{one: r}
		}
		groups[like].count++
		likes[i] = groups[like]
	}
	for _, group := range groups {
		rank := 1
		for _, other := range groups {
			if better(other.one, group.one) {
				rank += other.count
			}
		}
		group.rank = &rank
	}
	for i, group := range likes {
		if group != nil {
			rows[i].Rank = new(*group.rank)
		}
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
