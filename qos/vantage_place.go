package qos

import (
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

const (
	// contradictedFrom is how many samples, claims or buckets have to be contradicted before a vantage point is named for it.
	contradictedFrom = 3
	// lostNulls is how many null samples of a servicer, and more than half of all, show that the way to it is lost.
	lostNulls = 3
)

// note counts what a vantage point saw of a servicer for the vantage point itself.
func (m *vantageMerge) note(s *sight) {
	place := m.merged.Places[s.place]
	path := s.path + s.lost
	place.Samples += s.row.Samples
	place.NullSamples += s.row.NullSamples
	place.PathNulls += path
	if path >= lostNulls && mostOf(path, s.row.Samples+path) {
		place.Lost = append(place.Lost, s.row.Servicer)
	}
	if s.contradicted != nil {
		place.Contradictions = append(place.Contradictions, api.Contradiction{Servicer: s.row.Servicer, About: *s.contradicted, AboutWord: api.WordOf(*s.contradicted)})
	}
}

// shown is what is shown of a vantage point in a servicer's row.
func (s *sight) shown(out map[int64]bool) api.RowVantage {
	state := api.VantageStateOK
	switch newest := len(s.buckets); {
	case s.seen.asked == 0 && s.lost == 0:
		state = api.VantageStateSilent
	case newest > 0 && out[s.buckets[newest-1].Slot]:
		state = api.VantageStateOut
	case s.contradicted != nil:
		state = api.VantageStateContradicted
	case s.path+s.lost > 0:
		state = api.VantageStatePath
	}
	return api.RowVantage{
		Place:          s.place,
		State:          state,
		StateWord:      api.WordOf(state),
		Votes:          s.row.knows(),
		Verdict:        s.row.Verdict,
		Reason:         s.row.Reason,
		AskedAt:        Moment(s.seen.asked),
		Checks:         s.left.checks,
		Samples:        s.row.Samples,
		NullSamples:    s.row.NullSamples,
		PathNulls:      s.path + s.lost,
		Void:           s.row.Void,
		Throttled:      s.row.Throttled,
		Availability:   s.row.Availability,
		RoundTripTimes: s.row.RoundTripTimes,
		OverSLA:        s.row.OverSLA,
		Consistency:    s.row.Consistency,
		Freshness:      s.row.Freshness,
	}
}

// findContradictions finds the vantage points whose word of a servicer a strict majority of two or more others contradicts,
// again and again.
func findContradictions(sights []*sight) {
	if len(sights) < 3 {
		return
	}
	for _, s := range sights {
		for _, about := range []struct {
			what api.ContradictionAbout
			says func(*sight, *sight) testimony
		}{
			{api.ContradictionAboutConsistency, func(_, of *sight) testimony {
				c := of.row.Consistency
				return testimony{c.Disagree, c.Agree, c.Disagree > of.left.rules.disagreementsAllowed}
			}},
			{api.ContradictionAboutFreshness, func(_, of *sight) testimony {
				f := of.row.Freshness
				return testimony{f.Behind, f.Claims - f.Behind, f.Behind > of.left.rules.laggingAllowed}
			}},
		} {
			if s.contradicted == nil && outvoted(s, sights, about.says) {
				s.contradicted = &about.what
			}
		}
		if s.contradicted == nil && s.answersAlone(sights) {
			s.contradicted = new(api.ContradictionAboutAnswers)
		}
	}
}

// testimony is what a vantage point says of a servicer: how much is bad and good, and whether that makes it bad.
type testimony struct {
	bad, good int
	isBad     bool
}

// outvoted reports whether a vantage point says of a servicer what a strict majority of the others contradicts, of two or
// more that say something.
func outvoted(s *sight, sights []*sight, says func(s, of *sight) testimony) bool {
	own := says(s, s)
	if own.isBad && own.bad < contradictedFrom || !own.isBad && own.good < contradictedFrom {
		return false
	}
	others, against := 0, 0
	for _, other := range sights {
		theirs := says(s, other)
		if other == s || theirs.bad+theirs.good == 0 {
			continue
		}
		others++
		if theirs.isBad != own.isBad {
			against++
		}
	}
	return others >= 2 && mostOf(against, others)
}

// answersAlone reports whether a vantage point had answers again and again while a strict majority of two or more others
// had none.
func (s *sight) answersAlone(sights []*sight) bool {
	contradicted := 0
	for _, own := range s.buckets {
		if mostOf(int(own.Nulls), int(own.Samples)) || own.Slot < SlotOf(s.first()) {
			continue
		}
		others, without := 0, 0
		for _, other := range sights {
			theirs := other.buckets.at(own.Slot)
			if other == s || theirs.Samples == 0 {
				continue
			}
			others++
			if theirs.answers() == 0 {
				without++
			}
		}
		if others >= 2 && mostOf(without, others) {
			contradicted++
		}
	}
	return contradicted >= contradictedFrom
}

// first is when the oldest of the checks was asked; the end of time without any.
func (s *sight) first() int64 {
	if len(s.checks) == 0 {
		return 1<<63 - 1
	}
	return s.checks[0].asked
}
