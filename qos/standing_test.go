package qos

import (
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// rowOf is a servicer's row.
func rowOf(t *testing.T, report api.SessionReport, servicer int) api.ServicerReport {
	t.Helper()
	for _, row := range report.Servicers {
		if row.Servicer == address(servicer) {
			return row
		}
	}
	t.Fatalf("no row of %d", servicer)
	return api.ServicerReport{}
}

func throttled(servicer int) *types.QoSSample { return null(servicer, types.Outcome_OUTCOME_THROTTLED) }

// throttledSession has 20 checks: servicer 1 is throttled in 18 of them, servicer 2 in 2, of which one is void, servicer 3
// never; 4 is down, and throttled once.
func throttledSession() sampledSession {
	session := sampled(2, 4, 20, func(check int) []*types.QoSSample {
		samples := []*types.QoSSample{throttled(1), answer(2, 4e6, agree), answer(3, 4e6, agree), null(4, types.Outcome_OUTCOME_CONNECT)}
		if check >= 18 {
			samples[0] = answer(1, 4e6, agree)
		}
		if check < 2 {
			samples[1] = throttled(2)
		}
		if check == 5 {
			samples[3] = throttled(4)
		}
		return samples
	})
	session.rounds[1].Status = void
	return session
}

func TestThrottledIsCountedApart(t *testing.T) {
	session := throttledSession()
	report := Summarize(session.QoSSession, session.rounds)
	for servicer, want := range map[int]api.ServicerReport{
		1: {Samples: 2, Throttled: 18, Verdict: api.VerdictUnknown, Reason: "throttled in 18 of 20 checks: 2 samples, 3 needed"},
		2: {Samples: 18, Throttled: 2, Verdict: api.VerdictHealthy, Reason: "answered 18 of 18 checks, agreed with the majority in 18 of 18; throttled in 2 of 20 checks"},
		3: {Samples: 19, Void: 1, Verdict: api.VerdictHealthy, Reason: "answered 19 of 19 checks, agreed with the majority in 19 of 19"},
		4: {Samples: 18, NullSamples: 18, Void: 1, Throttled: 1, Verdict: api.VerdictUnavailable, Reason: "18 of 18 checks unanswered (CONNECT 18), allowed 2; throttled in 1 of 20 checks"},
	} {
		got := rowOf(t, report, servicer)
		if got.Samples != want.Samples || got.NullSamples != want.NullSamples || got.Void != want.Void || got.Throttled != want.Throttled ||
			got.Verdict != want.Verdict || got.Reason != want.Reason {
			t.Errorf("servicer %d: %+v", servicer, got)
		}
		if got.Outcomes["THROTTLED"] != want.Throttled {
			t.Errorf("servicer %d: outcomes %v", servicer, got.Outcomes)
		}
		if got.Samples+got.Void+got.Throttled != 20 {
			t.Errorf("servicer %d: %d samples, %d void, %d throttled of 20", servicer, got.Samples, got.Void, got.Throttled)
		}
	}
	if report.ChecksDone != 19 || report.ChecksVoid != 1 {
		t.Errorf("%d done, %d void", report.ChecksDone, report.ChecksVoid)
	}
}

// Who is throttled in most checks is not known to be well, however well it answers the rest; nor is it freed of what it got
// wrong.
func TestThrottlingHidesNothing(t *testing.T) {
	const checks = 20
	for asked, want := range map[int]api.Verdict{3: api.VerdictUnknown, 9: api.VerdictUnknown, 10: api.VerdictHealthy, 20: api.VerdictHealthy} {
		session := sampled(3, checks, checks, func(check int) []*types.QoSSample {
			second := throttled(2)
			if check < asked {
				second = answer(2, 4e6, agree)
			}
			return []*types.QoSSample{answer(1, 4e6, agree), second, answer(3, 4e6, agree)}
		})
		if got := rowOf(t, Summarize(session.QoSSession, session.rounds), 2); got.Verdict != want || asked < checks && !strings.Contains(got.Reason, "throttled in") {
			t.Errorf("asked in %d of %d checks: %s, %s", asked, checks, got.Verdict, got.Reason)
		}
	}
	session := sampled(3, checks, checks, func(check int) []*types.QoSSample {
		second := throttled(2)
		if check < 3 {
			second = null(2, types.Outcome_OUTCOME_CONNECT)
		}
		return []*types.QoSSample{answer(1, 4e6, agree), second, answer(3, 4e6, agree)}
	})
	if got := rowOf(t, Summarize(session.QoSSession, session.rounds), 2); got.Verdict != api.VerdictUnavailable {
		t.Errorf("three nulls, then throttled: %s, %s", got.Verdict, got.Reason)
	}
}

func TestThrottledInWindow(t *testing.T) {
	one, other := throttledSession(), throttledSession()
	other.Header.Id, other.Header.StartHeight, other.JoinedHeight = "other", 40, 40
	for _, round := range other.rounds {
		round.SessionId = "other"
	}
	merged := window(t, one, other)
	for _, row := range merged.Servicers {
		if row.Servicer == address(1) && (row.Throttled != 36 || row.Outcomes["THROTTLED"] != 36 || row.Samples != 4 || row.NullSamples != 0 ||
			row.Verdict != api.VerdictUnknown || row.Reason != "throttled in 36 of 40 checks: 4 samples, 6 needed") {
			t.Errorf("%+v", row)
		}
	}
}

// mixedChains has two members of chain 1, one of 137 and one that did not say, which are not all asked.
func mixedChains() sampledSession {
	session := sampled(2, 4, 4, each(answer(1, 4e6, agree), answer(2, 4e6, agree), answer(4, 4e6, agree)))
	session.Servicers[0].ChainIdentity, session.Servicers[0].ClientVersion = "1", "geth/v1.2.3"
	session.Servicers[1].ChainIdentity = "1"
	session.Servicers[2].ChainIdentity, session.Servicers[2].Standing = "137", types.Standing_STANDING_OTHER_CHAIN
	session.Servicers[3].Standing = types.Standing_STANDING_UNIDENTIFIED
	return session
}

func TestStanding(t *testing.T) {
	session := mixedChains()
	session.Catalogue, session.StartUnixNano, session.EndUnixNano = "evm-values", noon.UnixNano(), noon.UnixNano()+300e9
	report := Summarize(session.QoSSession, session.rounds)
	if api.Value(report.Catalogue) != "evm-values" || !report.Started.Equal(noon) || report.Ended.Sub(noon).Seconds() != 300 {
		t.Errorf("catalogue %v from %v to %v", report.Catalogue, report.Started, report.Ended)
	}
	if row := rowOf(t, report, 1); row.Standing != api.StandingAsked || *row.ChainIdentity != "1" || *row.ClientVersion != "geth/v1.2.3" || row.Verdict != api.VerdictHealthy {
		t.Errorf("%+v", row)
	}
	if row := rowOf(t, report, 3); row.Standing != api.StandingOtherChain || row.Verdict != api.VerdictUnknown || row.Rank != nil ||
		row.Reason != "other chain 137, most are on 1" {
		t.Errorf("%+v", row)
	}
	if row := rowOf(t, report, 4); row.Standing != api.StandingUnidentified || row.ChainIdentity != nil || row.ClientVersion != nil || row.Verdict != api.VerdictHealthy {
		t.Errorf("%+v", row)
	}
	merged := window(t, session)
	for i, row := range merged.Servicers {
		alone := report.Servicers[i]
		if row.Servicer != alone.Servicer || row.Standing != alone.Standing || row.Verdict != alone.Verdict || row.Reason != alone.Reason ||
			api.Value(row.ChainIdentity) != api.Value(alone.ChainIdentity) || api.Value(row.ClientVersion) != api.Value(alone.ClientVersion) {
			t.Errorf("a window of one session says %+v, the session %+v", row, alone)
		}
	}
}

// What a window says of a member's standing is what its newest session says.
func TestStandingInWindowIsTheNewest(t *testing.T) {
	before := sampled(1, 3, 4, each(answer(1, 4e6, agree), answer(2, 4e6, agree), answer(3, 4e6, agree)))
	for _, row := range window(t, before, mixedChains()).Servicers {
		if row.Servicer == address(3) && (row.Standing != api.StandingOtherChain || row.Verdict != api.VerdictUnknown ||
			row.Reason != "other chain 137, most are on 1" || row.Samples != 4) {
			t.Errorf("%+v", row)
		}
	}
}

// A stranger's identity is one short printable line in a reason.
func TestReasonOfOtherChain(t *testing.T) {
	for name, test := range map[string]struct {
		identity *string
		majority string
		want     string
	}{
		"nobody says":    {nil, "", "other chain than most"},
		"it does not":    {nil, "1", "other chain, most are on 1"},
		"the others not": {api.Optional("137"), "", "other chain 137 than most"},
		"hostile":        {api.Optional("a\x1b[2J\nb"), "\u202e1", "other chain a?[2J b, most are on ?1"},
	} {
		if got := otherChainReason(&row{ServicerReport: api.ServicerReport{ChainIdentity: test.identity}, majority: test.majority}); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// A session that is a stretch of time is complete when it was taken up within moments of its beginning, whatever its heights.
func TestCompleteByTime(t *testing.T) {
	for late, want := range map[time.Duration]bool{-time.Second: true, 0: true, 1900 * time.Millisecond: true, 2100 * time.Millisecond: false, time.Minute: false} {
		session := sampled(2, 1, 0, nil).QoSSession
		session.JoinedHeight++
		session.StartUnixNano, session.EndUnixNano = noon.UnixNano(), noon.Add(5*time.Minute).UnixNano()
		session.JoinedUnixNano = noon.Add(late).UnixNano()
		if got := Outline(session).Complete; got != want {
			t.Errorf("%v late: complete %t", late, got)
		}
		if session.Closed = false; Outline(session).Complete {
			t.Errorf("%v late: complete before it is over", late)
		}
	}
}

// Owner and stake are those of the member, in a window those of the newest session; what is not known is null.
func TestOwnerAndStake(t *testing.T) {
	session := sampled(1, 2, 4, func(int) []*types.QoSSample { return []*types.QoSSample{answer(1, 4e6, agree)} })
	session.Servicers[0].Owner, session.Servicers[0].StakeUpokt = "pokt1owner", 1<<64-1
	session.Servicers[1].Standing = types.Standing_STANDING_UNVERIFIABLE
	report := Summarize(session.QoSSession, session.rounds)
	if row := rowOf(t, report, 1); row.Owner == nil || *row.Owner != "pokt1owner" || row.StakeUPOKT == nil || *row.StakeUPOKT != "18446744073709551615" {
		t.Errorf("%+v", row)
	}
	if row := rowOf(t, report, 2); row.Owner != nil || row.StakeUPOKT != nil || row.Verdict != api.VerdictUnknown || row.Standing != api.StandingUnverifiable {
		t.Errorf("%+v", row)
	}
	later := sampled(2, 2, 4, func(int) []*types.QoSSample { return []*types.QoSSample{answer(1, 4e6, agree)} })
	later.Servicers[0].Owner, later.Servicers[0].StakeUpokt = "pokt1other", 7
	for _, row := range window(t, later, session).Servicers {
		if row.Servicer == address(1) && (*row.Owner != "pokt1other" || *row.StakeUPOKT != "7") || row.Servicer == address(2) && row.Owner != nil {
			t.Errorf("in a window: %+v", row)
		}
	}
}
