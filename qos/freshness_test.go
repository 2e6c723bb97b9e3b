package qos

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	settledKind = types.RoundKind_ROUND_KIND_SETTLED
	headKind    = types.RoundKind_ROUND_KIND_HEAD
	tipKind     = types.RoundKind_ROUND_KIND_TIP
)

// claim is an answer to a question for the head, of a chain with a block every 12 s.
func claim(servicer int, lag int64) *types.QoSSample {
	sample := answer(servicer, 5*time.Millisecond, types.Consistency_CONSISTENCY_UNSPECIFIED)
	sample.Head, sample.Lag, sample.LagTime = proto.Int64(1000-lag), &lag, durationpb.New(time.Duration(lag)*12*time.Second)
	return sample
}

// claimsOf lists the lags of a servicer's head claims, one for each round.
func claimsOf(rounds []*types.QoSRound, servicer string) (lags []int64) {
	for _, round := range rounds {
		for _, sample := range round.GetSamples() {
			if sample.GetServicer() != servicer {
				continue
			}
			counts := round.GetStatus() == done && sample.GetOutcome() != types.Outcome_OUTCOME_VOID
			if counts && sample.Lag != nil && round.GetKind() != settledKind {
				lags = append(lags, sample.GetLag())
			}
			break
		}
	}
	return lags
}

// drawAllowances draws what a session allows, besides nulls.
func drawAllowances(t *rapid.T, session *types.QoSSession) {
	session.MaxLag = rapid.Int64Range(0, 3).Draw(t, "max lag")
	session.LaggingAllowed = rapid.Uint32Range(0, 3).Draw(t, "lagging")
	session.DisagreementsAllowed = rapid.Uint32Range(0, 3).Draw(t, "disagreements")
}

// drawLag draws a lag for some samples, with its time for some of these.
func drawLag(t *rapid.T, sample *types.QoSSample) {
	if rapid.Bool().Draw(t, "claims") {
		sample.Lag = proto.Int64(rapid.Int64Range(0, 6).Draw(t, "lag"))
	}
	if sample.Lag != nil && rapid.Bool().Draw(t, "clocked") {
		sample.LagTime = durationpb.New(time.Duration(sample.GetLag()) * time.Second)
	}
}

// heads makes a round of the kind HEAD for each lag of servicer 1, after six in which it agrees.
func heads(session *types.QoSSession, lags ...int64) (rounds []*types.QoSRound) {
	for range 6 {
		rounds = append(rounds, roundOf(session, uint32(len(rounds)), done, answer(1, 5*time.Millisecond, agree)))
	}
	for _, lag := range lags {
		round := roundOf(session, uint32(len(rounds)), done, claim(1, lag))
		round.Kind = headKind
		rounds = append(rounds, round)
	}
	return rounds
}

func TestBehind(t *testing.T) {
	const timeout = types.Outcome_OUTCOME_TIMEOUT
	for _, c := range []struct {
		name    string
		lags    []int64
		change  func(session *types.QoSSession, rounds []*types.QoSRound)
		verdict api.Verdict
		reason  string
	}{
		{"fresh", []int64{0, 1, 5}, nil, api.VerdictHealthy, "answered 9 of 9 checks, agreed with the majority in 6 of 6"},
		{"stands still", []int64{59, 60, 62}, nil, api.VerdictBehind,
			"behind in 3 of 3 head claims, by up to 62 blocks (12m24s), allowed 5 blocks"},
		{"one block more than allowed", []int64{0, 6, 0}, nil, api.VerdictBehind,
			"behind in 1 of 3 head claims, by up to 6 blocks (1m12s), allowed 5 blocks"},
		{"as often as allowed", []int64{6, 0, 0}, func(s *types.QoSSession, _ []*types.QoSRound) { s.LaggingAllowed = 1 },
			api.VerdictHealthy, "answered 9 of 9 checks, agreed with the majority in 6 of 6"},
		{"more often than allowed", []int64{6, 7, 0}, func(s *types.QoSSession, _ []*types.QoSRound) { s.LaggingAllowed = 1 },
			api.VerdictBehind, "behind in 2 of 3 head claims, allowed 1, by up to 7 blocks (1m24s), allowed 5 blocks"},
		{"freshness not judged", []int64{62, 62, 62}, func(s *types.QoSSession, _ []*types.QoSRound) { s.MaxLag = 0 },
			api.VerdictHealthy, "answered 9 of 9 checks, agreed with the majority in 6 of 6"},
		{"no block time", []int64{62}, func(_ *types.QoSSession, rounds []*types.QoSRound) { rounds[6].Samples[0].LagTime = nil },
			api.VerdictBehind, "behind in 1 of 1 head claim, by up to 62 blocks, allowed 5 blocks"},
		{"a void round says nothing", []int64{62}, func(_ *types.QoSSession, rounds []*types.QoSRound) { rounds[6].Status = void },
			api.VerdictHealthy, "answered 6 of 6 checks, agreed with the majority in 6 of 6"},
		{"a settled round has no claims", []int64{62}, func(_ *types.QoSSession, rounds []*types.QoSRound) { rounds[6].Kind = settledKind },
			api.VerdictHealthy, "answered 7 of 7 checks, agreed with the majority in 6 of 6"},
		{"a block near the tip that is missing", []int64{9}, func(_ *types.QoSSession, rounds []*types.QoSRound) { rounds[6].Kind = tipKind },
			api.VerdictBehind, "behind in 1 of 1 head claim, by up to 9 blocks (1m48s), allowed 5 blocks"},
		{"heads alone make nobody healthy", []int64{0, 0, 0}, func(_ *types.QoSSession, rounds []*types.QoSRound) {
			for _, round := range rounds[:6] {
				round.Kind, round.Samples[0] = headKind, claim(1, 0)
			}
		}, api.VerdictUnknown, "no majority in any of 9 answers"},
		{"behind, and too little to be healthy by", []int64{62}, func(_ *types.QoSSession, rounds []*types.QoSRound) {
			for _, round := range rounds[:6] {
				round.Status = void
			}
		}, api.VerdictBehind, "behind in 1 of 1 head claim, by up to 62 blocks (12m24s), allowed 5 blocks"},
		{"a lie outweighs it", []int64{62}, func(_ *types.QoSSession, rounds []*types.QoSRound) {
			rounds[0].Samples[0].Consistency = disagree
		}, api.VerdictInconsistent, "disagreed with the majority in 1 of 6 decidable checks"},
		{"nulls outweigh it", []int64{62}, func(_ *types.QoSSession, rounds []*types.QoSRound) {
			for _, round := range rounds[:3] {
				round.Samples[0] = null(1, timeout)
			}
		}, api.VerdictUnavailable, "3 of 7 checks unanswered (TIMEOUT 3), allowed 2"},
		{"what it lacks because it is behind", []int64{62}, func(_ *types.QoSSession, rounds []*types.QoSRound) {
			for _, round := range rounds[:4] {
				round.Samples[0] = null(1, types.Outcome_OUTCOME_MISSING)
			}
			rounds[4].Samples[0] = null(1, types.Outcome_OUTCOME_BACKEND_ERROR)
		}, api.VerdictBehind, "behind in 1 of 1 head claim, by up to 62 blocks (12m24s), allowed 5 blocks"},
		{"the same of one that is not behind", []int64{5}, func(_ *types.QoSSession, rounds []*types.QoSRound) {
			for _, round := range rounds[:4] {
				round.Samples[0] = null(1, types.Outcome_OUTCOME_MISSING)
			}
		}, api.VerdictUnavailable, "4 of 7 checks unanswered (MISSING 4), allowed 2"},
		{"it outweighs slowness", []int64{62}, func(_ *types.QoSSession, rounds []*types.QoSRound) {
			for _, round := range rounds[:6] {
				round.Samples[0] = answer(1, time.Second, agree)
			}
		}, api.VerdictBehind, "behind in 1 of 1 head claim, by up to 62 blocks (12m24s), allowed 5 blocks"},
	} {
		session := sessionOf(1)
		session.MaxLag = 5
		rounds := heads(session, c.lags...)
		if c.change != nil {
			c.change(session, rounds)
		}
		got := Summarize(session, rounds).Servicers[0]
		if got.Verdict != c.verdict || got.Reason != c.reason {
			t.Errorf("%s: %s, %q; want %s, %q", c.name, got.Verdict, got.Reason, c.verdict, c.reason)
		}
	}
}

func TestFreshness(t *testing.T) {
	for _, c := range []struct {
		lags []int64
		want string
	}{
		{nil, `{"claims":0,"behind":0,"lag_blocks_max":null,"lag_blocks_median":null,"lag_ms_max":null}`},
		{[]int64{0}, `{"claims":1,"behind":0,"lag_blocks_max":0,"lag_blocks_median":0,"lag_ms_max":0}`},
		{[]int64{62, 1}, `{"claims":2,"behind":1,"lag_blocks_max":62,"lag_blocks_median":1,"lag_ms_max":744000}`},
		{[]int64{7, 1, 6, 1}, `{"claims":4,"behind":2,"lag_blocks_max":7,"lag_blocks_median":1,"lag_ms_max":84000}`},
		{[]int64{2, 9, 3}, `{"claims":3,"behind":1,"lag_blocks_max":9,"lag_blocks_median":3,"lag_ms_max":108000}`},
	} {
		session := sessionOf(1)
		session.MaxLag = 5
		got, err := json.Marshal(Summarize(session, heads(session, c.lags...)).Servicers[0].Freshness)
		if err != nil || string(got) != c.want {
			t.Errorf("%v: %s, %v; want %s", c.lags, got, err, c.want)
		}
	}
}

func TestDisagreementsAllowed(t *testing.T) {
	for _, c := range []struct {
		agrees, disagrees int
		allowed           uint32
		verdict           api.Verdict
		reason            string
	}{
		{5, 1, 0, api.VerdictInconsistent, "disagreed with the majority in 1 of 6 decidable checks"},
		{5, 1, 1, api.VerdictHealthy, "answered 6 of 6 checks, agreed with the majority in 5 of 6 (1 disagreement, allowed 1)"},
		{5, 2, 1, api.VerdictInconsistent, "disagreed with the majority in 2 of 7 decidable checks, allowed 1"},
		{5, 0, 1, api.VerdictHealthy, "answered 5 of 5 checks, agreed with the majority in 5 of 5"},
		{2, 2, 3, api.VerdictUnknown, "agreed with the majority in only 2 of 4 decidable checks, 3 needed"},
		{0, 3, 3, api.VerdictUnknown, "agreed with the majority in only 0 of 3 decidable checks, 3 needed"},
	} {
		session := sessionOf(1)
		session.DisagreementsAllowed = c.allowed
		var rounds []*types.QoSRound
		for index := range c.agrees + c.disagrees {
			sample := answer(1, 5*time.Millisecond, agree)
			if index >= c.agrees {
				sample.Consistency = disagree
			}
			rounds = append(rounds, roundOf(session, uint32(index), done, sample))
		}
		got := Summarize(session, rounds).Servicers[0]
		if got.Verdict != c.verdict || got.Reason != c.reason || got.Consistency.Disagree != c.disagrees {
			t.Errorf("%d agree, %d disagree, %d allowed: %s, %q, %d; want %s, %q", c.agrees, c.disagrees, c.allowed,
				got.Verdict, got.Reason, got.Consistency.Disagree, c.verdict, c.reason)
		}
	}
}

// One disagreement among a thousand checks does not decide a window when sessions allow one each; a session without
// decidable checks allows none, and one whose freshness is not judged allows no claim to be behind.
func TestWindowAllowances(t *testing.T) {
	session := func(n int, change func(*types.QoSSession), samples ...*types.QoSSample) sampledSession {
		made := sampled(n, 1, len(samples), func(check int) []*types.QoSSample { return samples[check : check+1] })
		made.MaxLag, made.LaggingAllowed, made.DisagreementsAllowed = 5, 1, 1
		if change != nil {
			change(made.QoSSession)
		}
		for check, sample := range samples {
			if sample.Lag != nil {
				made.rounds[check].Kind = headKind
			}
		}
		return made
	}
	fine := func(more ...*types.QoSSample) []*types.QoSSample {
		return append(slices.Repeat([]*types.QoSSample{warm(answer(1, 5*time.Millisecond, agree))}, 6), more...)
	}
	lie := warm(answer(1, 5*time.Millisecond, disagree))
	unjudged := func(s *types.QoSSession) { s.MaxLag = 0 }
	for _, c := range []struct {
		name     string
		sessions []sampledSession
		verdict  api.Verdict
		reason   string
		allowed  [2]int
	}{
		{"two in one session, one allowed in each", []sampledSession{session(1, nil, fine(lie, lie)...), session(2, nil, fine()...)}, api.VerdictHealthy,
			"answered 14 of 14 checks, agreed with the majority in 12 of 14 (2 disagreements, allowed 2)", [2]int{2, 0}},
		{"three in two sessions", []sampledSession{session(1, nil, fine(lie, lie)...), session(2, nil, fine(lie)...)}, api.VerdictInconsistent,
			"disagreed with the majority in 3 of 15 decidable checks, allowed 2", [2]int{2, 0}},
		{"nothing decidable allows none", []sampledSession{session(1, nil, fine(lie, lie)...), session(2, nil)}, api.VerdictInconsistent,
			"disagreed with the majority in 2 of 8 decidable checks, allowed 1", [2]int{1, 0}},
		{"claims behind within the allowance", []sampledSession{session(1, nil, fine(claim(1, 9), claim(1, 8))...), session(2, nil, fine(claim(1, 0))...)},
			api.VerdictHealthy, "answered 15 of 15 checks, agreed with the majority in 12 of 12", [2]int{2, 2}},
		{"claims behind above it", []sampledSession{session(1, nil, fine(claim(1, 9), claim(1, 8))...), session(2, nil, fine(claim(1, 7))...)},
			api.VerdictBehind, "behind in 3 of 3 head claims, allowed 2, by up to 9 blocks (1m48s)", [2]int{2, 2}},
		{"a session of a version before", []sampledSession{session(1, nil, fine(claim(1, 9), claim(1, 8))...), session(2, unjudged, fine(claim(1, 7))...)},
			api.VerdictBehind, "behind in 2 of 3 head claims, allowed 1, by up to 9 blocks (1m48s)", [2]int{2, 1}},
	} {
		row := window(t, c.sessions...).Servicers[0]
		if allowed := [2]int{row.DisagreementsAllowed, row.LaggingAllowed}; row.Verdict != c.verdict || row.Reason != c.reason || allowed != c.allowed {
			t.Errorf("%s: %s, %q, allowed %v; want %s, %q, %v", c.name, row.Verdict, row.Reason, allowed, c.verdict, c.reason, c.allowed)
		}
	}
}

// More disagreement, and more lag, never improve a verdict. The one exception is in the rule: of a servicer that is unavailable,
// more lag may explain what it did not answer, and that it is behind then says more.
func TestWorseSamplesNeverImproveAVerdict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		session, rounds := drawSession(t)
		before := verdictsOf(session, rounds)
		var samples []*types.QoSSample
		for _, round := range rounds {
			samples = append(samples, round.GetSamples()...)
		}
		if len(samples) == 0 {
			return
		}
		sample := rapid.SampledFrom(samples).Draw(t, "sample")
		lagged := false
		switch lies := rapid.Bool().Draw(t, "lies"); {
		case lies && sample.GetConsistency() == agree:
			sample.Consistency = disagree
		case !lies && sample.Lag != nil:
			sample.Lag = proto.Int64(sample.GetLag() + rapid.Int64Range(1, 9).Draw(t, "more"))
			lagged = true
		}
		for servicer, verdict := range verdictsOf(session, rounds) {
			explained := before[servicer] == api.VerdictUnavailable && verdict == api.VerdictBehind && lagged
			if severity(verdict) > severity(before[servicer]) && !explained {
				t.Fatalf("%s was %s and is %s", servicer, before[servicer], verdict)
			}
		}
	})
}

func verdictsOf(session *types.QoSSession, rounds []*types.QoSRound) map[string]api.Verdict {
	verdicts := make(map[string]api.Verdict)
	for _, servicer := range Summarize(session, rounds).Servicers {
		verdicts[servicer.Servicer] = servicer.Verdict
	}
	return verdicts
}

// Who is behind is better than nobody who is not.
func TestBehindIsNoBetter(t *testing.T) {
	behind, slow := ranked(api.VerdictBehind, 1000, 1000, 900, 900), ranked(api.VerdictSlow, 900, 1000, 900, 900)
	if better(&behind, &slow) || !better(&behind, new(ranked(api.VerdictBehind, 900, 1000, 900, 900))) {
		t.Error(fmt.Sprint(behind.Verdict, " against ", slow.Verdict))
	}
}
