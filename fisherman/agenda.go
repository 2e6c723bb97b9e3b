package fisherman

import (
	"container/heap"
	"time"
)

// agenda has the followed sessions whose checks are not all launched, as a heap by the moment at which the next one has to be.
// So the loop looks at those that are due, and not at all of them for each event.
type agenda struct{ sessions []*followed }

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (a *agenda) Len() int           { return len(a.sessions) }
func (a *agenda) Less(i, j int) bool { return a.sessions[i].moment.Before(a.sessions[j].moment) }

func (a *agenda) Swap(i, j int) {
	a.sessions[i], a.sessions[j] = a.sessions[j], a.sessions[i]
	a.sessions[i].place, a.sessions[j].place = i, j
}

func (a *agenda) Push(w any) {
	added := w.(*followed)
	added.place = len(a.sessions)
	a.sessions = append(a.sessions, added)
}

func (a *agenda) Pop() any {
	last := len(a.sessions) - 1
	w := a.sessions[last]
	a.sessions[last] = nil
	a.sessions, w.place = a.sessions[:last], notPlaced
	return w
}

// notPlaced is the place of a session that is not on the agenda.
const notPlaced = -1

// set puts a session where its moment is, or takes it off if it has no check left.
func (a *agenda) set(w *followed, moment time.Time) {
	switch w.moment = moment; {
	case !w.pending() && w.place != notPlaced:
		heap.Remove(a, w.place)
	case !w.pending():
	case w.place == notPlaced:
		heap.Push(a, w)
	default:
		heap.Fix(a, w.place)
	}
}

// reset sets the moments of all anew.
func (a *agenda) reset(moment func(*followed) time.Time) {
	for _, w := range a.sessions {
		w.moment = moment(w)
	}
	heap.Init(a)
}

// due returns the session that has to be looked at by a moment; nil when there is none.
func (a *agenda) due(now time.Time) *followed {
	if len(a.sessions) == 0 || now.Before(a.sessions[0].moment) {
		return nil
	}
	return a.sessions[0]
}

// next returns the moment of the first; later when there is none.
func (a *agenda) next(later time.Time) time.Time {
	if len(a.sessions) == 0 {
		return later
	}
	return a.sessions[0].moment
}
