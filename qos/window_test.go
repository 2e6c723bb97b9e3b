package qos

import (
	"bytes"
	"encoding/json"
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

// noon is when the sessions of these tests begin.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// sampledSession is a session with its rounds.
type sampledSession struct {
	*types.QoSSession
	rounds []*types.QoSRound
}

// sampled is the n-th session, complete: it starts at height 10·n, n minutes after noon. Each of its rounds has the
// samples that the function gives.
func sampled(n, members, checks int, samples func(check int) []*types.QoSSample) sampledSession {
	session := sessionOf(members)
	session.Header.Id = fmt.Sprintf("%064x", n)
	session.Header.StartHeight, session.JoinedHeight = int64(10*n), int64(10*n)
	joined := noon.Add(time.Duration(n) * time.Minute)
	session.JoinedUnixNano = joined.UnixNano()
	session.ChecksPlanned = uint32(checks)
	var rounds []*types.QoSRound
	for check := range checks {
		round := roundOf(session, uint32(check), done, samples(check)...)
		round.PlannedUnixNano = joined.Add(time.Duration(check) * time.Second).UnixNano()
		round.ReleasedUnixNano = round.PlannedUnixNano + 2_345_678
		rounds = append(rounds, round)
	}
	return sampledSession{session, rounds}
}

// each gives every check the same samples.
func each(samples ...*types.QoSSample) func(int) []*types.QoSSample {
	return func(int) []*types.QoSSample { return samples }
}

// window merges sessions of one relay chain and zone.
func window(t interface{ Fatalf(string, ...any) }, sessions ...sampledSession) api.WindowReport {
	var all []*types.QoSSession
	rounds := make(map[string][]*types.QoSRound)
	for _, session := range sessions {
		all = append(all, session.QoSSession)
		rounds[session.Header.Id] = session.rounds
	}
	windows := PlanWindows(all, Span{Starts: MaximumStarts}, noon)
	if len(windows) != 1 {
		t.Fatalf("%d windows", len(windows))
	}
	for _, session := range windows[0].Sessions {
		windows[0].Add(Digest(session, rounds[session.Header.Id]))
	}
	return windows[0].Report()
}

func TestPlanWindows(t *testing.T) {
	session := func(n int, change func(*types.QoSSession)) *types.QoSSession {
		made := sampled(n, 1, 0, nil).QoSSession
		if change != nil {
			change(made)
		}
		return made
	}
	running := func(s *types.QoSSession) { s.Closed = false }
	late := func(s *types.QoSSession) { s.JoinedHeight += 3 }
	ethereum := func(s *types.QoSSession) { s.Header.RelayChain, s.Header.Id = "0021", "e"+s.Header.Id[1:] }
	abroad := func(s *types.QoSSession) { s.Header.GeoZone, s.Header.Id = "mars", "a"+s.Header.Id[1:] }
	another := func(s *types.QoSSession) {
		s.Header.Application, s.Header.Id = address(0xb), "b"+s.Header.Id[1:]
	}
	series := []*types.QoSSession{session(1, nil), session(2, late), session(3, nil), session(4, nil), session(5, running)}
	for _, c := range []struct {
		name     string
		sessions []*types.QoSSession
		span     Span
		want     string
	}{
		{"nothing retained", nil, Span{Starts: 3}, ""},
		{"all", series, Span{Starts: 9}, "0001 local: 10 30 40, 2 left out"},
		{"newest two", series, Span{Starts: 2}, "0001 local: 30 40, 1 left out"},
		{"newest", series, Span{Starts: 1}, "0001 local: 40, 1 left out"},
		{"order does not matter", []*types.QoSSession{series[4], series[3], series[0], series[2], series[1]}, Span{Starts: 2}, "0001 local: 30 40, 1 left out"},
		{"none complete", series[4:], Span{Starts: 2}, "0001 local:, 1 left out"},
		{"two minutes and a half", series, Span{Age: 150 * time.Second}, "0001 local: 40, 1 left out"},
		{"exactly two minutes and more", series, Span{Age: 3 * time.Minute}, "0001 local: 30 40, 1 left out"},
		{"long past", series, Span{Age: time.Second}, "0001 local:, 0 left out"},
		{"applications that start together are one start",
			[]*types.QoSSession{session(1, nil), session(1, another), session(2, nil), session(2, another)}, Span{Starts: 1}, "0001 local: 20 20, 0 left out"},
		{"chains and zones are apart, and each has its newest",
			[]*types.QoSSession{session(1, ethereum), session(2, ethereum), session(3, nil), session(4, nil), session(1, abroad)}, Span{Starts: 1},
			"0001 local: 40, 0 left out; 0001 mars: 10, 0 left out; 0021 local: 20, 0 left out"},
	} {
		var texts []string
		for _, window := range PlanWindows(c.sessions, c.span, noon.Add(6*time.Minute)) {
			text := window.report.RelayChain + " " + window.report.GeoZone + ":"
			for _, session := range window.Sessions {
				text += fmt.Sprintf(" %d", session.Header.StartHeight)
			}
			texts = append(texts, fmt.Sprintf("%s, %d left out", text, window.report.SessionsLeftOut))
		}
		if got := strings.Join(texts, "; "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestWindowVerdicts(t *testing.T) {
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
	doubts := func(n int) func(int) []*types.QoSSample {
		return func(check int) []*types.QoSSample {
			if check < n {
				return []*types.QoSSample{doubtful(1)}
			}
			return fast(check)
		}
	}
	var nineFast []sampledSession
	for n := range 9 {
		nineFast = append(nineFast, sampled(n, 1, 10, fast))
	}
	patient := sampled(2, 1, 11, func(int) []*types.QoSSample {
		sample := warm(answer(1, 400*time.Millisecond, agree))
		sample.OverSla = false
		return []*types.QoSSample{sample}
	})
	patient.LatencySla = durationpb.New(time.Second)
	for _, c := range []struct {
		name     string
		sessions []sampledSession
		verdict  api.Verdict
		reason   string
		verdicts string
	}{
		{"well in both", []sampledSession{sampled(1, 1, 10, fast), sampled(2, 1, 10, fast)}, api.VerdictHealthy,
			"answered 20 of 20 checks, agreed with the majority in 20 of 20", "healthy 2"},
		{"one bad session within the allowance of five", []sampledSession{sampled(1, 1, 10, fast), sampled(2, 1, 10, nulls(10)),
			sampled(3, 1, 10, fast), sampled(4, 1, 10, fast), sampled(5, 1, 10, fast)}, api.VerdictHealthy,
			"answered 40 of 50 checks, agreed with the majority in 40 of 40", "healthy 4 unavailable 1"},
		{"the example of docs/qos.md", append(nineFast, sampled(9, 1, 10, nulls(10))), api.VerdictHealthy,
			"answered 90 of 100 checks, agreed with the majority in 90 of 90", "healthy 9 unavailable 1"},
		{"one null more than allowed in all", []sampledSession{sampled(1, 1, 10, fast), sampled(2, 1, 10, nulls(5))}, api.VerdictUnavailable,
			"5 of 20 checks unanswered (CONNECT 5), allowed 4", "healthy 1 unavailable 1"},
		{"a session without samples allows no nulls", []sampledSession{sampled(1, 1, 10, each(null(1, types.Outcome_OUTCOME_VOID))), sampled(2, 1, 10, nulls(3))},
			api.VerdictUnavailable, "3 of 10 checks unanswered (CONNECT 3), allowed 2", "unavailable 1 unknown 1"},
		{"doubt within the allowance of two", []sampledSession{sampled(1, 1, 10, doubts(4)), sampled(2, 1, 10, fast)}, api.VerdictHealthy,
			"answered 16 of 16 checks, agreed with the majority in 16 of 16", "healthy 1 unknown 1"},
		{"one doubt more than allowed in all", []sampledSession{sampled(1, 1, 10, doubts(2)), sampled(2, 1, 10, doubts(3))}, api.VerdictUnknown,
			"5 of 20 checks void, and nobody can tell whose fault that was (resolve host name 5); with them 5 unanswered, allowed 4", "healthy 1 unknown 1"},
		{"doubt allows no nulls elsewhere", []sampledSession{sampled(1, 1, 10, doubts(10)), sampled(2, 1, 10, nulls(3))}, api.VerdictUnavailable,
			"3 of 10 checks unanswered (CONNECT 3), allowed 2", "unavailable 1 unknown 1"},
		{"one lie in any session", []sampledSession{sampled(1, 1, 10, fast), sampled(2, 1, 1, each(answer(1, 1, disagree)))}, api.VerdictInconsistent,
			"disagreed with the majority in 1 of 11 decidable checks", "healthy 1 inconsistent 1"},
		{"a session's worth of samples is too little for four sessions", []sampledSession{sampled(1, 1, 10, fast), sampled(2, 1, 0, nil), sampled(3, 1, 0, nil), sampled(4, 1, 0, nil)},
			api.VerdictUnknown, "10 samples, 12 needed", "healthy 1 unknown 3"},
		{"never asked", []sampledSession{sampled(1, 1, 0, nil)}, api.VerdictUnknown, "0 samples, 3 needed", "unknown 1"},
		{"slow in most answers", []sampledSession{sampled(1, 1, 9, fast), sampled(2, 1, 10, slow)}, api.VerdictSlow,
			"10 of 19 warm answers over the SLA", "healthy 1 slow 1"},
		{"slow in half of them", []sampledSession{sampled(1, 1, 10, fast), sampled(2, 1, 10, slow)}, api.VerdictHealthy,
			"answered 20 of 20 checks, agreed with the majority in 20 of 20", "healthy 1 slow 1"},
		{"each session by its own SLA", []sampledSession{sampled(1, 1, 10, slow), patient}, api.VerdictHealthy,
			"answered 21 of 21 checks, agreed with the majority in 21 of 21", "healthy 1 slow 1"},
		{"cold ones are compared too", []sampledSession{sampled(1, 1, 10, each(answer(1, 400*time.Millisecond, agree))), sampled(2, 1, 9, fast)}, api.VerdictSlow,
			"10 of 19 answers over the SLA", "healthy 1 slow 1"},
		{"no majority", []sampledSession{sampled(1, 1, 10, each(answer(1, 1, undecidable))), sampled(2, 1, 5, each(answer(1, 1, agree)))}, api.VerdictUnknown,
			"a majority in only 5 of 15 answers, 6 needed", "healthy 1 unknown 1"},
	} {
		row := window(t, c.sessions...).Servicers[0]
		var verdicts []string
		for verdict, n := range row.Verdicts {
			verdicts = append(verdicts, fmt.Sprintf("%s %d", verdict, n))
		}
		slices.Sort(verdicts)
		if got := strings.Join(verdicts, " "); row.Verdict != c.verdict || row.Reason != c.reason || got != c.verdicts {
			t.Errorf("%s: %s, %q, sessions %q", c.name, row.Verdict, row.Reason, got)
		}
	}
}

// drawSessions is up to five sessions, of differing rules, with whatever happened in them.
func drawSessions(t *rapid.T) []sampledSession {
	sample := rapid.Custom(func(t *rapid.T) *types.QoSSample {
		elapsed := time.Duration(rapid.Int64Range(0, 400_000).Draw(t, "elapsed")) * time.Microsecond
		s := answer(rapid.IntRange(1, 4).Draw(t, "servicer"), elapsed, types.Consistency(rapid.Int32Range(0, 3).Draw(t, "consistency")))
		if rapid.IntRange(0, 3).Draw(t, "lost") == 0 {
			s = null(rapid.IntRange(1, 4).Draw(t, "servicer"), types.Outcome(rapid.Int32Range(2, 14).Draw(t, "outcome")))
		}
		if s.GetOutcome() == types.Outcome_OUTCOME_VOID && rapid.Bool().Draw(t, "doubtful") {
			s = doubtful(rapid.IntRange(1, 4).Draw(t, "servicer"))
		}
		drawLag(t, s)
		s.ReusedConnection = rapid.Bool().Draw(t, "reused")
		return s
	})
	var sessions []sampledSession
	for n := range rapid.IntRange(1, 5).Draw(t, "sessions") {
		session := sampled(n+1, rapid.IntRange(0, 4).Draw(t, "members"), rapid.IntRange(0, 12).Draw(t, "checks"),
			func(int) []*types.QoSSample { return rapid.SliceOfN(sample, 0, 5).Draw(t, "samples") })
		session.SamplesRequired = rapid.Uint32Range(0, 5).Draw(t, "required")
		session.NullSamplesAllowed = rapid.Uint32Range(0, 5).Draw(t, "allowed")
		drawAllowances(t, session.QoSSession)
		for _, round := range session.rounds {
			round.Kind = types.RoundKind(rapid.Int32Range(0, 2).Draw(t, "kind"))
		}
		moveServicers(session)
		sessions = append(sessions, session)
	}
	return sessions
}

// moveServicers gives every servicer another URL, which ends with the session's id.
func moveServicers(session sampledSession) {
	for _, member := range session.Servicers {
		member.ServiceUrl += "/" + session.Header.Id
	}
	for _, round := range session.rounds {
		for _, sample := range round.Samples {
			sample.ServiceUrl += "/" + session.Header.Id
		}
	}
}

func TestWindowOfOneSessionSaysWhatTheSessionSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		session := drawSessions(t)[0]
		want, got := Summarize(session.QoSSession, session.rounds), window(t, session)
		if len(got.Servicers) != len(want.Servicers) {
			t.Fatalf("%d servicers, want %d", len(got.Servicers), len(want.Servicers))
		}
		for i, row := range got.Servicers {
			of := want.Servicers[i]
			if row.Servicer != of.Servicer || row.Verdict != of.Verdict || row.Verdicts[of.Verdict] != 1 {
				t.Fatalf("%s %s (%s), want %s %s (%s)", row.Servicer, row.Verdict, row.Reason, of.Servicer, of.Verdict, of.Reason)
			}
			shares, _ := json.Marshal([]any{row.Availability, row.Consistency, row.Rank, row.Samples, row.NullSamples, row.Void, row.OverSLA, row.Outcomes, row.Freshness})
			wanted, _ := json.Marshal([]any{of.Availability, of.Consistency, of.Rank, of.Samples, of.NullSamples, of.Void, of.OverSLA, of.Outcomes, of.Freshness})
			if !bytes.Equal(shares, wanted) {
				t.Fatalf("%s, want %s", shares, wanted)
			}
			if row.RoundTripTimes.Samples != of.RoundTripTimes.Samples ||
				row.RoundTripTimes.Samples > 0 && *row.RoundTripTimes.Connections != *of.RoundTripTimes.Connections {
				t.Fatalf("times %s, want %s", showTimes(row.RoundTripTimes), showTimes(of.RoundTripTimes))
			}
		}
	})
}

func TestWindowSumsUpItsSessions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sessions := drawSessions(t)
		got := window(t, sessions...)
		sums, listed, verdicts := make(map[string][8]int), make(map[string]int), make(map[string]int)
		warmTimes, coldTimes := make(map[string][]time.Duration), make(map[string][]time.Duration)
		newest, lags := make(map[string]string), make(map[string][]int64)
		checks := 0
		for _, session := range sessions {
			report, _, counted := summarize(session.QoSSession, session.rounds)
			checks += report.ChecksDone
			for _, s := range report.Servicers {
				sum := sums[s.Servicer]
				for i, n := range []int{s.Samples, s.NullSamples, s.Void, s.OverSLA, s.Consistency.Agree, s.Consistency.Disagree, s.Freshness.Claims, s.Freshness.Behind} {
					sum[i] += n
				}
				sums[s.Servicer] = sum
				listed[s.Servicer]++
				newest[s.Servicer] = s.ServiceURL
				verdicts[s.Servicer+string(s.Verdict)]++
				lags[s.Servicer] = append(lags[s.Servicer], claimsOf(session.rounds, s.Servicer)...)
				warmTimes[s.Servicer] = append(warmTimes[s.Servicer], counted[s.Servicer].warm...)
				coldTimes[s.Servicer] = append(coldTimes[s.Servicer], counted[s.Servicer].cold...)
			}
		}
		if got.Sessions != len(sessions) || got.ChecksDone != checks || len(got.Servicers) != len(sums) {
			t.Fatalf("%d sessions, %d checks, %d servicers", got.Sessions, got.ChecksDone, len(got.Servicers))
		}
		for _, row := range got.Servicers {
			if sum := [8]int{row.Samples, row.NullSamples, row.Void, row.OverSLA, row.Consistency.Agree, row.Consistency.Disagree,
				row.Freshness.Claims, row.Freshness.Behind}; sum != sums[row.Servicer] || row.Sessions != listed[row.Servicer] {
				t.Fatalf("%s: %v of %d sessions, want %v", row.Servicer, sum, row.Sessions, sums[row.Servicer])
			}
			if row.ServiceURL != newest[row.Servicer] {
				t.Fatalf("%s is shown at %s, last was %s", row.Servicer, row.ServiceURL, newest[row.Servicer])
			}
			for verdict, n := range row.Verdicts {
				if n != verdicts[row.Servicer+string(verdict)] {
					t.Fatalf("%s is %s in %d sessions", row.Servicer, verdict, n)
				}
			}
			of := warmTimes[row.Servicer]
			if row.RoundTripTimes.Connections != nil && *row.RoundTripTimes.Connections == api.ConnectionsCold {
				of = coldTimes[row.Servicer]
			}
			if row.RoundTripTimes.Samples != len(of) {
				t.Fatalf("times of %d answers, want %d", row.RoundTripTimes.Samples, len(of))
			}
			near(t, row.RoundTripTimes.Quantiles, of)
			slices.Sort(lags[row.Servicer])
			if of, n := lags[row.Servicer], row.Freshness.Claims; len(of) != n || n > 0 && (*row.Freshness.LagBlocksMax != of[n-1] || *row.Freshness.LagBlocksMedian != of[(n+1)/2-1]) {
				t.Fatalf("freshness %+v of claims %v", row.Freshness, of)
			}
			if row.Samples < row.SamplesRequired && (row.Verdict == api.VerdictHealthy || row.Verdict == api.VerdictSlow) {
				t.Fatalf("%s after %d samples, %d required", row.Verdict, row.Samples, row.SamplesRequired)
			}
		}
	})
}

func TestWindowDependsOnNoOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sessions := drawSessions(t)
		report := func() []byte {
			window := PlanWindows([]*types.QoSSession{sessions[0].QoSSession}, Span{Starts: 1}, noon)[0]
			for _, session := range sessions {
				window.Add(Digest(session.QoSSession, session.rounds))
			}
			text, err := json.Marshal(window.Report())
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		want := report()
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		random.Shuffle(len(sessions), func(i, j int) { sessions[i], sessions[j] = sessions[j], sessions[i] })
		// The session that the window is planned with gives chain and zone only, which are the same.
		if got := report(); !bytes.Equal(got, want) {
			t.Fatalf("order changed the window\n%s\n%s", want, got)
		}
	})
}

func TestDigestsStayAsTheyAre(t *testing.T) {
	session := sampled(1, 1, 10, each(warm(answer(1, 5*time.Millisecond, agree))))
	digest := Digest(session.QoSSession, session.rounds)
	for range 3 {
		window := PlanWindows([]*types.QoSSession{session.QoSSession}, Span{Starts: 1}, noon)[0]
		window.Add(digest)
		row := window.Report().Servicers[0]
		row.Outcomes["OK"], row.Verdicts[api.VerdictHealthy] = 99, 99
		if row = window.Report().Servicers[0]; row.Samples != 10 || row.Outcomes["OK"] != 10 || row.Verdicts[api.VerdictHealthy] != 1 || row.RoundTripTimes.Samples != 10 {
			t.Fatalf("%+v", row)
		}
	}
}

func TestWindowGolden(t *testing.T) {
	mixed, rounds := mixedSession()
	mixed.JoinedUnixNano = noon.UnixNano()
	second := sampled(3, 2, 10, each(warm(answer(1, 7*time.Millisecond, agree)), warm(answer(3, 390*time.Millisecond, agree))))
	second.Header.Application = address(0xb)
	running := sampled(4, 1, 1, each())
	running.Closed = false
	ethereum := sampled(1, 1, 0, nil)
	ethereum.Header.RelayChain, ethereum.Closed = "0021", false
	all := []*types.QoSSession{mixed, second.QoSSession, running.QoSSession, ethereum.QoSSession}
	report := api.WindowsReport{Window: Span{Starts: 2}.String(), RelativeError: RelativeError}
	for _, window := range PlanWindows(all, Span{Starts: 2}, noon) {
		for _, session := range window.Sessions {
			window.Add(Digest(session, map[string][]*types.QoSRound{mixed.Header.Id: rounds, second.Header.Id: second.rounds}[session.Header.Id]))
		}
		report.Windows = append(report.Windows, window.Report())
	}
	got, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", "window.golden.json")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("window differs from %s; run go test ./qos -update and read the difference\n%s", path, got)
	}
	empty, err := json.Marshal([]any{new(Window).Report(), newWindowMember("").shown(newWindowMember("").judged())})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"applications":[]`, `"servicers":[]`, `"verdicts":{}`, `"outcomes":{}`, `"from":null`, `"last_height":null`} {
		if !strings.Contains(string(empty), want) {
			t.Errorf("%s is missing in %s", want, empty)
		}
	}
}
