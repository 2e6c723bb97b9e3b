package fisherman

import (
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func TestLeadAndTolerance(t *testing.T) {
	for name, test := range map[string]struct {
		start, blocks   int64
		checks          int
		interval        time.Duration
		lead, tolerance time.Duration
	}{
		"a check a second":       {10, 10, 10, time.Second, 500 * time.Millisecond, 500 * time.Millisecond},
		"first session":          {0, 11, 10, time.Second, 500 * time.Millisecond, 500 * time.Millisecond},
		"far between":            {10, 10, 1, time.Hour, 500 * time.Millisecond, time.Second},
		"dense":                  {10, 10, 100, 2 * time.Second, 200 * time.Millisecond, 100 * time.Millisecond},
		"very dense":             {10, 10, 10_000, time.Second, 50 * time.Millisecond, 50 * time.Millisecond},
		"session without blocks": {0, 1, 5, time.Second, 50 * time.Millisecond, 50 * time.Millisecond},
		"longest session":        {0, 100_000, 1, time.Hour, 500 * time.Millisecond, time.Second},
	} {
		policy := testPolicy()
		policy.Checks = test.checks
		w, err := newWatch([32]byte{}, sessionOf(test.start, test.blocks, test.start), policy)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.lead(test.interval); got != test.lead {
			t.Errorf("%s: lead %v", name, got)
		}
		if got := w.tolerance(test.interval); got != test.tolerance {
			t.Errorf("%s: tolerance %v", name, got)
		}
	}
}

// A plan and its questions follow from the fisherman's secret and the session, and from nothing else.
func TestSeeds(t *testing.T) {
	policy := testPolicy()
	policy.Distribution = schedule.StratifiedJitter
	watchOf := func(secret byte, start int64) *watch {
		w, err := newWatch([32]byte{secret}, sessionOf(start, 10, start), policy)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	first := watchOf(1, 10)
	if again := watchOf(1, 10); again.plan[0] != first.plan[0] || again.questionSeed(3) != first.questionSeed(3) {
		t.Error("one session, two plans")
	}
	seeds := map[[32]byte]bool{first.seed: true}
	for _, other := range []*watch{watchOf(2, 10), watchOf(1, 20)} {
		if other.plan[0] == first.plan[0] || seeds[other.seed] {
			t.Error("two sessions or secrets, one plan")
		}
		seeds[other.seed] = true
	}
	for index := range uint32(100) {
		seed := first.questionSeed(index)
		if seeds[seed] {
			t.Errorf("the seed of question %d is used already", index)
		}
		seeds[seed] = true
	}
}

func TestAdopt(t *testing.T) {
	w, err := newWatch([32]byte{}, sessionOf(10, 10, 10, actor("a")), testPolicy())
	if err != nil {
		t.Fatal(err)
	}
	w.begin(types.Head{Height: 10}, time.Now())
	for i, test := range []struct {
		names []string
		grown bool
		known int
	}{
		{[]string{"a"}, true, 1},
		{[]string{"a"}, false, 1},
		{[]string{"b", "a"}, true, 2},
		{[]string{"b"}, false, 2},
		{nil, false, 2},
		{[]string{"a", "c"}, true, 3},
	} {
		var members []*types.Actor
		for _, name := range test.names {
			members = append(members, actor(name))
		}
		grown := w.adopt(sessionOf(10, 10, 11, members...))
		if grown != test.grown || len(w.stored.GetServicers()) != test.known || len(w.session.GetServicers()) != len(members) {
			t.Errorf("step %d: grown %t, %d known", i, grown, len(w.stored.GetServicers()))
		}
	}
}
