package qos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// rollingMembers are the servicers of sessions with all of their checks, as package samples keeps them.
func rollingMembers(sessions ...sampledSession) []RollingMember {
	var members []RollingMember
	places := make(map[string]int)
	member := func(servicer *types.QoSServicer) *RollingMember {
		at, known := places[servicer.GetAddress()]
		if !known {
			at = len(members)
			places[servicer.GetAddress()] = at
			members = append(members, RollingMember{Servicer: servicer})
		}
		return &members[at]
	}
	for _, session := range sessions {
		terms := TermsOf(session.QoSSession)
		for _, listed := range session.Servicers {
			member(listed).Running = true
		}
		for _, round := range session.rounds {
			terms.RollingChecks(round, func(sample *types.QoSSample, check RollingCheck) {
				m := member(&types.QoSServicer{Address: sample.GetServicer(), ServiceUrl: sample.GetServiceUrl()})
				if n := len(m.Checks); n == 0 || m.Checks[n-1].Before(&check) {
					m.Checks = append(m.Checks, check)
				}
			})
		}
	}
	return members
}

// modelCheck is a check of the plain model: everything that there is of it.
type modelCheck struct {
	session *types.QoSSession
	round   *types.QoSRound
	sample  *types.QoSSample
}

func (c modelCheck) void() bool {
	return c.sample.GetOutcome() != types.Outcome_OUTCOME_THROTTLED &&
		(c.round.GetStatus() == types.RoundStatus_ROUND_STATUS_VOID || c.sample.GetOutcome() == types.Outcome_OUTCOME_VOID)
}

func (c modelCheck) doubtful() bool {
	return c.void() && c.round.GetStatus() == done && c.sample.GetBlame() == types.Blame_BLAME_UNKNOWN
}

func (c modelCheck) counted() bool {
	return !c.void() && c.sample.GetOutcome() != types.Outcome_OUTCOME_THROTTLED
}

// modelReach are a servicer's checks within a span, newest first, with the void ones that are counted beside them.
func modelReach(sessions []sampledSession, servicer string, span RollingSpan, now time.Time) (checks, voids []modelCheck) {
	var all []modelCheck
	for _, session := range sessions {
		for _, round := range session.rounds {
			if !asked(round) || round.GetIndex() >= session.GetChecksPlanned() {
				continue
			}
			for _, sample := range round.GetSamples() {
				if sample.GetServicer() == servicer {
					all = append(all, modelCheck{session.QoSSession, round, sample})
					break
				}
			}
		}
	}
	slices.Reverse(all)
	for _, check := range all {
		if len(checks) == span.Checks || now.Sub(time.Unix(0, check.round.GetReleasedUnixNano())) > span.Age {
			break
		}
		if check.void() && !check.doubtful() {
			voids = append(voids, check)
		} else {
			checks = append(checks, check)
		}
	}
	return checks, voids[:min(len(voids), MostRollingVoids)]
}

// modelThreshold is a threshold in proportion to the checks that are admitted, in fractions; of each session at most as much
// as there are checks that are capped.
func modelThreshold(checks []modelCheck, span RollingSpan, of func(*types.QoSSession) uint32, admit, capped func(modelCheck) bool) int {
	if len(checks) == 0 {
		return 0
	}
	parts, most := make(map[*types.QoSSession]*big.Rat), make(map[*types.QoSSession]int64)
	for _, check := range checks {
		if parts[check.session] == nil {
			parts[check.session] = new(big.Rat)
		}
		if admit(check) {
			parts[check.session].Add(parts[check.session], big.NewRat(int64(of(check.session)), int64(check.session.GetChecksPlanned())))
		}
		if capped == nil || capped(check) {
			most[check.session]++
		}
	}
	sum := new(big.Rat)
	for session, part := range parts {
		if bound := big.NewRat(most[session], 1); capped != nil && part.Cmp(bound) > 0 {
			part = bound
		}
		sum.Add(sum, part)
	}
	newest := checks[0].session
	planned := int64(newest.GetChecksPlanned())
	least := big.NewRat(int64(of(newest))*min(int64(span.Checks), planned), planned)
	if sum.Cmp(least) < 0 {
		sum = least
	}
	whole, rest := new(big.Int).QuoRem(sum.Num(), sum.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		whole.Add(whole, big.NewInt(1))
	}
	return int(whole.Int64())
}

func tallied[T any](all []T, admit func(T) bool) (n int) {
	for _, one := range all {
		if admit(one) {
			n++
		}
	}
	return n
}

// The row of each servicer is what a plain reading of the documented formulas gives.
func TestRollingFollowsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sessions := drawSessions(t)
		for _, session := range sessions {
			for _, round := range session.rounds {
				round.Status = rapid.SampledFrom([]types.RoundStatus{done, done, done, done, types.RoundStatus_ROUND_STATUS_VOID, dropped}).Draw(t, "status")
			}
		}
		now := noon.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "now")) * time.Second)
		span := RollingSpan{Checks: rapid.IntRange(1, 40).Draw(t, "checks"), Age: time.Duration(rapid.IntRange(1, 600).Draw(t, "age")) * time.Second}
		members := rollingMembers(sessions...)
		listed := 0
		rows := Roll(members, span, now)
		for _, member := range members {
			checks, voids := modelReach(sessions, member.Servicer.GetAddress(), span, now)
			at := slices.IndexFunc(rows, func(r api.RollingServicer) bool { return r.Servicer == member.Servicer.GetAddress() })
			if (at >= 0) != (member.Running || len(checks)+len(voids) > 0) {
				t.Fatalf("%s is listed: %t; %d checks, running %t", member.Servicer.GetAddress(), at >= 0, len(checks), member.Running)
			}
			if at >= 0 {
				listed++
				checkRollingRow(t, rows[at], checks, voids, span)
			}
		}
		if listed != len(rows) {
			t.Fatalf("%d rows of %d servicers", len(rows), listed)
		}
	})
}

func checkRollingRow(t *rapid.T, row api.RollingServicer, checks, voids []modelCheck, span RollingSpan) {
	counted := func(c modelCheck) bool { return c.counted() }
	ok := func(c modelCheck) bool { return c.counted() && c.sample.GetOutcome() == types.Outcome_OUTCOME_OK }
	agreement := func(which types.Consistency) int {
		return tallied(checks, func(c modelCheck) bool { return ok(c) && c.sample.GetConsistency() == which })
	}
	claim := func(c modelCheck) bool { return c.counted() && isClaim(c.round, c.sample) }
	behind := tallied(checks, func(c modelCheck) bool {
		return claim(c) && c.session.GetMaxLag() > 0 && c.sample.GetLag() > c.session.GetMaxLag()
	})
	doubts := tallied(checks, func(c modelCheck) bool { return c.doubtful() })
	throttled := tallied(checks, func(c modelCheck) bool { return c.sample.GetOutcome() == types.Outcome_OUTCOME_THROTTLED })
	samples, answers := tallied(checks, counted), tallied(checks, ok)
	agreed, disagreed := agreement(agree), agreement(disagree)
	over := tallied(checks, func(c modelCheck) bool { return ok(c) && c.sample.GetOverSla() })
	nullsAllowed := modelThreshold(checks, span, (*types.QoSSession).GetNullSamplesAllowed, counted, nil)
	unanswered := modelThreshold(checks, span, (*types.QoSSession).GetNullSamplesAllowed, func(c modelCheck) bool { return c.counted() || c.doubtful() }, nil)
	required := modelThreshold(checks, span, (*types.QoSSession).GetSamplesRequired, counted, nil)
	disagreements := modelThreshold(checks, span, (*types.QoSSession).GetDisagreementsAllowed, counted, func(c modelCheck) bool {
		return ok(c) && (c.sample.GetConsistency() == agree || c.sample.GetConsistency() == disagree)
	})
	lagging := modelThreshold(checks, span, (*types.QoSSession).GetLaggingAllowed, func(c modelCheck) bool { return c.counted() && c.session.GetMaxLag() > 0 }, claim)
	got := []int{row.Checks, row.Samples, row.NullSamples, row.Void, row.Throttled, row.OverSLA, row.Consistency.Agree, row.Consistency.Disagree,
		row.Freshness.Claims, row.Freshness.Behind, row.NullSamplesAllowed, row.SamplesRequired, row.DisagreementsAllowed, row.LaggingAllowed}
	want := []int{len(checks), samples, samples - answers, doubts + len(voids), throttled, over, agreed, disagreed,
		tallied(checks, claim), behind, nullsAllowed, required, disagreements, lagging}
	if !slices.Equal(got, want) {
		t.Fatalf("%s: counts %v, want %v", row.Servicer, got, want)
	}
	if asked := len(checks)+len(voids) > 0; (row.AskedAt != nil) != asked || !asked && row.Verdict != api.VerdictNotAskedYet {
		t.Fatalf("%s: asked at %v, %s", row.Servicer, row.AskedAt, row.Verdict)
	} else if !asked {
		return
	}
	var warmTimes, coldTimes []time.Duration
	slowWarm, slowCold := 0, 0
	for _, c := range checks {
		if !ok(c) || c.sample.GetRoundTripTime() == nil {
			continue
		}
		elapsed := c.sample.GetRoundTripTime().AsDuration()
		slow := 0
		if sla := c.session.GetLatencySla().AsDuration(); sla > 0 && elapsed > sla {
			slow = 1
		}
		if c.sample.GetReusedConnection() {
			warmTimes, slowWarm = append(warmTimes, elapsed), slowWarm+slow
		} else {
			coldTimes, slowCold = append(coldTimes, elapsed), slowCold+slow
		}
	}
	times, slowTimes := warmTimes, slowWarm
	if len(warmTimes) < max(required, 1) && len(warmTimes) < len(coldTimes) {
		times, slowTimes = coldTimes, slowCold
	}
	if quantiles, _ := json.Marshal(QuantilesOf(times)); len(times) != row.RoundTripTimes.Samples || !bytes.Equal(quantiles, quantilesText(row.RoundTripTimes.Quantiles)) {
		t.Fatalf("%s: times %s, want %s of %d", row.Servicer, showTimes(row.RoundTripTimes), quantiles, len(times))
	}
	nodeNulls := tallied(checks, func(c modelCheck) bool {
		return c.counted() && (c.sample.GetOutcome() == types.Outcome_OUTCOME_BACKEND_ERROR || c.sample.GetOutcome() == types.Outcome_OUTCOME_MISSING)
	})
	nulls, majorities := samples-answers, required
	if row.Sessions > 1 || len(checks) > 0 && int(checks[0].session.GetChecksPlanned()) > span.Checks {
		majorities = (required + 1) / 2
	}
	verdict := api.VerdictHealthy
	switch {
	case disagreed > disagreements:
		verdict = api.VerdictInconsistent
	case behind > lagging && nulls-nodeNulls <= nullsAllowed:
		verdict = api.VerdictBehind
	case nulls > nullsAllowed || answers == 0 && samples > 0 && samples >= required:
		verdict = api.VerdictUnavailable
	case doubts > 0 && nulls+doubts > unanswered, samples < required, samples == 0, 2*throttled > samples+throttled:
		verdict = api.VerdictUnknown
	case 2*slowTimes > len(times), 2*over > answers:
		verdict = api.VerdictSlow
	case agreed == 0, agreed < majorities:
		verdict = api.VerdictUnknown
	}
	if row.Verdict != verdict {
		t.Fatalf("%s: %s (%s), want %s", row.Servicer, row.Verdict, row.Reason, verdict)
	}
}

func quantilesText(quantiles api.Quantiles) []byte {
	text, _ := json.Marshal(quantiles)
	return text
}

// The checks of one session are judged as the session is.
func TestRollingOverOneSessionSaysWhatTheSessionSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		session := drawSessions(t)[0]
		span := RollingSpan{Checks: rapid.IntRange(int(max(session.ChecksPlanned, 1)), MostRollingChecks).Draw(t, "checks"), Age: time.Hour}
		want, rows := Summarize(session.QoSSession, session.rounds), Roll(rollingMembers(session), span, noon.Add(time.Minute))
		for _, row := range rows {
			of := want.Servicers[slices.IndexFunc(want.Servicers, func(s api.ServicerReport) bool { return s.Servicer == row.Servicer })]
			if row.AskedAt == nil {
				if of.Verdict != api.VerdictUnknown || of.Samples != 0 || row.Verdict != api.VerdictNotAskedYet {
					t.Fatalf("%s of one that the session says is %s (%s)", row.Verdict, of.Verdict, of.Reason)
				}
				continue
			}
			if row.Verdict != of.Verdict {
				t.Fatalf("%s (%s), want %s (%s)", row.Verdict, row.Reason, of.Verdict, of.Reason)
			}
			shares, _ := json.Marshal([]any{row.Availability, row.Consistency, row.Samples, row.NullSamples, row.Void, row.OverSLA, row.Outcomes, row.Freshness, row.RoundTripTimes})
			wanted, _ := json.Marshal([]any{of.Availability, of.Consistency, of.Samples, of.NullSamples, of.Void, of.OverSLA, of.Outcomes, of.Freshness, of.RoundTripTimes})
			if !bytes.Equal(shares, wanted) {
				t.Fatalf("%s, want %s", shares, wanted)
			}
		}
	})
}

// With equal parameters thresholds depend on the number of checks alone, wherever among them a session begins.
func TestRollingThresholdsKnowNoBoundary(t *testing.T) {
	fast := each(warm(answer(1, 5*time.Millisecond, agree)))
	var sessions []sampledSession
	for n := range 8 {
		session := sampled(n, 1, 10, fast)
		session.LaggingAllowed, session.MaxLag, session.DisagreementsAllowed = 1, 5, 1
		sessions = append(sessions, session)
	}
	member := rollingMembers(sessions...)[0]
	for checks := 1; checks <= len(member.Checks); checks++ {
		shorter := member
		shorter.Checks = member.Checks[:checks]
		row := Roll([]RollingMember{shorter}, DefaultRolling(), noon.Add(10*time.Minute))[0]
		n := max(min(checks, 30), 10)
		up := func(allowed int) int { return (allowed*n + 9) / 10 }
		if got, want := []int{row.NullSamplesAllowed, row.SamplesRequired, row.DisagreementsAllowed, row.LaggingAllowed}, []int{up(2), up(3), up(1), 1}; !slices.Equal(got, want) {
			t.Errorf("after %d checks: %v, want %v", checks, got, want)
		}
		if (row.Verdict == api.VerdictHealthy) != (checks >= 3) {
			t.Errorf("after %d checks: %s (%s)", checks, row.Verdict, row.Reason)
		}
	}
}

func TestRollingVerdicts(t *testing.T) {
	const connect = types.Outcome_OUTCOME_CONNECT
	fast, slow := each(warm(answer(1, 5*time.Millisecond, agree))), each(warm(answer(1, 400*time.Millisecond, agree)))
	nulls := func(n int) func(int) []*types.QoSSample {
		return func(check int) []*types.QoSSample {
			if check < n {
				return []*types.QoSSample{null(1, connect)}
			}
			return fast(check)
		}
	}
	with := func(session sampledSession, change func(*types.QoSSession)) sampledSession {
		change(session.QoSSession)
		return session
	}
	of10 := func(session sampledSession) sampledSession {
		return with(session, func(s *types.QoSSession) { s.ChecksPlanned = 10 })
	}
	voided := sampled(4, 1, 10, each(warm(answer(1, 5*time.Millisecond, agree))))
	for _, round := range voided.rounds {
		round.Status = types.RoundStatus_ROUND_STATUS_VOID
	}
	patient := func(n int) sampledSession {
		return with(sampled(n, 1, 10, func(int) []*types.QoSSample {
			sample := warm(answer(1, 400*time.Millisecond, agree))
			sample.OverSla = false
			return []*types.QoSSample{sample}
		}), func(s *types.QoSSession) { s.LatencySla.Seconds = 1 })
	}
	three := []sampledSession{sampled(1, 1, 10, fast), sampled(2, 1, 10, fast), sampled(3, 1, 10, fast)}
	for _, c := range []struct {
		name     string
		sessions []sampledSession
		span     RollingSpan
		verdict  api.Verdict
		reason   string
	}{
		{"a new session that asked nobody yet", append(slices.Clone(three), sampled(4, 1, 0, nil)), DefaultRolling(), api.VerdictHealthy,
			"answered 30 of 30 checks, agreed with the majority in 30 of 30"},
		{"a session that is void as a whole takes no place", append(slices.Clone(three), voided), DefaultRolling(), api.VerdictHealthy,
			"answered 30 of 30 checks, agreed with the majority in 30 of 30"},
		{"six nulls of thirty are allowed", append(slices.Clone(three), of10(sampled(4, 1, 6, nulls(6)))), DefaultRolling(), api.VerdictHealthy,
			"answered 24 of 30 checks, agreed with the majority in 24 of 24"},
		{"seven are not", append(slices.Clone(three), of10(sampled(4, 1, 7, nulls(7)))), DefaultRolling(), api.VerdictUnavailable,
			"7 of 30 checks unanswered (CONNECT 7), allowed 6"},
		{"of five checks one null", []sampledSession{sampled(1, 1, 10, nulls(6))}, RollingSpan{5, time.Hour}, api.VerdictHealthy,
			"answered 4 of 5 checks, agreed with the majority in 4 of 4"},
		{"not two", []sampledSession{sampled(1, 1, 10, nulls(7))}, RollingSpan{5, time.Hour}, api.VerdictUnavailable,
			"2 of 5 checks unanswered (CONNECT 2), allowed 1"},
		{"a session is never judged before it has its samples", []sampledSession{of10(sampled(1, 1, 2, fast))}, DefaultRolling(), api.VerdictUnknown, "2 samples, 3 needed"},
		{"never asked", []sampledSession{sampled(1, 1, 0, nil)}, DefaultRolling(), api.VerdictNotAskedYet, "no check has asked it within 1h"},
		{"asked too long ago", three, RollingSpan{30, time.Second}, api.VerdictNotAskedYet, "no check has asked it within 1s"},
		{"one lie among thirty", append(slices.Clone(three), sampled(4, 1, 1, each(answer(1, 1, disagree)))), DefaultRolling(), api.VerdictInconsistent,
			"disagreed with the majority in 1 of 30 decidable checks"},
		{"slow in most", []sampledSession{sampled(1, 1, 10, fast), sampled(2, 1, 10, slow), sampled(3, 1, 10, slow)}, DefaultRolling(), api.VerdictSlow,
			"20 of 30 warm answers over the SLA"},
		{"each by the SLA of its session", []sampledSession{sampled(1, 1, 10, slow), patient(2), patient(3)}, DefaultRolling(), api.VerdictHealthy,
			"answered 30 of 30 checks, agreed with the majority in 30 of 30"},
	} {
		row := Roll(rollingMembers(c.sessions...), c.span, noon.Add(10*time.Minute))[0]
		if row.Verdict != c.verdict || row.Reason != c.reason {
			t.Errorf("%s: %s, %q", c.name, row.Verdict, row.Reason)
		}
	}
}

// Claims are compared with the max_lag of their session, and lagging_allowed grows with the checks.
func TestRollingFreshness(t *testing.T) {
	lagging := func(n int, maxLag int64) sampledSession {
		session := sampled(n, 1, 10, func(int) []*types.QoSSample {
			sample := warm(answer(1, 5*time.Millisecond, agree))
			sample.Lag = new(int64(4))
			return []*types.QoSSample{sample}
		})
		session.MaxLag, session.LaggingAllowed = maxLag, 1
		for i, round := range session.rounds {
			if i%3 == 0 {
				round.Kind = types.RoundKind_ROUND_KIND_HEAD
			} else {
				round.Samples[0].Lag = nil
			}
		}
		return session
	}
	for _, c := range []struct {
		lags    []int64
		verdict api.Verdict
		behind  int
	}{
		{[]int64{5, 5, 5}, api.VerdictHealthy, 0}, {[]int64{3, 5, 5}, api.VerdictBehind, 4}, {[]int64{0, 0, 3}, api.VerdictBehind, 4}, {[]int64{0, 0, 0}, api.VerdictHealthy, 0},
	} {
		row := Roll(rollingMembers(lagging(1, c.lags[0]), lagging(2, c.lags[1]), lagging(3, c.lags[2])), DefaultRolling(), noon.Add(10*time.Minute))[0]
		if row.Verdict != c.verdict || row.Freshness.Behind != c.behind || row.Freshness.Claims != 12 {
			t.Errorf("max_lag %v: %s (%s), %+v, allowed %d", c.lags, row.Verdict, row.Reason, row.Freshness, row.LaggingAllowed)
		}
	}
}

// A node that stands still is behind at every moment, wherever its claims happen to be and however many may lag.
func TestRollingStaysBehind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sessions []sampledSession
		for n := range 8 {
			heads := rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}).Draw(t, "heads")[:3]
			session := sampled(n, 1, 10, func(int) []*types.QoSSample { return []*types.QoSSample{warm(answer(1, 5*time.Millisecond, agree))} })
			session.MaxLag, session.LaggingAllowed = 5, 2
			for _, at := range heads {
				session.rounds[at].Kind = types.RoundKind_ROUND_KIND_HEAD
				session.rounds[at].Samples[0].Lag = new(int64(60))
				session.rounds[at].Samples[0].Consistency = types.Consistency_CONSISTENCY_UNSPECIFIED
			}
			sessions = append(sessions, session)
		}
		member := rollingMembers(sessions...)[0]
		for checks := 30; checks <= len(member.Checks); checks++ {
			shorter := member
			shorter.Checks = member.Checks[:checks]
			if row := Roll([]RollingMember{shorter}, DefaultRolling(), noon.Add(10*time.Minute))[0]; row.Verdict != api.VerdictBehind {
				t.Fatalf("after %d checks: %s (%s), %d of %d claims, allowed %d", checks, row.Verdict, row.Reason, row.Freshness.Behind, row.Freshness.Claims, row.LaggingAllowed)
			}
		}
	})
}

// Who is not asked is said to be so, whatever its checks.
func TestRollingStanding(t *testing.T) {
	member := RollingMember{Servicer: &types.QoSServicer{Address: "a", Standing: types.Standing_STANDING_OTHER_CHAIN, ChainIdentity: "137"}, Majority: "1", Running: true}
	row := Roll([]RollingMember{member}, DefaultRolling(), noon)[0]
	if row.Verdict != api.VerdictUnknown || row.Reason != "other chain 137, most are on 1" {
		t.Errorf("%s, %s", row.Verdict, row.Reason)
	}
}

func TestParseRolling(t *testing.T) {
	for text, want := range map[string]string{"30": "30,1h", "100": "100,1h", "1": "1,1h", "1h": "100,1h", "24h": "100,24h", "90m": "100,1h30m", "50,2h": "50,2h", "5,1s": "5,1s"} {
		span, err := ParseRolling(text)
		if err != nil || span.String() != want {
			t.Errorf("%s: %s, %v, want %s", text, span, err, want)
		}
		if again, err := ParseRolling(span.String()); err != nil || again != span {
			t.Errorf("%s is read back as %v, %v", span, again, err)
		}
	}
	for _, text := range []string{"", ",", "0", "-1", "101", "30,", ",1h", "1h,30", "1h,2h", "30,30", "25h", "999ms", "30,25h", "1e9", "30 ", "thirty", "30,1h,1h", "9999999999999999999"} {
		if span, err := ParseRolling(text); err == nil {
			t.Errorf("%q is read as %s", text, span)
		}
	}
}

func BenchmarkRoll(b *testing.B) {
	for _, servicers := range []int{24, 1000, 10_000} {
		var members []RollingMember
		for n := range servicers {
			members = append(members, rollingMembers(benchmarkSessions(n)...)[0])
		}
		b.Run(fmt.Sprint(servicers), func(b *testing.B) {
			for b.Loop() {
				Roll(members, DefaultRolling(), noon.Add(10*time.Minute))
			}
		})
	}
}

// benchmarkSessions are four of one servicer.
func benchmarkSessions(servicer int) (sessions []sampledSession) {
	for n := range 4 {
		sessions = append(sessions, sampled(n, 0, 10, func(check int) []*types.QoSSample {
			if (servicer+check)%17 == 0 {
				return []*types.QoSSample{null(servicer, types.Outcome_OUTCOME_TIMEOUT)}
			}
			return []*types.QoSSample{warm(answer(servicer, time.Duration(5+check)*time.Millisecond, agree))}
		}))
	}
	return sessions
}
