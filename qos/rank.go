package qos

// setRanks ranks the servicers of one list. Summarize documents what a rank says.
func setRanks(servicers []ServicerReport) {
	for i := range servicers {
		if !servicers[i].rankable() {
			continue
		}
		rank := 1
		for j := range servicers {
			if better(&servicers[j], &servicers[i]) {
				rank++
			}
		}
		servicers[i].Rank = &rank
	}
}

// rankable tells whether enough is known of a servicer to compare it with others.
func (s *ServicerReport) rankable() bool { return s.Verdict != Unknown && !s.scarce }

// better tells whether a is better than b beyond doubt.
func better(a, b *ServicerReport) bool {
	if !a.rankable() || a.Verdict.severity() < b.Verdict.severity() {
		return false
	}
	available, consistent := compare(a.Availability, b.Availability), compare(a.Consistency.Interval, b.Consistency.Interval)
	return max(available, consistent) > 0 && min(available, consistent) >= 0
}

// compare is 1 when an interval lies wholly above another, -1 when wholly below, and 0 when they touch or one is absent.
func compare(a, b Interval) int {
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
