package fisherman

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Whatever is put on the agenda, moved and taken off: the first is the one whose moment is the earliest.
func TestAgendaIsOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Unix(1000, 0)
		moment := func() time.Time { return start.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "moment"))) }
		var sessions []*followed
		var a agenda
		for range rapid.IntRange(1, 12).Draw(t, "sessions") {
			sessions = append(sessions, &followed{plan: make(schedule.Plan, 3), place: notPlaced})
		}
		moments := make(map[*followed]time.Time) // of those that are on the agenda
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch w := rapid.SampledFrom(sessions).Draw(t, "session"); rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				for w := range moments {
					moments[w] = moment()
				}
				a.reset(func(w *followed) time.Time { return moments[w] })
			case 1:
				w.next = len(w.plan)
				a.set(w, time.Time{})
				delete(moments, w)
			default:
				w.next, moments[w] = 0, moment()
				a.set(w, moments[w])
			}
			first := start.Add(time.Hour)
			for _, at := range moments {
				if at.Before(first) {
					first = at
				}
			}
			if a.Len() != len(moments) || !a.next(start.Add(time.Hour)).Equal(first) {
				t.Fatalf("%d sessions, the first at %v; want %d and %v", a.Len(), a.next(start.Add(time.Hour)), len(moments), first)
			}
			if len(moments) > 0 && (a.due(first.Add(-1)) != nil || !moments[a.due(first)].Equal(first)) {
				t.Fatal("another session is due than the first")
			}
		}
	})
}

// A round that overlaps another of its session has to borrow where sessions have little more than a round each. It may as long
// as much is free, and takes no round of their own from others.
func TestBorrowing(t *testing.T) {
	of := func(requests, servicers int) *followed {
		return &followed{session: &types.Session{Servicers: slices.Repeat([]*types.Actor{{}}, servicers)}, plan: make(schedule.Plan, 1), requests: requests}
	}
	for name, test := range map[string]struct {
		budget int
		others []*followed
		want   bool
	}{
		"much is free":                    {440, slices.Repeat([]*followed{of(0, 24)}, 9), true},
		"others have rounds under way":    {440, slices.Repeat([]*followed{of(24, 24)}, 9), true},
		"others have borrowed much":       {440, append(slices.Repeat([]*followed{of(24, 24)}, 7), of(118, 24), of(100, 24)), false},
		"little is free beside the rooms": {290, slices.Repeat([]*followed{of(0, 24)}, 9), false},
		"a round of another does not fit": {300, append(slices.Repeat([]*followed{of(0, 24)}, 8), of(32, 24)), false},
		"nothing is free":                 {240, slices.Repeat([]*followed{of(0, 24)}, 9), false},
	} {
		w := of(24, 24)
		l := &loop{Fisherman: &Fisherman{config: Config{MostRequests: test.budget}}, followed: map[string]*followed{"own": w}, requests: w.requests}
		for i, other := range test.others {
			one := *other
			l.followed[string(rune('a'+i))] = &one
			l.requests += one.requests
		}
		if got := l.crowded(w) == ""; got != test.want {
			t.Errorf("%s: has a round: %t", name, got)
		}
	}
}

// 400 sessions of 24 servicers, with 5 checks in 10 blocks of a second, and the requests that 20 000 descriptors are enough for:
// no check is dropped, although sessions have room for little more than a round each and their rounds overlap.
func TestTenThousandServicers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions, requests := 400, growthRequests
		if testing.Short() {
			sessions, requests = sessions/5, requests/5
		}
		sizes := make(map[string]int)
		for i := range sessions {
			sizes[fmt.Sprintf("session %d", i)] = 24
		}
		c := newCrowd(sizes)
		c.hang = func(string) time.Duration { return 30 * time.Millisecond }
		c.interval, c.mostRequests = time.Second, requests
		c.policy.Checks, c.policy.Distribution = loadChecks, schedule.StratifiedJitter
		c.while(t, func() { c.blocks(10, 20, time.Second); time.Sleep(5 * time.Second) })
		for name := range sizes {
			if got := statuses(c.stored(t, name, 10)); got != "ddddd" {
				t.Fatalf("%s: %s", name, got)
			}
		}
		if c.most > c.mostRequests {
			t.Errorf("%d requests under way", c.most)
		}
	})
}
