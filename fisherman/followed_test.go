package fisherman

import (
	"net"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
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
		w, err := newFollowed([32]byte{}, sessionOf(test.start, test.blocks, test.start), policy, &Chain{Catalogue: question.CometBFT()})
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
	followedOf := func(secret byte, start int64) *followed {
		w, err := newFollowed([32]byte{secret}, sessionOf(start, 10, start), policy, &Chain{Catalogue: question.CometBFT()})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	first := followedOf(1, 10)
	if again := followedOf(1, 10); again.plan[0] != first.plan[0] || again.questionSeed(3) != first.questionSeed(3) {
		t.Error("one session, two plans")
	}
	seeds := map[[32]byte]bool{first.seed: true}
	for _, other := range []*followed{followedOf(2, 10), followedOf(1, 20)} {
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
	w, err := newFollowed([32]byte{}, sessionOf(10, 10, 10, actor("a")), testPolicy(), &Chain{Catalogue: question.CometBFT()})
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

// A member without a key is not asked, and is once it has one; what is stored of it says so then.
func TestAMemberGetsItsKey(t *testing.T) {
	w, err := newFollowed([32]byte{}, sessionOf(10, 10, 10), testPolicy(), &Chain{Catalogue: question.CometBFT()})
	if err != nil {
		t.Fatal(err)
	}
	w.begin(types.Head{Height: 10}, time.Now())
	for i, step := range []struct {
		standing, want types.Standing
		grown          bool
	}{
		{types.Standing_STANDING_UNVERIFIABLE, types.Standing_STANDING_UNVERIFIABLE, true},
		{types.Standing_STANDING_UNVERIFIABLE, types.Standing_STANDING_UNVERIFIABLE, false},
		{types.Standing_STANDING_UNSPECIFIED, types.Standing_STANDING_UNSPECIFIED, true},
		{types.Standing_STANDING_UNSPECIFIED, types.Standing_STANDING_UNSPECIFIED, false},
		{types.Standing_STANDING_UNVERIFIABLE, types.Standing_STANDING_UNSPECIFIED, false},
	} {
		session := sessionOf(10, 10, 11)
		if step.standing == types.Standing_STANDING_UNSPECIFIED {
			session = sessionOf(10, 10, 11, actor("a"))
		}
		session.Targets = []*types.QoSServicer{{Address: actor("a").GetAddress(), Standing: step.standing, Owner: "o", StakeUpokt: 7}}
		grown := w.adopt(session)
		if members := w.stored.GetServicers(); grown != step.grown || len(members) != 1 || members[0].GetStanding() != step.want ||
			members[0].GetOwner() != "o" || members[0].GetStakeUpokt() != 7 {
			t.Errorf("step %d: grown %t, %v", i, grown, members)
		}
	}
}

// What the fisherman can have asked for is never reckoned too low: a killed run may have asked without storing.
func TestMostAsked(t *testing.T) {
	w, err := newFollowed([32]byte{}, sessionOf(10, 10, 10), testPolicy(), &Chain{Catalogue: question.CometBFT()})
	if err != nil {
		t.Fatal(err)
	}
	if w.mostAsked(0) != 1 || w.mostAsked(9) != 10 {
		t.Errorf("%d and %d", w.mostAsked(0), w.mostAsked(9))
	}
	w.resume(&types.QoSSession{}, nil)
	if w.mostAsked(0) != 2 || w.mostAsked(9) != 20 {
		t.Errorf("after a restart %d and %d", w.mostAsked(0), w.mostAsked(9))
	}
}

// The lead of a session with a servicer that was late is twice what that took, up to the timeout, as far as the checks
// lie apart.
func TestLongLead(t *testing.T) {
	for name, test := range map[string]struct {
		checks                  int
		interval, timeout, took time.Duration
		want                    time.Duration
	}{
		"far apart":     {10, time.Minute, 3 * time.Second, 600 * time.Millisecond, 1200 * time.Millisecond},
		"timeout":       {10, time.Minute, 3 * time.Second, 2 * time.Second, 3 * time.Second},
		"close":         {10, time.Second, 3 * time.Second, 2 * time.Second, time.Second},
		"very close":    {10_000, time.Second, 3 * time.Second, time.Second, round.ShortestLead},
		"short timeout": {10, time.Minute, 10 * time.Millisecond, time.Second, round.LongestLead},
		"quick":         {10, time.Minute, 3 * time.Second, 1, round.LongestLead},
	} {
		policy := testPolicy()
		policy.Checks, policy.Timeout = test.checks, test.timeout
		w, err := newFollowed([32]byte{}, sessionOf(10, 10, 10, actor("a")), policy, &Chain{Catalogue: question.CometBFT()})
		if err != nil {
			t.Fatal(err)
		}
		l := &loop{Fisherman: &Fisherman{pool: &wire.Pool{}}}
		l.pace.Interval = test.interval
		if got := l.lead(w); got != w.lead(test.interval) {
			t.Errorf("%s: lead %v", name, got)
		}
		near, far := net.Pipe()
		l.pool.GiveLate(actor("a").GetServiceUrl(), wire.Over(near), test.took)
		if got := l.lead(w); got != test.want {
			t.Errorf("%s: lead %v of a late one", name, got)
		}
		l.pool.Close()
		far.Close()
	}
}

// One check of a share is cold, at a place that differs from share to share and from session to session.
func TestColdShare(t *testing.T) {
	const coldShare = 5
	places := make(map[uint32]int)
	for seed := range byte(40) {
		w := &followed{seed: [32]byte{seed}, policy: Policy{ColdShare: coldShare}}
		for group := range uint32(20) {
			cold := 0
			for place := range uint32(coldShare) {
				if w.cold(group*coldShare + place) {
					cold++
					places[place]++
				}
			}
			if cold != 1 {
				t.Errorf("%d of %d are cold", cold, coldShare)
			}
		}
	}
	for place := range uint32(coldShare) {
		if places[place] < 100 { // of 800
			t.Errorf("place %d: %d times", place, places[place])
		}
	}
}

func TestColdShareAtItsEdges(t *testing.T) {
	for share, want := range map[uint32]int{0: 0, 1: 10_000, 2: 5000, 10_000: 1} {
		w, cold := &followed{policy: Policy{ColdShare: share}}, 0
		for index := range uint32(10_000) {
			if w.cold(index) {
				cold++
			}
		}
		if cold != want {
			t.Errorf("a share of %d: %d of 10000 are cold, want %d", share, cold, want)
		}
	}
}
