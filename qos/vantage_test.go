package qos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// What a vantage point sees of a servicer in one check.
const (
	seesOK       = 'o'
	seesNull     = 'n'
	seesDisagree = 'd'
	seesLag      = 'l'
	seesFresh    = 'f'
	seesSlow     = 's'
	seesVoid     = 'v'
	seesNothing  = ' '
)

// world has vantage points that each ask once in every step of their own.
type world struct {
	now  time.Time
	long time.Duration
	// every is how often a place asks; session is what the rules of a place's sessions are.
	every map[string]time.Duration
	rules func(*types.QoSSession)
	// sees says what a place sees of a servicer in its nth check, asked at a moment.
	sees      func(place, servicer string, n int, at time.Time) rune
	servicers []string
}

// newWorld is an hour of three places that ask every two minutes and find all well.
func newWorld() *world {
	return &world{
		now:       time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		long:      time.Hour,
		every:     map[string]time.Duration{"frankfurt": 2 * time.Minute, "sydney": 2 * time.Minute, "virginia": 2 * time.Minute},
		rules:     func(*types.QoSSession) {},
		sees:      func(string, string, int, time.Time) rune { return seesOK },
		servicers: []string{"x", "y"},
	}
}

// session is that of a place in the ten checks that begin at a check.
func (w *world) session(place string, number int) *types.QoSSession {
	session := &types.QoSSession{
		Header:        &types.SessionHeader{Id: fmt.Sprintf("%s-%d", place, number), RelayChain: "main"},
		ChecksPlanned: 10, NullSamplesAllowed: 2, SamplesRequired: 3, MaxLag: 5, LatencySla: durationpb.New(150 * time.Millisecond),
	}
	w.rules(session)
	return session
}

func sampleOf(what rune, servicer string) (*types.QoSSample, types.RoundKind) {
	sample := &types.QoSSample{Servicer: servicer, Outcome: types.Outcome_OUTCOME_OK, Consistency: types.Consistency_CONSISTENCY_AGREE,
		RoundTripTime: durationpb.New(20 * time.Millisecond), ReusedConnection: true}
	switch what {
	case seesNull:
		return &types.QoSSample{Servicer: servicer, Outcome: types.Outcome_OUTCOME_TIMEOUT, Blame: types.Blame_BLAME_SERVICER}, 0
	case seesVoid:
		return &types.QoSSample{Servicer: servicer, Outcome: types.Outcome_OUTCOME_VOID, Blame: types.Blame_BLAME_SELF}, 0
	case seesDisagree:
		sample.Consistency = types.Consistency_CONSISTENCY_DISAGREE
	case seesSlow:
		sample.RoundTripTime, sample.OverSla = durationpb.New(400*time.Millisecond), true
	case seesLag, seesFresh:
		lag := int64(0)
		if what == seesLag {
			lag = 60
		}
		sample.Consistency, sample.Lag = types.Consistency_CONSISTENCY_UNSPECIFIED, &lag
		return sample, types.RoundKind_ROUND_KIND_HEAD
	}
	return sample, 0
}

// members are what the places know, as package samples keeps it.
func (w *world) members() map[string][]VantageMember {
	members := make(map[string][]VantageMember)
	for _, place := range slices.Sorted(maps.Keys(w.every)) {
		every := w.every[place]
		own := make(map[string]*VantageMember)
		var terms *Terms
		for n := 0; ; n++ {
			at := w.now.Add(-w.long).Add(time.Duration(n)*every + time.Second)
			if at.After(w.now) {
				break
			}
			session := w.session(place, n/10)
			if n%10 == 0 {
				terms = TermsOf(session)
			}
			for _, servicer := range w.servicers {
				what := w.sees(place, servicer, n, at)
				if what == seesNothing {
					continue
				}
				sample, kind := sampleOf(what, servicer)
				round := &types.QoSRound{SessionId: session.GetHeader().GetId(), Index: uint32(n % 10), Status: done, Kind: kind,
					ReleasedUnixNano: at.UnixNano(), Samples: []*types.QoSSample{sample}}
				if own[servicer] == nil {
					own[servicer] = &VantageMember{Place: place, RollingMember: RollingMember{Servicer: &types.QoSServicer{Address: servicer}, Running: true}}
				}
				terms.RollingChecks(round, func(_ *types.QoSSample, check RollingCheck) {
					own[servicer].Checks = append(own[servicer].Checks, check)
					own[servicer].Buckets.Add(&check)
				})
			}
		}
		for servicer, member := range own {
			members[servicer] = append(members[servicer], *member)
		}
	}
	return members
}

func (w *world) merge() Merged { return RollVantages(w.members(), DefaultRolling(), w.now) }

// of is the row of a servicer.
func (m Merged) of(t testing.TB, servicer string) api.RollingServicer {
	t.Helper()
	at := slices.IndexFunc(m.Servicers, func(s api.RollingServicer) bool { return s.Servicer == servicer })
	if at < 0 {
		t.Fatalf("no row of %s", servicer)
	}
	return m.Servicers[at]
}

func vantageOf(t testing.TB, row api.RollingServicer, place string) api.RowVantage {
	t.Helper()
	at := slices.IndexFunc(row.Vantages, func(v api.RowVantage) bool { return v.Place == place })
	if at < 0 {
		t.Fatalf("%s is not in %+v", place, row.Vantages)
	}
	return row.Vantages[at]
}

func wantVerdict(t testing.TB, row api.RollingServicer, verdict api.Verdict, nulls int) {
	t.Helper()
	if row.Verdict != verdict || row.NullSamples != nulls {
		t.Errorf("%s is %s with %d null samples of %d (%s), want %s with %d", row.Servicer, row.Verdict, row.NullSamples, row.Samples, row.Reason, verdict, nulls)
	}
}

// A place that loses its way to one servicer is the only one that this says something of.
func TestLostWay(t *testing.T) {
	w := newWorld()
	w.sees = func(place, servicer string, _ int, _ time.Time) rune {
		if place == "sydney" && servicer == "x" {
			return seesNull
		}
		return seesOK
	}
	merged := w.merge()
	row := merged.of(t, "x")
	wantVerdict(t, row, api.VerdictHealthy, 0)
	sydney := vantageOf(t, row, "sydney")
	if sydney.State != api.VantageStatePath || sydney.PathNulls != 30 || sydney.Votes {
		t.Errorf("sydney: %+v", sydney)
	}
	if lost := merged.Places["sydney"].Lost; !slices.Equal(lost, []string{"x"}) || merged.Places["sydney"].Out {
		t.Errorf("sydney lost %v, out %v", lost, merged.Places["sydney"].Out)
	}
	if merged.Places["frankfurt"].PathNulls != 0 {
		t.Errorf("frankfurt has %d path nulls", merged.Places["frankfurt"].PathNulls)
	}
	wantVerdict(t, merged.of(t, "y"), api.VerdictHealthy, 0)
}

// What two of three see is the servicer's, also if the third place is the only one that reaches it.
func TestSeenByAMajority(t *testing.T) {
	for _, servicers := range [][]string{{"x"}, {"x", "y"}} {
		w := newWorld()
		w.servicers = servicers
		w.sees = func(place, servicer string, _ int, _ time.Time) rune {
			if place != "sydney" && servicer == "x" {
				return seesNull
			}
			return seesOK
		}
		merged := w.merge()
		row := merged.of(t, "x")
		wantVerdict(t, row, api.VerdictUnavailable, 60)
		if got := vantageOf(t, row, "sydney").State; got != api.VantageStateContradicted {
			t.Errorf("sydney is %s of x", got)
		}
		if about := merged.Places["sydney"].Contradictions; len(about) != 1 || about[0].About != api.ContradictionAboutAnswers {
			t.Errorf("sydney contradicts in %+v", about)
		}
	}
}

// A place that reaches nobody is out: it says nothing of any servicer. When most reach nobody, they are believed.
func TestOut(t *testing.T) {
	for _, test := range []struct {
		out     []string
		verdict api.Verdict
		nulls   int
		isOut   bool
	}{
		{[]string{"sydney"}, api.VerdictHealthy, 0, true},
		{[]string{"sydney", "virginia"}, api.VerdictUnavailable, 60, false},
		{[]string{"frankfurt", "sydney", "virginia"}, api.VerdictUnavailable, 90, false},
	} {
		w := newWorld()
		w.sees = func(place, _ string, _ int, _ time.Time) rune {
			if slices.Contains(test.out, place) {
				return seesNull
			}
			return seesOK
		}
		merged := w.merge()
		wantVerdict(t, merged.of(t, "x"), test.verdict, test.nulls)
		wantVerdict(t, merged.of(t, "y"), test.verdict, test.nulls)
		if out := merged.Places["sydney"].Out; out != test.isOut {
			t.Errorf("%v: sydney is out: %v", test.out, out)
		}
	}
}

// While one place is out, what one of two others sees is no majority.
func TestOutHasNoShare(t *testing.T) {
	w := newWorld()
	w.servicers = []string{"x", "y", "z"}
	w.sees = func(place, servicer string, _ int, _ time.Time) rune {
		if place == "sydney" || place == "virginia" && servicer == "x" {
			return seesNull
		}
		return seesOK
	}
	wantVerdict(t, w.merge().of(t, "x"), api.VerdictHealthy, 0)
}

// Two places that were out one after the other take no servicer with them.
func TestOutInTurns(t *testing.T) {
	w := newWorld()
	half := w.now.Add(-30 * time.Minute)
	w.sees = func(place, _ string, _ int, at time.Time) rune {
		if place == "sydney" && at.Before(half) || place == "virginia" && at.After(half) {
			return seesNull
		}
		return seesOK
	}
	merged := w.merge()
	wantVerdict(t, merged.of(t, "x"), api.VerdictHealthy, 0)
	if merged.Places["sydney"].Out || !merged.Places["virginia"].Out {
		t.Errorf("out now: sydney %v, virginia %v", merged.Places["sydney"].Out, merged.Places["virginia"].Out)
	}
}

// Two vantage points that disagree make no majority.
func TestTwoDisagree(t *testing.T) {
	w := newWorld()
	delete(w.every, "virginia")
	w.sees = func(place, servicer string, _ int, _ time.Time) rune {
		if place == "sydney" && servicer == "x" {
			return seesNull
		}
		return seesOK
	}
	wantVerdict(t, w.merge().of(t, "x"), api.VerdictHealthy, 0)
}

// A place that asks sixty times as often as the others has no more weight, and buckets count what it has asked since.
func TestCadence(t *testing.T) {
	w := newWorld()
	w.every["sydney"] = 2 * time.Second
	lost := func(place, servicer string, _ int, _ time.Time) rune {
		if place == "sydney" && servicer == "x" {
			return seesNull
		}
		return seesOK
	}
	w.sees = lost
	wantVerdict(t, w.merge().of(t, "x"), api.VerdictHealthy, 0)
	w.sees = func(place, servicer string, n int, at time.Time) rune {
		if place == "sydney" {
			return seesOK
		}
		return lost("sydney", servicer, n, at)
	}
	wantVerdict(t, w.merge().of(t, "x"), api.VerdictUnavailable, 60)
	// The slow places have null samples that the fast one was answered beside, long before its newest checks.
	w.sees = func(place, servicer string, n int, at time.Time) rune {
		if place == "virginia" && servicer == "x" && at.Before(w.now.Add(-30*time.Minute)) {
			return seesNull
		}
		return seesOK
	}
	row := w.merge().of(t, "x")
	wantVerdict(t, row, api.VerdictHealthy, 0)
	if got := vantageOf(t, row, "virginia").PathNulls; got != 15 {
		t.Errorf("virginia has %d path nulls, want 15", got)
	}
}

// A vantage point that has just joined neither settles nor unsettles anything.
func TestJoinedLate(t *testing.T) {
	w := newWorld()
	for _, first := range []rune{seesOK, seesNull} {
		w.sees = func(place, servicer string, n int, at time.Time) rune {
			if place != "frankfurt" && at.Before(w.now.Add(-3*time.Minute)) {
				return seesNothing
			}
			if servicer == "x" {
				return first
			}
			return seesOK
		}
		want, nulls := api.VerdictHealthy, 0
		if first == seesNull {
			want, nulls = api.VerdictUnavailable, 32
		}
		wantVerdict(t, w.merge().of(t, "x"), want, nulls)
	}
	// It lost its way from its first check on.
	w.sees = func(place, servicer string, n int, at time.Time) rune {
		switch {
		case place == "virginia", place == "sydney" && at.Before(w.now.Add(-9*time.Minute)):
			return seesNothing
		case place == "sydney" && servicer == "x":
			return seesNull
		}
		return seesOK
	}
	wantVerdict(t, w.merge().of(t, "x"), api.VerdictHealthy, 0)
}

// A servicer that one place alone follows is judged by that place.
func TestFollowedByOne(t *testing.T) {
	w := newWorld()
	w.sees = func(place, servicer string, n int, _ time.Time) rune {
		switch {
		case servicer == "x" && place != "sydney":
			return seesNothing
		case servicer == "x" && n%3 == 0:
			return seesNull
		}
		return seesOK
	}
	row := w.merge().of(t, "x")
	wantVerdict(t, row, api.VerdictUnavailable, 10)
	if row.RoundTripTimes.P50 == nil {
		t.Error("the times of the only place that has any are not shown")
	}
}

// Times are never merged; slow is who most places find slow.
func TestLatencyStaysApart(t *testing.T) {
	for _, test := range []struct {
		slow    []string
		verdict api.Verdict
	}{{[]string{"sydney"}, api.VerdictHealthy}, {[]string{"sydney", "virginia"}, api.VerdictSlow}} {
		w := newWorld()
		w.sees = func(place, servicer string, _ int, _ time.Time) rune {
			if slices.Contains(test.slow, place) && servicer == "x" {
				return seesSlow
			}
			return seesOK
		}
		row := w.merge().of(t, "x")
		wantVerdict(t, row, test.verdict, 0)
		if row.RoundTripTimes.P50 != nil || row.RoundTripTimes.Samples != 0 {
			t.Errorf("merged times: %+v", row.RoundTripTimes)
		}
		if p50 := vantageOf(t, row, "sydney").RoundTripTimes.P50; p50 == nil || *p50 != 400 {
			t.Errorf("p50 of sydney: %v", p50)
		}
	}
}

// What one says of content, and two contradict, counts for nothing, and names who says it.
func TestOutvoted(t *testing.T) {
	for _, test := range []struct {
		name       string
		lie, truth rune
		about      api.ContradictionAbout
		verdict    api.Verdict
	}{
		{"slanders content", seesDisagree, seesOK, api.ContradictionAboutConsistency, api.VerdictHealthy},
		{"whitewashes content", seesOK, seesDisagree, api.ContradictionAboutConsistency, api.VerdictInconsistent},
		{"slanders freshness", seesLag, seesFresh, api.ContradictionAboutFreshness, api.VerdictHealthy},
		{"whitewashes freshness", seesFresh, seesLag, api.ContradictionAboutFreshness, api.VerdictBehind},
		{"whitewashes answers", seesOK, seesNull, api.ContradictionAboutAnswers, api.VerdictUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld()
			w.sees = func(place, servicer string, n int, _ time.Time) rune {
				switch {
				case servicer != "x" || n%2 == 0 && test.about == api.ContradictionAboutFreshness:
					return seesOK
				case place == "sydney":
					return test.lie
				}
				return test.truth
			}
			merged := w.merge()
			row := merged.of(t, "x")
			if row.Verdict != test.verdict {
				t.Errorf("%s (%s), want %s", row.Verdict, row.Reason, test.verdict)
			}
			about := merged.Places["sydney"].Contradictions
			if len(about) != 1 || about[0].Servicer != "x" || about[0].About != test.about {
				t.Errorf("contradictions of sydney: %+v", about)
			}
			for _, honest := range []string{"frankfurt", "virginia"} {
				if found := merged.Places[honest].Contradictions; len(found) > 0 {
					t.Errorf("%s is named for %+v", honest, found)
				}
			}
			if test.verdict == api.VerdictHealthy && (row.Consistency.Disagree > 0 || row.Freshness.Behind > 0) {
				t.Errorf("the lie is counted: %+v, %+v", row.Consistency, row.Freshness)
			}
		})
	}
}

// plain is the result as text, without what is added for several vantage points.
func plain(t testing.TB, rows []api.RollingServicer) []byte {
	t.Helper()
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].Vantages = nil
	}
	text, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// drawnWorld is one in which everything may happen.
func drawnWorld(t *rapid.T, places int) *world {
	w := newWorld()
	w.every = make(map[string]time.Duration)
	for i := range places {
		w.every[fmt.Sprintf("place%d", i)] = time.Duration(rapid.IntRange(20, 400).Draw(t, "every")) * time.Second
	}
	w.servicers = []string{"x", "y", "z"}[:rapid.IntRange(1, 3).Draw(t, "servicers")]
	seed := rapid.Uint64().Draw(t, "seed")
	bad := rapid.SampledFrom([]float64{0, 0.05, 0.2, 0.5, 1}).Draw(t, "bad")
	w.sees = func(place, servicer string, n int, _ time.Time) rune {
		random := rand.New(rand.NewPCG(seed, uint64(n)<<16|uint64(place[5])<<8|uint64(servicer[0])))
		if random.Float64() >= bad {
			return seesOK
		}
		return []rune{seesNull, seesNull, seesNull, seesDisagree, seesLag, seesFresh, seesSlow, seesVoid, seesNothing}[random.IntN(9)]
	}
	return w
}

// TestOneVantagePoint: with one vantage point all is as without a merge, bit for bit.
func TestOneVantagePoint(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawnWorld(rt, 1)
		members := w.members()
		var alone []RollingMember
		for _, known := range members {
			alone = append(alone, known[0].RollingMember)
		}
		want := plain(t, Roll(alone, DefaultRolling(), w.now))
		if got := plain(t, w.merge().Servicers); !bytes.Equal(got, want) {
			rt.Fatalf("merged:\n%s\nalone:\n%s", got, want)
		}
	})
}

// TestOrderOfVantagePoints: in which order vantage points are listed changes nothing.
func TestOrderOfVantagePoints(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawnWorld(rt, rapid.IntRange(2, 5).Draw(rt, "places"))
		want, err := json.Marshal(w.merge())
		if err != nil {
			t.Fatal(err)
		}
		members := w.members()
		for servicer, known := range members {
			members[servicer] = rapid.Permutation(known).Draw(rt, "order")
		}
		got, err := json.Marshal(RollVantages(members, DefaultRolling(), w.now))
		if err != nil || !bytes.Equal(got, want) {
			rt.Fatalf("in another order (%v):\n%s\n%s", err, got, want)
		}
	})
}

// TestAgreement: a verdict that all vantage points take alone is that of the merge, and each of their null samples has one
// place.
func TestAgreement(t *testing.T) {
	agreed := 0
	rapid.Check(t, func(rt *rapid.T) {
		w := drawnWorld(rt, rapid.IntRange(2, 5).Draw(rt, "places"))
		w.servicers = []string{"x"} // nobody is out
		merged := w.merge().of(t, "x")
		verdicts := make(map[api.Verdict]bool)
		nulls := 0
		for _, known := range w.members()["x"] {
			alone := Roll([]RollingMember{known.RollingMember}, DefaultRolling(), w.now)[0]
			verdicts[alone.Verdict] = true
			nulls += alone.NullSamples
		}
		placed := 0
		for _, v := range merged.Vantages {
			placed += v.NullSamples + v.PathNulls
		}
		if placed != nulls {
			rt.Fatalf("%d null samples became %d", nulls, placed)
		}
		if len(verdicts) == 1 && !verdicts[merged.Verdict] {
			rt.Fatalf("all find %v, together %s: %s", verdicts, merged.Verdict, merged.Reason)
		}
		if len(verdicts) == 1 {
			agreed++
		}
	})
	if agreed == 0 {
		t.Error("no world in which all agree was drawn")
	}
}

// TestMinority: whatever a minority says, the verdict is no worse than the worst, and no better than the best, that one of
// the others finds; null samples that no other has do not count.
func TestMinority(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		honest := rapid.IntRange(2, 4).Draw(rt, "honest")
		liars := rapid.IntRange(1, honest-1).Draw(rt, "liars")
		w := drawnWorld(rt, honest+liars)
		truth := rapid.SampledFrom([]rune{seesOK, seesNull, seesDisagree, seesSlow}).Draw(rt, "truth")
		lie := rapid.SampledFrom([]rune{seesOK, seesNull, seesDisagree, seesSlow, seesVoid}).Draw(rt, "lie")
		w.sees = func(place, _ string, _ int, _ time.Time) rune {
			if int(place[5]-'0') < liars {
				return lie
			}
			return truth
		}
		row := w.merge().of(t, "x")
		want := map[rune]api.Verdict{seesOK: api.VerdictHealthy, seesNull: api.VerdictUnavailable, seesDisagree: api.VerdictInconsistent, seesSlow: api.VerdictSlow}[truth]
		if row.Verdict != want {
			rt.Fatalf("%d say %c and %d %c: %s (%s)", honest, truth, liars, lie, row.Verdict, row.Reason)
		}
		if truth != seesNull && row.NullSamples > 0 {
			rt.Fatalf("%d null samples of liars count", row.NullSamples)
		}
	})
}
