package qos

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// VantageMember is a servicer as one vantage point samples it.
type VantageMember struct {
	// Place is the name of the vantage point.
	Place string
	RollingMember
	// Buckets count all of its samples as far as checks may reach, also those that Checks has no more. They are not changed.
	Buckets Buckets
}

// Merged is what several vantage points say of the servicers of one relay chain and geo zone.
type Merged struct {
	// Servicers, worst first.
	Servicers []api.RollingServicer
	// Places by name.
	Places map[string]*MergedPlace
}

// MergedPlace is what the merge says of a vantage point.
type MergedPlace struct {
	// Samples of its newest checks, those of them that count against servicers, and the null samples besides that count
	// against the vantage point itself.
	Samples, NullSamples, PathNulls int
	// Out: it was out in the newest bucket that it has samples in, or the newest three checks of each servicer that it follows
	// are void.
	Out bool
	// Lost are the servicers that it lost its way to, ordered.
	Lost []string
	// Contradictions are ordered by servicer; relay chain and geo zone are left to the caller.
	Contradictions []api.Contradiction
	// members are the servicers that it follows, dark those of which its newest checks are void.
	members, dark int
}

// RollVantages judges the servicers of one relay chain and geo zone by the newest checks of several vantage points.
// members are by servicer; a servicer has one for each vantage point that knows it. It follows Roll for each vantage point,
// but for these steps, where V counts the vantage points that have samples of the servicer in what is looked at:
//
// Level. The level of n shares is the one at place ⌊n/2⌋, from 0, in descending order: a strict majority reaches it. A
// vantage point's null samples are within a level of K null samples and A answers as far as they are no more than
// ⌈its answers·K/A⌉; all of them are if A is 0.
//
// Out. Time is divided into buckets of five minutes. A vantage point is blank in a bucket if it has samples of at least two
// servicers in it, and all of them are null. It is out if it is blank, another one that is not was answered by a servicer
// that it had no answer of, and no more than half of the vantage points with samples in the bucket are blank. Its null
// samples of the bucket are its PATH, and it has no share there.
//
// Lost. A vantage point has lost its way in a bucket if all of its samples of the servicer there are null, and with those of
// its buckets before and after it, as far as all are null too, they are three or more.
//
// Nulls. In each bucket the level is that of the shares of null samples; a vantage point that has no sample of the servicer
// there has its share of the bucket before, so that who asks first in a bucket is not alone in it. A vantage point's null
// samples count against the servicer up to this share of its samples, rounded up; none, if it has lost its way and the level
// has answers. Over all of the checks, null samples count as far as they are within the level of the shares, if that is
// more. Of a vantage point's null samples the oldest count first. Those that do not count are its PATH.
//
// Verdict. Each vantage point judges the servicer by its own checks less those that are its PATH, as Roll does. It has a
// vote unless it does not know: unknown or not_asked_yet. The verdict is the worst that a
// strict majority finds the servicer to be at least as bad as, in the order of Summarize. If two or more know before
// anything is taken for PATH, and all find the same, the verdict is that.
//
// Numbers. Counts and thresholds are the sums over the vantage points. Disagreements and claims that are behind count as far
// as they are within the level of their shares of all; lags are those that a strict majority of the vantage points with claims
// reaches. Times are never merged: there are some if one vantage point alone has any.
//
// With one vantage point the result is that of Roll. The order of vantage points does not matter.
func RollVantages(members map[string][]VantageMember, span RollingSpan, now time.Time) Merged {
	merge := &vantageMerge{span: span, since: now.Add(-span.Age).UnixNano(), merged: Merged{Servicers: []api.RollingServicer{}, Places: map[string]*MergedPlace{}}}
	for _, known := range members {
		for _, member := range known {
			if merge.merged.Places[member.Place] == nil {
				merge.merged.Places[member.Place] = new(MergedPlace)
			}
		}
	}
	merge.findOut(members, SlotOf(merge.since), SlotOf(now.UnixNano())+1)
	var rows []row
	rolled := make(map[string]*vantageRow, len(members))
	for _, servicer := range slices.Sorted(maps.Keys(members)) {
		made := merge.servicer(members[servicer])
		if made == nil {
			continue
		}
		rolled[servicer] = made
		rows = append(rows, made.row)
	}
	for _, place := range merge.merged.Places {
		place.Out = place.Out || place.members > 0 && place.dark == place.members
	}
	slices.SortFunc(rows, worstFirst)
	setRanks(rows)
	for i := range rows {
		merge.merged.Servicers = append(merge.merged.Servicers, rolled[rows[i].Servicer].shown(&rows[i]))
	}
	return merge.merged
}

// vantageMerge is a merge that is being made.
type vantageMerge struct {
	span   RollingSpan
	since  int64
	merged Merged
	// out has the buckets in which places are out.
	out map[string]map[int64]bool
}

// sight is what one vantage point saw of a servicer.
type sight struct {
	place   string
	member  *VantageMember
	buckets Buckets
	// checks within reach, oldest first, less the null samples of while the place was out, of which there are lost.
	checks []RollingCheck
	lost   int
	// seen is what the checks come to; left is what they come to without those that are the place's path.
	seen, left         *rolling
	seenRow, row       row
	path               int
	contradicted       *api.ContradictionAbout
	nullsSeen, answers int
}

// servicer merges what the vantage points say of a servicer; nil when there is nothing to say.
func (m *vantageMerge) servicer(known []VantageMember) *vantageRow {
	known = slices.SortedFunc(slices.Values(known), func(a, b VantageMember) int { return cmp.Compare(a.Place, b.Place) })
	sights := make([]*sight, 0, len(known))
	for i := range known {
		s := m.sight(&known[i])
		if s.seen.asked == 0 && !s.member.Running {
			continue
		}
		sights = append(sights, s)
	}
	if len(sights) == 0 {
		return nil
	}
	m.excuse(sights)
	made := newVantageRow(sights, m.span)
	findContradictions(sights)
	for _, s := range sights {
		m.note(s)
		made.vantages = append(made.vantages, s.shown(m.out[s.place]))
	}
	return made
}

// sight gathers the newest checks of a vantage point.
func (m *vantageMerge) sight(member *VantageMember) *sight {
	s := &sight{place: member.Place, member: member, buckets: member.Buckets}
	out := m.out[member.Place]
	checks := member.Checks
	if len(out) > 0 {
		checks = make([]RollingCheck, 0, len(member.Checks))
		for i := range member.Checks {
			check := &member.Checks[i]
			if check.asked >= m.since && check.Null() && out[SlotOf(check.asked)] {
				s.lost++
				continue
			}
			checks = append(checks, *check)
		}
	}
	s.checks = reached(checks, m.span, m.since)
	s.seen, s.seenRow = m.judged(member, s.checks)
	s.nullsSeen, s.answers = s.seenRow.NullSamples, s.seenRow.Samples-s.seenRow.NullSamples
	return s
}

func (m *vantageMerge) judged(member *VantageMember, checks []RollingCheck) (*rolling, row) {
	made := newRolling(member.RollingMember, m.span)
	made.add(checks, m.since)
	return made, made.judged()
}

// reached returns those of a servicer's checks that rolling.add looks at.
func reached(checks []RollingCheck, span RollingSpan, since int64) []RollingCheck {
	first, counting := len(checks), 0
	for first > 0 && counting < span.Checks && checks[first-1].asked >= since {
		first--
		if checks[first].Counts() {
			counting++
		}
	}
	return checks[first:]
}

// excuse finds the null samples that are a vantage point's path, and judges the servicer by what is left.
func (m *vantageMerge) excuse(sights []*sight) {
	shares := make([]share, 0, len(sights))
	for _, s := range sights {
		shares = append(shares, share{s.nullsSeen, s.answers})
	}
	reached := level(shares)
	for _, s := range sights {
		s.left, s.row = s.seen, s.seenRow
		if s.nullsSeen == 0 {
			continue
		}
		kept, path := m.without(s, sights, share{s.nullsSeen, s.answers}.capped(reached))
		if s.path = path; path > 0 {
			s.left, s.row = m.judged(s.member, kept)
		}
	}
}

// without returns the checks of a vantage point less the null samples that are its path, and how many those are. At least
// as many null samples count as the level over all checks has.
func (m *vantageMerge) without(s *sight, sights []*sight, least int) (kept []RollingCheck, path int) {
	counts := make([]bool, len(s.checks))
	counted := 0
	for first := 0; first < len(s.checks); {
		slot, end := SlotOf(s.checks[first].asked), first
		here := Bucket{Slot: slot}
		for ; end < len(s.checks) && SlotOf(s.checks[end].asked) == slot; end++ {
			if s.checks[end].sample() {
				here.Samples++
			}
			if s.checks[end].Null() {
				here.Nulls++
			}
		}
		allowed := 0
		if here.Nulls > 0 {
			allowed = m.bucketLevel(s, sights, here)
		}
		for i := first; i < end && allowed > 0; i++ {
			if s.checks[i].Null() {
				counts[i], allowed, counted = true, allowed-1, counted+1
			}
		}
		first = end
	}
	kept = make([]RollingCheck, 0, len(s.checks))
	for i := range s.checks {
		switch {
		case !s.checks[i].Null() || counts[i]:
		case counted < least:
			counted++
		default:
			path++
			continue
		}
		kept = append(kept, s.checks[i])
	}
	return kept, path
}

// bucketLevel returns how many of a vantage point's null samples in a bucket count against the servicer.
func (m *vantageMerge) bucketLevel(s *sight, sights []*sight, here Bucket) int {
	shares := make([]share, 0, len(sights))
	for _, each := range sights {
		bucket := each.buckets.at(here.Slot)
		if bucket.Samples == 0 {
			bucket = each.buckets.at(here.Slot - 1)
		}
		if !m.out[each.place][bucket.Slot] {
			shares = append(shares, share{int(bucket.Nulls), int(bucket.answers())})
		}
	}
	reached := level(shares)
	if reached.part == 0 || reached.rest > 0 && s.buckets.lost(here.Slot) {
		return 0
	}
	samples, whole := int(here.Samples), reached.part+reached.rest
	return min(int(here.Nulls), (samples*reached.part+whole-1)/whole)
}
