package fisherman

import "slices"

// defaultMostRequests is room for 16 rounds of the 1 024 servicers that a session has at most, or for 680 of the usual 24.
const defaultMostRequests = 16384

// room is how many requests a session may have under way at once, out of a budget over all sessions, by the number of
// servicers of each session. Every session has room for a round of its own, which is never refused on account of another
// session, however large or busy that is, and an equal share of what is left.
//
// Where sessions have little more than a round each, two rounds of one that happen to overlap would not fit although hardly any
// others do. So a session may borrow beyond its room (borrowShare), but never a round of another's own.
//
// When the budget is too small for one round of each, the small sessions have theirs, and those from a level on, which
// is the size of the first that does not fit, have to do with what is left, all together: common is true.
func room(budget int, sizes []int, own int) (requests int, common bool) {
	left := budget
	for _, size := range sizes {
		left -= size
	}
	if left >= 0 {
		return own + left/len(sizes), false
	}
	level := levelOf(budget, sizes)
	if own < level {
		return own, false
	}
	left = budget
	for _, size := range sizes {
		if size < level {
			left -= size
		}
	}
	return left, true
}

// levelOf is the size of the smallest session that does not fit in after all that are smaller, or as large.
func levelOf(budget int, sizes []int) int {
	for _, size := range slices.Sorted(slices.Values(sizes)) {
		if budget -= size; budget < 0 {
			return size
		}
	}
	return 0 // all fit
}

// borrowShare is what part of what is spare a session may have beyond its room. So those that borrow most are the first to be
// refused, and what is free is never used up by a few.
const borrowShare = 8

// spare is how many requests are free when a round of each other session is set apart.
func (l *loop) spare(w *followed) int {
	free := l.config.MostRequests - l.requests
	for _, other := range l.followed {
		if other != w && other.pending() {
			free -= max(0, other.size()-other.requests)
		}
	}
	return free
}

// size is how many requests a round of the session makes.
func (w *followed) size() int { return len(w.session.GetServicers()) }

// crowded returns why there is no room for another round of a session; "" when there is.
func (l *loop) crowded(w *followed) string {
	sizes := make([]int, 1, len(l.followed)+1)
	sizes[0] = w.size()
	for _, other := range l.followed {
		if other != w && (other.pending() || other.requests > 0) {
			sizes = append(sizes, other.size())
		}
	}
	most := l.config.MostRequests
	allowed, common := room(most, sizes, w.size())
	taken := w.requests
	if common {
		level := levelOf(most, sizes)
		taken = 0
		for _, other := range l.followed {
			if other.size() >= level {
				taken += other.requests
			}
		}
	}
	switch {
	case taken+w.size() > allowed && common:
		return "too many requests under way for a session of this size"
	case taken+w.size() > allowed && taken+w.size()-allowed > l.spare(w)/borrowShare:
		return "too many requests of the session under way"
	case l.requests+w.size() > most, !common && w.requests > 0 && w.size() > l.spare(w):
		return "too many requests under way"
	}
	return ""
}
