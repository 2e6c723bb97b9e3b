package qos

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	done    = types.RoundStatus_ROUND_STATUS_DONE
	void    = types.RoundStatus_ROUND_STATUS_VOID
	dropped = types.RoundStatus_ROUND_STATUS_DROPPED

	agree       = types.Consistency_CONSISTENCY_AGREE
	disagree    = types.Consistency_CONSISTENCY_DISAGREE
	undecidable = types.Consistency_CONSISTENCY_UNDECIDABLE
)

// address is the servicer's address that ends in n.
func address(n int) string { return fmt.Sprintf("%040x", n) }

func serviceURL(n int) string { return fmt.Sprintf("http://servicer-%d.test", n) }

// sessionOf has n members, 10 planned checks, an SLA of 150 ms, 2 nulls allowed and 3 samples required.
func sessionOf(members int) *types.QoSSession {
	session := &types.QoSSession{
		Header: &types.SessionHeader{
			Id: strings.Repeat("ab", 32), StartHeight: 20, RelayChain: "0001", GeoZone: "local",
			Application: address(0xa),
		},
		Blocks: 10, ChecksPlanned: 10, LatencySla: durationpb.New(150 * time.Millisecond),
		NullSamplesAllowed: 2, SamplesRequired: 3, Closed: true, JoinedHeight: 20,
	}
	for n := 1; n <= members; n++ {
		session.Servicers = append(session.Servicers, &types.QoSServicer{Address: address(n), ServiceUrl: serviceURL(n)})
	}
	return session
}

func roundOf(session *types.QoSSession, index uint32, status types.RoundStatus, samples ...*types.QoSSample) *types.QoSRound {
	round := &types.QoSRound{SessionId: session.Header.Id, Index: index, Status: status, Samples: samples}
	if status != dropped {
		round.Skew = durationpb.New(time.Duration(100+index) * time.Microsecond)
	}
	return round
}

func answer(servicer int, elapsed time.Duration, consistency types.Consistency) *types.QoSSample {
	return &types.QoSSample{
		Servicer: address(servicer), ServiceUrl: serviceURL(servicer), Outcome: types.Outcome_OUTCOME_OK,
		Consistency: consistency, RoundTripTime: durationpb.New(elapsed), OverSla: elapsed > 150*time.Millisecond,
	}
}

func null(servicer int, outcome types.Outcome) *types.QoSSample {
	return &types.QoSSample{Servicer: address(servicer), ServiceUrl: serviceURL(servicer), Outcome: outcome}
}

// doubtful is void, and nobody can tell whose fault that was.
func doubtful(servicer int) *types.QoSSample {
	sample := null(servicer, types.Outcome_OUTCOME_VOID)
	sample.Blame, sample.Attempt, sample.Detail = types.Blame_BLAME_UNKNOWN, types.Attempt_ATTEMPT_RESOLVE_HOST_NAME, "resolve host name: lookup servicer.test: server misbehaving"
	return sample
}

// ours is void by a fault of the fisherman's.
func ours(servicer int) *types.QoSSample {
	sample := null(servicer, types.Outcome_OUTCOME_VOID)
	sample.Blame, sample.Attempt, sample.Detail = types.Blame_BLAME_SELF, types.Attempt_ATTEMPT_WRITE_REQUEST, "write request: took 7ms"
	return sample
}

// mixedSession has one servicer of every kind: 1 and 2 healthy, 3 slow, 4 down, 5 lying, 6 never asked, 7 not a member.
func mixedSession() (*types.QoSSession, []*types.QoSRound) {
	session := sessionOf(6)
	samples := func(index int) []*types.QoSSample {
		jitter := time.Duration(index) * 137 * time.Microsecond
		return []*types.QoSSample{
			answer(1, 4*time.Millisecond+jitter, agree),
			answer(2, 5*time.Millisecond+jitter, agree),
			answer(3, 404*time.Millisecond+jitter, agree),
			null(4, types.Outcome_OUTCOME_CONNECT),
			answer(5, 6*time.Millisecond, disagree),
		}
	}
	var rounds []*types.QoSRound
	for index := range 8 {
		rounds = append(rounds, roundOf(session, uint32(index), done, samples(index)...))
	}
	rounds[2].Samples[1] = null(2, types.Outcome_OUTCOME_TIMEOUT)
	rounds[3].Samples[0] = null(1, types.Outcome_OUTCOME_VOID)
	rounds[4].Samples[4].Consistency = undecidable
	rounds[5].Samples = append(rounds[5].Samples, answer(7, time.Millisecond, agree))
	rounds = append(rounds, roundOf(session, 8, void, samples(8)...), roundOf(session, 9, dropped))
	return session, rounds
}

func TestReportGolden(t *testing.T) {
	session, rounds := mixedSession()
	young := sessionOf(2)
	young.Header.Id, young.Header.StartHeight = strings.Repeat("cd", 32), 30
	young.Closed, young.JoinedHeight = false, 34
	report := api.Report{Rolling: []api.RollingReport{}, Sessions: []api.SessionReport{Summarize(session, rounds), Summarize(young, nil)}}
	got, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	golden := filepath.Join("testdata", "report.golden.json")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("report differs from %s; run go test ./qos -update and read the difference\n%s", golden, got)
	}
	var decoded api.Report
	if err := json.Unmarshal(got, &decoded); err != nil {
		t.Fatal(err)
	}
	again, err := json.MarshalIndent(decoded, "", "  ")
	if err != nil || !bytes.Equal(append(again, '\n'), want) {
		t.Errorf("a decoded report does not encode to the same bytes (%v)\n%s", err, again)
	}
}

func TestEmptyReportHasNoNullLists(t *testing.T) {
	got, err := json.Marshal(struct {
		Session  api.SessionReport
		Servicer api.ServicerReport
		Window   api.WindowReport
	}{Summarize(&types.QoSSession{}, nil), api.NewServicerReport("", ""), new(Window).Report()})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"servicers":[]`, `"reasons":[]`, `"applications":[]`, `"null_indices":[]`, `"outcomes":{}`, `"max_skew_us":null`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s is missing in %s", want, got)
		}
	}
}

func TestVerdicts(t *testing.T) {
	const connect, timeout = types.Outcome_OUTCOME_CONNECT, types.Outcome_OUTCOME_TIMEOUT
	fast := func(c types.Consistency) *types.QoSSample { return answer(1, 5*time.Millisecond, c) }
	repeat := func(n int, sample *types.QoSSample) []*types.QoSSample {
		return slices.Repeat([]*types.QoSSample{sample}, n)
	}
	for _, c := range []struct {
		name    string
		samples []*types.QoSSample
		change  func(*types.QoSSession)
		verdict api.Verdict
		reason  string
	}{
		{"all well", repeat(10, fast(agree)), nil, api.VerdictHealthy,
			"answered 10 of 10 checks, agreed with the majority in 10 of 10"},
		{"nulls within the allowance", append(repeat(8, fast(agree)), repeat(2, null(1, timeout))...), nil, api.VerdictHealthy,
			"answered 8 of 10 checks, agreed with the majority in 8 of 8"},
		{"one null too many", append(repeat(7, fast(agree)), repeat(3, null(1, timeout))...), nil, api.VerdictUnavailable,
			"3 of 10 checks unanswered (TIMEOUT 3), allowed 2"},
		{"down", append(repeat(9, null(1, connect)), null(1, timeout)), nil, api.VerdictUnavailable,
			"10 of 10 checks unanswered (CONNECT 9, TIMEOUT 1), allowed 2"},
		{"all null, but within the allowance", repeat(3, null(1, connect)),
			func(s *types.QoSSession) { s.NullSamplesAllowed = 5 }, api.VerdictUnavailable,
			"3 of 3 checks unanswered (CONNECT 3)"},
		{"one lie outweighs the nulls", append(repeat(7, null(1, connect)), fast(disagree), fast(agree)), nil,
			api.VerdictInconsistent, "disagreed with the majority in 1 of 2 decidable checks"},
		{"always lying", repeat(9, fast(disagree)), nil, api.VerdictInconsistent,
			"disagreed with the majority in 9 of 9 decidable checks"},
		{"slow", repeat(10, answer(1, 404*time.Millisecond, agree)), nil, api.VerdictSlow, "p50 404 ms over the SLA of 150 ms"},
		{"slow by a microsecond", repeat(4, answer(1, 150_001*time.Microsecond, undecidable)), nil, api.VerdictSlow,
			"p50 150.001 ms over the SLA of 150 ms"},
		{"exactly the SLA", repeat(4, answer(1, 150*time.Millisecond, agree)), nil, api.VerdictHealthy,
			"answered 4 of 4 checks, agreed with the majority in 4 of 4"},
		{"the median decides, not the tail", append(repeat(6, fast(agree)), repeat(4, answer(1, time.Second, agree))...),
			nil, api.VerdictHealthy, "answered 10 of 10 checks, agreed with the majority in 10 of 10"},
		{"no majority", repeat(10, fast(undecidable)), nil, api.VerdictUnknown, "no majority in any of 10 answers"},
		{"too few majorities", append(repeat(8, fast(undecidable)), repeat(2, fast(agree))...), nil, api.VerdictUnknown,
			"a majority in only 2 of 10 answers, 3 needed"},
		{"too few samples", repeat(2, fast(agree)), nil, api.VerdictUnknown, "2 samples, 3 needed"},
		{"too few samples, one null", []*types.QoSSample{null(1, timeout)}, nil, api.VerdictUnknown, "1 sample, 3 needed"},
		{"never asked", nil, nil, api.VerdictUnknown, "0 samples, 3 needed"},
		{"never asked, nothing required", nil, func(s *types.QoSSession) { s.SamplesRequired = 0 }, api.VerdictUnknown,
			"0 samples, 1 needed"},
		{"only void samples", repeat(4, null(1, types.Outcome_OUTCOME_VOID)), nil, api.VerdictUnknown, "0 samples, 3 needed (4 void)"},
		{"doubt within the allowance", append(repeat(8, fast(agree)), repeat(2, doubtful(1))...), nil, api.VerdictHealthy,
			"answered 8 of 8 checks, agreed with the majority in 8 of 8"},
		{"one doubt too many", append(repeat(7, fast(agree)), repeat(3, doubtful(1))...), nil, api.VerdictUnknown,
			"3 of 10 checks void, and nobody can tell whose fault that was (resolve host name 3); with them 3 unanswered, allowed 2"},
		{"doubt and nulls", append(repeat(6, fast(agree)), null(1, timeout), null(1, timeout), doubtful(1), ours(1)), nil, api.VerdictUnknown,
			"1 of 9 checks void, and nobody can tell whose fault that was (resolve host name 1, write request 1); with them 3 unanswered, allowed 2"},
		{"our faults are no doubt", append(repeat(6, fast(agree)), repeat(4, ours(1))...), nil, api.VerdictHealthy,
			"answered 6 of 6 checks, agreed with the majority in 6 of 6"},
		{"nulls outweigh doubt", append(repeat(7, doubtful(1)), repeat(3, null(1, timeout))...), nil, api.VerdictUnavailable,
			"3 of 3 checks unanswered (TIMEOUT 3), allowed 2"},
		{"a lie outweighs doubt", append(repeat(7, doubtful(1)), fast(disagree)), nil, api.VerdictInconsistent,
			"disagreed with the majority in 1 of 1 decidable check"},
		{"mostly our own faults", append(repeat(8, ours(1)), fast(agree)), nil, api.VerdictUnknown, "1 sample, 3 needed (8 void: write request 8)"},
		{"no SLA", repeat(4, answer(1, time.Minute, agree)), func(s *types.QoSSession) { s.LatencySla = nil }, api.VerdictHealthy,
			"answered 4 of 4 checks, agreed with the majority in 4 of 4"},
	} {
		session := sessionOf(1)
		if c.change != nil {
			c.change(session)
		}
		var rounds []*types.QoSRound
		for index, sample := range c.samples {
			rounds = append(rounds, roundOf(session, uint32(index), done, sample))
		}
		got := Summarize(session, rounds).Servicers[0]
		if got.Verdict != c.verdict || got.Reason != c.reason {
			t.Errorf("%s: %s, %q; want %s, %q", c.name, got.Verdict, got.Reason, c.verdict, c.reason)
		}
	}
}

func TestOrderWorstFirst(t *testing.T) {
	session, rounds := mixedSession()
	var got []string
	for _, s := range Summarize(session, rounds).Servicers {
		got = append(got, fmt.Sprintf("%s %s", strings.TrimLeft(s.Servicer, "0"), s.Verdict))
	}
	want := []string{"5 inconsistent", "4 unavailable", "3 slow", "6 unknown", "7 unknown", "2 healthy", "1 healthy"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestComplete(t *testing.T) {
	for _, c := range []struct {
		start, joined int64
		closed, want  bool
	}{
		{0, 0, true, true}, {0, 1, true, true}, {0, 2, true, false},
		{10, 9, true, true}, {10, 10, true, true}, {10, 11, true, false}, {10, 10, false, false},
	} {
		session := sessionOf(1)
		session.Header.StartHeight, session.JoinedHeight, session.Closed = c.start, c.joined, c.closed
		if got := Summarize(session, nil).Complete; got != c.want {
			t.Errorf("start %d, joined %d, closed %v: complete %v", c.start, c.joined, c.closed, got)
		}
	}
}

func TestChecksAndSkew(t *testing.T) {
	session := sessionOf(1)
	foreign := roundOf(session, 5, done)
	foreign.SessionId = "another"
	second := roundOf(session, 0, void)
	second.Skew = durationpb.New(time.Hour)
	unasked := roundOf(session, 3, dropped)
	unasked.Skew = durationpb.New(time.Hour)
	fine := roundOf(session, 1, void)
	fine.Skew = durationpb.New(900*time.Microsecond + 1)
	rounds := []*types.QoSRound{unasked, fine, roundOf(session, 0, done), second, nil, foreign,
		roundOf(session, 10, done), roundOf(session, 4, types.RoundStatus_ROUND_STATUS_UNSPECIFIED)}

	counts := func(r api.SessionReport) [3]int { return [3]int{r.ChecksDone, r.ChecksDropped, r.ChecksVoid} }
	closed := Summarize(session, rounds)
	if got, want := counts(closed), [3]int{1, 8, 1}; got != want {
		t.Errorf("closed: done, dropped, void = %v, want %v", got, want)
	}
	if closed.MaxSkewMicros == nil || *closed.MaxSkewMicros != 901 {
		t.Errorf("largest skew %v, want 901", closed.MaxSkewMicros)
	}
	session.Closed = false
	if got, want := counts(Summarize(session, rounds)), [3]int{1, 1, 1}; got != want {
		t.Errorf("open: done, dropped, void = %v, want %v", got, want)
	}
	if got := Summarize(session, []*types.QoSRound{unasked}).MaxSkewMicros; got != nil {
		t.Errorf("skew %v of a session in which nothing was asked", *got)
	}
	if got := Summarize(nil, nil); got.Complete || got.ChecksPlanned != 0 || len(got.Servicers) != 0 {
		t.Errorf("no session: %+v", got)
	}
}

// drawSession is any session with any rounds, odd ones included.
func drawSession(t *rapid.T) (*types.QoSSession, []*types.QoSRound) {
	session := sessionOf(rapid.IntRange(0, 6).Draw(t, "members"))
	session.ChecksPlanned = rapid.Uint32Range(0, 12).Draw(t, "planned")
	session.Closed = rapid.Bool().Draw(t, "closed")
	session.SamplesRequired = rapid.Uint32Range(0, 5).Draw(t, "required")
	session.NullSamplesAllowed = rapid.Uint32Range(0, 5).Draw(t, "allowed")
	drawAllowances(t, session)
	sample := rapid.Custom(func(t *rapid.T) *types.QoSSample {
		s := answer(rapid.IntRange(1, 8).Draw(t, "servicer"),
			time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "elapsed")),
			types.Consistency(rapid.Int32Range(0, 3).Draw(t, "consistency")))
		s.Outcome = types.Outcome(rapid.Int32Range(0, 15).Draw(t, "outcome"))
		if rapid.Bool().Draw(t, "well") {
			s.Outcome = types.Outcome_OUTCOME_OK
		}
		if rapid.IntRange(0, 9).Draw(t, "untimed") == 0 {
			s.RoundTripTime = nil
		}
		s.ReusedConnection = rapid.Bool().Draw(t, "reused")
		drawLag(t, s)
		return s
	})
	var rounds []*types.QoSRound
	for range rapid.IntRange(0, 14).Draw(t, "rounds") {
		round := roundOf(session, rapid.Uint32Range(0, 13).Draw(t, "index"),
			types.RoundStatus(rapid.Int32Range(0, 3).Draw(t, "status")), rapid.SliceOfN(sample, 0, 10).Draw(t, "samples")...)
		round.Kind = types.RoundKind(rapid.Int32Range(0, 2).Draw(t, "kind"))
		rounds = append(rounds, round)
	}
	return session, rounds
}

func TestSummaryInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		session, rounds := drawSession(t)
		report := Summarize(session, rounds)
		if _, err := json.Marshal(report); err != nil {
			t.Fatalf("not JSON: %v", err)
		}
		sum := report.ChecksDone + report.ChecksDropped + report.ChecksVoid
		if sum > report.ChecksPlanned || (session.Closed && sum != report.ChecksPlanned) || report.ChecksDropped < 0 {
			t.Fatalf("done %d + dropped %d + void %d against planned %d",
				report.ChecksDone, report.ChecksDropped, report.ChecksVoid, report.ChecksPlanned)
		}
		seen := map[string]bool{}
		for _, s := range report.Servicers {
			if seen[s.Servicer] {
				t.Fatalf("%s is listed twice", s.Servicer)
			}
			seen[s.Servicer] = true
			checkServicer(t, report, s)
		}
		for _, member := range session.Servicers {
			if !seen[member.Address] {
				t.Fatalf("member %s is missing", member.Address)
			}
		}
	})
}

// checkServicer compares every number of a servicer with the others.
func checkServicer(t *rapid.T, session api.SessionReport, s api.ServicerReport) {
	outcomes := 0
	for label, n := range s.Outcomes {
		if n <= 0 {
			t.Fatalf("%d × %s", n, label)
		}
		outcomes += n
	}
	answers := s.Outcomes["OK"]
	decidable := s.Consistency.Agree + s.Consistency.Disagree
	switch {
	case s.Samples != answers+s.NullSamples, outcomes != s.Samples+s.Void, s.Outcomes["VOID"] != s.Void:
		t.Fatalf("outcomes %v do not add up to %d samples, %d null, %d void", s.Outcomes, s.Samples, s.NullSamples, s.Void)
	case len(s.NullIndices) != s.NullSamples || !slices.IsSorted(s.NullIndices) ||
		len(slices.Compact(slices.Clone(s.NullIndices))) != s.NullSamples:
		t.Fatalf("null indices %v for %d nulls", s.NullIndices, s.NullSamples)
	case s.Samples > session.ChecksDone || s.Samples+s.Void > session.ChecksDone+session.ChecksVoid:
		t.Fatalf("%d samples, %d void of %d + %d checks", s.Samples, s.Void, session.ChecksDone, session.ChecksVoid)
	case decidable+s.Consistency.Undecidable > answers || s.OverSLA > answers:
		t.Fatalf("%+v, %d over the SLA, of %d answers", s.Consistency, s.OverSLA, answers)
	case (s.Availability.Value == nil) != (s.Samples == 0), (s.Consistency.Value == nil) != (decidable == 0):
		t.Fatal("an interval is given without trials, or missing with some")
	case s.RoundTripTimes.P50 != nil && answers == 0:
		t.Fatal("a median without answers")
	case (s.RoundTripTimes.P50 == nil) != (s.RoundTripTimes.Samples == 0) || s.RoundTripTimes.Samples > answers ||
		(s.RoundTripTimes.P50 == nil) != (s.RoundTripTimes.Connections == nil):
		t.Fatalf("times %+v of %d answers", s.RoundTripTimes, answers)
	case (s.Rank == nil) != (s.Verdict == api.VerdictUnknown || s.Samples < session.SamplesRequired), s.Rank != nil && (*s.Rank < 1 || *s.Rank > len(session.Servicers)):
		t.Fatalf("%s has rank %v", s.Verdict, s.Rank)
	case s.Freshness.Claims > s.Samples || s.Freshness.Behind > s.Freshness.Claims || session.MaxLag == 0 && s.Freshness.Behind > 0,
		(s.Freshness.LagBlocksMax == nil) != (s.Freshness.Claims == 0), (s.Freshness.LagBlocksMedian == nil) != (s.Freshness.Claims == 0):
		t.Fatalf("freshness %+v of %d samples", s.Freshness, s.Samples)
	case s.Verdict == api.VerdictHealthy && (s.Consistency.Agree == 0 || s.Consistency.Agree < session.SamplesRequired):
		t.Fatalf("healthy after %+v", s.Consistency)
	case severity(s.Verdict) < 0 || s.Reason == "" || strings.ContainsAny(s.Reason, "\n\r"):
		t.Fatalf("verdict %q, reason %q", s.Verdict, s.Reason)
	}
}

func TestOrderIsTotalAndIndependentOfInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		session, rounds := drawSession(t)
		// Of rounds with one index the first counts, so only rounds with different ones may be shuffled.
		rounds = planned(session, rounds)
		first, rows, _ := summarize(session, rounds)
		for i := range rows {
			for j := range rows {
				if got, want := worstFirst(rows[i], rows[j]), min(max(i-j, -1), 1); got != want {
					t.Fatalf("servicers %d and %d compare as %d", i, j, got)
				}
			}
		}
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		random.Shuffle(len(rounds), func(i, j int) { rounds[i], rounds[j] = rounds[j], rounds[i] })
		random.Shuffle(len(session.Servicers), func(i, j int) {
			session.Servicers[i], session.Servicers[j] = session.Servicers[j], session.Servicers[i]
		})
		want, _ := json.Marshal(first)
		got, _ := json.Marshal(Summarize(session, rounds))
		if !bytes.Equal(got, want) {
			t.Fatalf("order of input changed the report\n%s\n%s", want, got)
		}
	})
}

// What becomes of the checks that do not count is said with its reason; those of one cause are one, whatever the text.
func TestReasons(t *testing.T) {
	session := sessionOf(1)
	because := func(index uint32, status types.RoundStatus, cause types.Cause, reason string) *types.QoSRound {
		round := roundOf(session, index, status, answer(1, time.Millisecond, agree))
		round.Cause, round.Reason = cause, reason
		return round
	}
	stall := types.Cause_CAUSE_STALL
	rounds := []*types.QoSRound{
		because(0, void, stall, "stalled for 213ms"), because(1, done, 0, ""), because(2, void, stall, "the machine stood still"),
		because(3, dropped, stall, "stalled for 1ms"), because(4, dropped, 0, "an old version's words"),
	}
	want := []api.Reason{{Status: "dropped", Checks: 5, Text: unrecorded, Cause: api.CauseNotStored},
		{Status: "void", Checks: 2, Text: "stalled for 213ms", Cause: api.CauseStall},
		{Status: "dropped", Checks: 1, Text: "stalled for 1ms", Cause: api.CauseStall},
		{Status: "dropped", Checks: 1, Text: "an old version's words", Cause: api.CauseOther}}
	got := Summarize(session, rounds)
	if !slices.Equal(got.Reasons, want) || got.ChecksDropped != 7 {
		t.Errorf("%+v, %d dropped", got.Reasons, got.ChecksDropped)
	}
	if reason := got.Servicers[0].Reason; reason != "1 sample, 3 needed (2 void: in void checks 2)" {
		t.Errorf("%s", reason)
	}
	session.Closed = false
	if got := Summarize(session, rounds).Reasons; !slices.Equal(got, want[1:]) {
		t.Errorf("running: %+v", got)
	}
	session.ChecksPlanned = 26
	for index := range uint32(26) {
		rounds = append(rounds, because(index, dropped, types.Cause(1+index%17), "as given"))
	}
	if got := Summarize(session, rounds).Reasons; len(got) != mostReasons || got[0].Checks != 2 {
		t.Errorf("%d reasons: %+v", len(got), got)
	}
}

// An answer whose time says more of its size than of its servicer counts as an answer, but in no time.
func TestLargeAnswersAreNotTimed(t *testing.T) {
	session := sessionOf(1)
	var rounds []*types.QoSRound
	for index := range uint32(6) {
		sample := answer(1, 10*time.Millisecond, agree)
		if index%2 == 0 {
			sample = answer(1, time.Second, agree)
			sample.Large, sample.OverSla = true, false
		}
		rounds = append(rounds, roundOf(session, index, done, sample))
	}
	got := Summarize(session, rounds).Servicers[0]
	if got.Samples != 6 || got.NullSamples != 0 || got.OverSLA != 0 || got.RoundTripTimes.Samples != 3 || *got.RoundTripTimes.P99 != 10 {
		t.Errorf("%+v", got)
	}
}
