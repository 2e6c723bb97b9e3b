package samples

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// walk goes from session to session, tells a Rolling and a store of them as a fisherman does, and looks after each event.
type walk struct {
	t       *testing.T
	rolling *Rolling
	store   *memory
	now     time.Time
	number  int
	// change what the next sessions are like, and what the next rounds.
	session func(*types.QoSSession)
	round   func(*types.QoSRound)
	// members of the next sessions.
	members []string
	// look is called after each event.
	look func()
	// retained is how many sessions the store keeps.
	retained int
}

func newWalk(t *testing.T) *walk {
	return &walk{t: t, rolling: NewRolling(), store: newMemory(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		session: func(*types.QoSSession) {}, round: func(*types.QoSRound) {}, members: []string{always, late}, look: func() {}, retained: 100}
}

// verdicts are the rolling ones by servicer.
func (w *walk) verdicts() map[string]api.RollingServicer {
	found := make(map[string]api.RollingServicer)
	for _, report := range w.rolling.Report(qos.DefaultRolling(), w.now) {
		for _, servicer := range report.Servicers {
			found[servicer.Servicer] = servicer
		}
	}
	return found
}

// begin takes a session up.
func (w *walk) begin() *types.QoSSession {
	w.number++
	session := &types.QoSSession{
		Header: &types.SessionHeader{Id: fmt.Sprintf("%064x", w.number), StartHeight: int64(10 * w.number), RelayChain: "0001", GeoZone: "local", Application: always},
		Blocks: 10, ChecksPlanned: 10, LatencySla: durationpb.New(150 * time.Millisecond), NullSamplesAllowed: 2, SamplesRequired: 3,
		JoinedHeight: int64(10 * w.number), JoinedUnixNano: w.now.UnixNano(), MaxLag: 5, LaggingAllowed: 1,
	}
	for _, address := range w.members {
		session.Servicers = append(session.Servicers, &types.QoSServicer{Address: address, ServiceUrl: "http://127.0.0.1:1"})
	}
	w.session(session)
	w.store.sessions = append(w.store.sessions, session)
	w.rolling.Session(proto.CloneOf(session))
	w.look()
	return session
}

// check makes a round, a second after the last, in which everybody answered, unless it is changed.
func (w *walk) check(session *types.QoSSession, index int) {
	w.now = w.now.Add(time.Second)
	round := &types.QoSRound{SessionId: session.GetHeader().GetId(), Index: uint32(index), Status: types.RoundStatus_ROUND_STATUS_DONE,
		PlannedUnixNano: w.now.UnixNano(), ReleasedUnixNano: w.now.UnixNano()}
	for _, member := range session.GetServicers() {
		round.Samples = append(round.Samples, &types.QoSSample{Servicer: member.GetAddress(), Outcome: types.Outcome_OUTCOME_OK,
			Consistency: types.Consistency_CONSISTENCY_AGREE, RoundTripTime: durationpb.New(5 * time.Millisecond), ReusedConnection: true})
	}
	w.round(round)
	w.store.put(round)
	w.rolling.Round(round)
	w.look()
}

// end closes a session and prunes the store.
func (w *walk) end(session *types.QoSSession) {
	w.now = w.now.Add(time.Second)
	session.Closed = true
	w.rolling.Session(proto.CloneOf(session))
	if over := len(w.store.sessions) - w.retained; over > 0 {
		for _, old := range w.store.sessions[:over] {
			delete(w.store.rounds, old.GetHeader().GetId())
		}
		w.store.sessions = slices.Clone(w.store.sessions[over:])
	}
	w.look()
}

// whole goes through a number of sessions.
func (w *walk) whole(sessions int) {
	for range sessions {
		session := w.begin()
		for index := range int(session.GetChecksPlanned()) {
			w.check(session, index)
		}
		w.end(session)
	}
}

// restart is a fisherman that begins anew with what is stored.
func (w *walk) restart() {
	w.rolling = NewRolling()
	if err := w.rolling.Recall(w.t.Context(), w.store, w.now); err != nil {
		w.t.Fatal(err)
	}
	w.look()
}

// stays asserts from now on that servicers are healthy at every look.
func (w *walk) stays(servicers ...string) {
	w.look = func() {
		w.t.Helper()
		verdicts := w.verdicts()
		for _, servicer := range servicers {
			if row := verdicts[servicer]; row.Verdict != api.VerdictHealthy {
				w.t.Fatalf("session %d: %s is %q (%s), %d checks", w.number, servicer, row.Verdict, row.Reason, row.Checks)
			}
		}
	}
}

// A new session is told of before anybody in it is asked, and whatever becomes of it, verdicts over the newest checks stay.
func TestVerdictsStayOverSessionBoundaries(t *testing.T) {
	void := func(r *types.QoSRound) { r.Status = types.RoundStatus_ROUND_STATUS_VOID }
	dropped := func(r *types.QoSRound) {
		r.Status, r.Samples, r.ReleasedUnixNano = types.RoundStatus_ROUND_STATUS_DROPPED, nil, 0
	}
	heads := func(r *types.QoSRound) {
		r.Kind = types.RoundKind_ROUND_KIND_HEAD
		for _, sample := range r.Samples {
			sample.Consistency, sample.Lag = types.Consistency_CONSISTENCY_UNSPECIFIED, new(int64(0))
		}
	}
	nobodyToCompare := func(r *types.QoSRound) {
		for _, sample := range r.Samples {
			sample.Consistency = types.Consistency_CONSISTENCY_UNDECIDABLE
		}
	}
	for name, disturb := range map[string]func(*walk){
		"nothing":                        func(w *walk) { w.whole(3) },
		"a session that is void":         func(w *walk) { w.round = void; w.whole(1); w.round = func(*types.QoSRound) {} },
		"ten sessions that are void":     func(w *walk) { w.round = void; w.whole(10); w.round = func(*types.QoSRound) {} },
		"a session that is dropped":      func(w *walk) { w.round = dropped; w.whole(1); w.round = func(*types.QoSRound) {} },
		"a session of head claims":       func(w *walk) { w.round = heads; w.whole(1); w.round = func(*types.QoSRound) {} },
		"a session without a majority":   func(w *walk) { w.round = nobodyToCompare; w.whole(1); w.round = func(*types.QoSRound) {} },
		"a session without rounds":       func(w *walk) { w.end(w.begin()) },
		"a session that is never closed": func(w *walk) { w.check(w.begin(), 0) },
		"sessions that overlap": func(w *walk) {
			first, second := w.begin(), w.begin()
			for index := range 10 {
				w.check(second, index)
				w.check(first, index)
			}
			w.end(second)
			w.end(first)
		},
		"a store that evicts all but one session": func(w *walk) { w.retained = 1; w.whole(3) },
		"a restart between sessions":              func(w *walk) { w.restart() },
		"a restart in the middle": func(w *walk) {
			session := w.begin()
			for index := range 5 {
				w.check(session, index)
			}
			w.restart()
			w.rolling.Session(proto.CloneOf(session)) // taken up again
			for index := 5; index < 10; index++ {
				w.check(session, index)
			}
			w.end(session)
		},
		"restarts before and after the first check": func(w *walk) {
			session := w.begin()
			w.restart()
			w.rolling.Session(proto.CloneOf(session))
			w.check(session, 0)
			w.restart()
			w.rolling.Session(proto.CloneOf(session))
			w.end(session)
			w.restart()
		},
		"another SLA": func(w *walk) {
			w.session = func(s *types.QoSSession) { s.LatencySla = durationpb.New(6 * time.Millisecond) }
			w.whole(2)
		},
		"another max_lag and more allowed": func(w *walk) {
			w.session = func(s *types.QoSSession) {
				s.MaxLag, s.LaggingAllowed, s.NullSamplesAllowed, s.SamplesRequired = 1, 0, 0, 10
			}
			w.whole(4)
		},
		"sessions with many more checks": func(w *walk) {
			w.session = func(s *types.QoSSession) { s.ChecksPlanned, s.SamplesRequired, s.NullSamplesAllowed = 200, 60, 40 }
			w.whole(2)
			w.session = func(*types.QoSSession) {}
		},
		"sessions with two checks": func(w *walk) {
			w.session = func(s *types.QoSSession) { s.ChecksPlanned, s.SamplesRequired, s.NullSamplesAllowed = 2, 2, 0 }
			w.whole(20)
			w.session = func(*types.QoSSession) {}
		},
		"sessions of four checks, of which one asks for heights": func(w *walk) {
			w.session = func(s *types.QoSSession) { s.ChecksPlanned, s.SamplesRequired, s.NullSamplesAllowed = 4, 3, 1 }
			w.round = func(r *types.QoSRound) {
				if (int(r.Index)+w.number)%4 == 0 {
					heads(r)
				}
			}
			w.whole(20)
			w.session, w.round = func(*types.QoSSession) {}, func(*types.QoSRound) {}
		},
		"sessions that need all of their samples, and a check that was throttled": func(w *walk) {
			w.session = func(s *types.QoSSession) { s.ChecksPlanned, s.SamplesRequired, s.NullSamplesAllowed = 3, 3, 1 }
			w.whole(10)
			w.round = func(r *types.QoSRound) {
				for _, sample := range r.Samples {
					if r.Index == 1 {
						sample.Outcome = types.Outcome_OUTCOME_THROTTLED
					}
				}
			}
			w.whole(1)
			w.round = func(*types.QoSRound) {}
			w.whole(10)
			w.session = func(*types.QoSSession) {}
		},
		"another application": func(w *walk) {
			w.session = func(s *types.QoSSession) { s.Header.Application = late }
			w.whole(2)
		},
		"twenty minutes without a session": func(w *walk) { w.now = w.now.Add(20 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWalk(t)
			w.whole(3)
			w.stays(always, late)
			w.look()
			disturb(w)
			w.whole(2)
			if checks := w.verdicts()[always].Checks; checks != 30 {
				t.Errorf("%d checks in the end", checks)
			}
		})
	}
}

func TestServicersLeaveAndComeBack(t *testing.T) {
	w := newWalk(t)
	w.whole(3)
	w.stays(always, late)
	w.members = []string{always}
	w.whole(2) // the one that left is shown by what it did
	if row := w.verdicts()[late]; row.Running || row.Checks != 30 || row.AskedAt == nil {
		t.Errorf("gone: running %t, %d checks", row.Running, row.Checks)
	}
	w.members = []string{always, late}
	session := w.begin()
	if row := w.verdicts()[late]; !row.Running {
		t.Error("it is not running after it came back")
	}
	w.end(session)
	w.stays(always)
	w.members = []string{always}
	w.now = w.now.Add(61 * time.Minute)
	w.look = func() {}
	w.whole(1)
	if _, listed := w.verdicts()[late]; listed {
		t.Error("it is listed an hour after it left")
	}
	w.members = []string{always, late}
	session = w.begin()
	if row := w.verdicts()[late]; row.Verdict != api.VerdictNotAskedYet || row.AskedAt != nil || !row.Running {
		t.Errorf("back after an hour: %s (%s)", row.Verdict, row.Reason)
	}
	w.check(session, 0)
	if row := w.verdicts()[late]; row.Verdict != api.VerdictUnknown || row.Checks != 1 {
		t.Errorf("after a check: %s (%s)", row.Verdict, row.Reason)
	}
}

// Who was not asked yet is said to be so, from the first moment of the first session until its first check.
func TestNotAskedYet(t *testing.T) {
	w := newWalk(t)
	w.session = func(s *types.QoSSession) { s.JoinedHeight++ }
	session := w.begin()
	for _, servicer := range []string{always, late} {
		if row := w.verdicts()[servicer]; row.Verdict != api.VerdictNotAskedYet || !row.Running || row.AskedAt != nil {
			t.Errorf("%s: %+v", servicer, row)
		}
	}
	w.round = func(r *types.QoSRound) { r.Samples = r.Samples[:1] }
	w.check(session, 0)
	verdicts := w.verdicts()
	if verdicts[always].Verdict == api.VerdictNotAskedYet || verdicts[late].Verdict != api.VerdictNotAskedYet {
		t.Errorf("%s and %s", verdicts[always].Verdict, verdicts[late].Verdict)
	}
	w.end(session)
	if _, listed := w.verdicts()[late]; listed {
		t.Error("one that nobody asked is listed after its session")
	}
}

// A session that is a stretch of time, and that nobody closes, is not open forever.
func TestSessionsOfTimeEnd(t *testing.T) {
	w := newWalk(t)
	w.session = func(s *types.QoSSession) {
		s.StartUnixNano, s.EndUnixNano = w.now.UnixNano(), w.now.Add(5*time.Minute).UnixNano()
	}
	w.begin()
	w.now = w.now.Add(5 * time.Minute)
	if !w.verdicts()[always].Running {
		t.Error("over too soon")
	}
	w.now = w.now.Add(2 * time.Minute)
	if len(w.verdicts()) != 0 {
		t.Error("still open")
	}
}

// A session of blocks that nobody closes, as when its group is not sampled any more, is not open forever either.
func TestSessionsOfBlocksAreForgotten(t *testing.T) {
	w := newWalk(t)
	session := w.begin()
	w.now = w.now.Add(23 * time.Hour)
	w.check(session, 0)
	w.now = w.now.Add(23 * time.Hour)
	if row := w.verdicts()[always]; row.Verdict != api.VerdictNotAskedYet {
		t.Errorf("%+v", row)
	}
	w.now = w.now.Add(2 * time.Hour)
	if len(w.verdicts()) != 0 {
		t.Error("still open")
	}
}

// What is kept gives what all rounds would, in whatever order they come within minutes, and so does what a restart recalls.
func TestKeptChecksAreEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kept, all, store := NewRolling(), newMemory(), newMemory()
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		type told struct {
			terms *qos.Terms
			round *types.QoSRound
		}
		var rounds []told
		for number := range rapid.IntRange(1, 4).Draw(t, "sessions") {
			session := &types.QoSSession{Header: &types.SessionHeader{Id: fmt.Sprintf("%064x", number), RelayChain: "0001", GeoZone: "local", Application: always},
				ChecksPlanned: rapid.Uint32Range(1, 120).Draw(t, "planned"), NullSamplesAllowed: 2, SamplesRequired: 3, JoinedUnixNano: now.UnixNano(), Closed: true,
				Servicers: []*types.QoSServicer{{Address: always}}}
			terms := qos.TermsOf(session)
			store.sessions = append(store.sessions, session)
			for index := range session.GetChecksPlanned() {
				now = now.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "pause")) * time.Second)
				round := &types.QoSRound{SessionId: session.GetHeader().GetId(), Index: index, ReleasedUnixNano: now.UnixNano(),
					Status:  rapid.SampledFrom([]types.RoundStatus{types.RoundStatus_ROUND_STATUS_DONE, types.RoundStatus_ROUND_STATUS_DONE, types.RoundStatus_ROUND_STATUS_VOID}).Draw(t, "status"),
					Samples: []*types.QoSSample{{Servicer: always, Outcome: types.Outcome(rapid.Int32Range(1, 4).Draw(t, "outcome")), Consistency: types.Consistency_CONSISTENCY_AGREE}}}
				rounds = append(rounds, told{terms, round})
				store.put(round)
			}
		}
		order := slices.Clone(rounds)
		stored := make(map[*types.QoSRound]int64) // up to four minutes after it was asked
		for _, told := range order {
			stored[told.round] = told.round.GetReleasedUnixNano() + int64(time.Second)*int64(rapid.IntRange(0, 240).Draw(t, "stored"))
		}
		slices.SortStableFunc(order, func(a, b told) int { return cmp.Compare(stored[a.round], stored[b.round]) })
		for _, session := range store.sessions {
			open := proto.CloneOf(session)
			open.Closed = false
			kept.Session(open)
		}
		for _, told := range order {
			kept.Round(told.round)
			kept.Round(told.round) // each counts once
			all.put(told.round)
		}
		for _, session := range store.sessions {
			kept.Session(session)
		}
		recalled := NewRolling()
		if err := recalled.Recall(t.Context(), store, now); err != nil {
			t.Fatal(err)
		}
		member := qos.RollingMember{Servicer: &types.QoSServicer{Address: always}}
		for _, told := range rounds {
			told.terms.RollingChecks(told.round, func(_ *types.QoSSample, check qos.RollingCheck) { member.Checks = append(member.Checks, check) })
		}
		slices.SortFunc(member.Checks, func(a, b qos.RollingCheck) int {
			if a.Before(&b) {
				return -1
			}
			return 1
		})
		span := qos.RollingSpan{Checks: rapid.IntRange(1, 100).Draw(t, "checks"), Age: time.Duration(rapid.IntRange(1, 300).Draw(t, "age")) * time.Second}
		want := qos.Roll([]qos.RollingMember{member}, span, now)
		for name, rolling := range map[string]*Rolling{"kept": kept, "recalled": recalled} {
			reports := rolling.Report(span, now)
			var got []api.RollingServicer
			if len(reports) > 0 {
				got = reports[0].Servicers
			}
			if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
				gotText, _ := json.Marshal(got)
				wantText, _ := json.Marshal(want)
				t.Fatalf("%s:\n%s, want\n%s", name, gotText, wantText)
			}
		}
		if held := kept.places[place{"0001", "local"}][always]; held != nil && (len(held.checks) >= trimmedAt || cap(held.checks) > 2*trimmedAt) {
			t.Fatalf("%d checks are held", len(held.checks))
		}
	})
}

func TestRollingIsBounded(t *testing.T) {
	w := newWalk(t)
	w.rolling.most = 10
	for n := range 40 {
		w.members = []string{always, fmt.Sprintf("%040x", n)}
		w.whole(1)
		if w.rolling.servicers > 10 {
			t.Fatalf("%d servicers", w.rolling.servicers)
		}
		if verdicts := w.verdicts(); verdicts[always].Verdict != api.VerdictHealthy || verdicts[w.members[1]].Checks != 10 {
			t.Fatalf("session %d: %+v", n, verdicts)
		}
	}
	w.members = nil
	for n := range 20 {
		w.members = append(w.members, fmt.Sprintf("%040x", 100+n))
	}
	w.whole(1) // there is no room for all
	if held := len(w.verdicts()); held != 10 || w.rolling.servicers != 10 || len(w.rolling.open) != 0 {
		t.Errorf("%d servicers of 20 are held, %d counted, %d sessions open", held, w.rolling.servicers, len(w.rolling.open))
	}
}

// The last detail of a null sample explains the verdict of an endpoint, also after a restart.
func TestDetailsOfEndpoints(t *testing.T) {
	w := newWalk(t)
	w.session = func(s *types.QoSSession) {
		s.StartUnixNano, s.EndUnixNano = w.now.UnixNano(), w.now.Add(time.Hour).UnixNano()
	}
	w.round = func(r *types.QoSRound) {
		for _, sample := range r.Samples {
			sample.Outcome, sample.Detail = types.Outcome_OUTCOME_CONNECT, fmt.Sprintf("refused %d", r.Index)
		}
	}
	w.whole(1)
	const want = "10 of 10 checks unanswered (CONNECT 10), allowed 2: refused 9"
	if row := w.verdicts()[always]; row.Reason != want {
		t.Errorf("%q", row.Reason)
	}
	w.restart()
	if row := w.verdicts()[always]; row.Reason != want {
		t.Errorf("after a restart: %q", row.Reason)
	}
}

func TestReportHasRollingVerdicts(t *testing.T) {
	w := newWalk(t)
	w.whole(1)
	reader := NewReader(w.store, w.rolling, Prover{})
	reader.now = func() time.Time { return w.now }
	for _, test := range []struct {
		filter   ReportFilter
		rows     int
		checks   int
		reports  int
		sessions int
	}{
		{ReportFilter{}, 2, 10, 1, 1}, {ReportFilter{Servicer: late}, 1, 10, 1, 1}, {ReportFilter{Servicer: liar}, 0, 0, 0, 0},
		{ReportFilter{SessionID: w.store.sessions[0].GetHeader().GetId()}, 0, 0, 0, 1},
		{ReportFilter{Rolling: qos.RollingSpan{Checks: 4, Age: time.Minute}}, 2, 4, 1, 1},
	} {
		report, err := reader.Report(t.Context(), test.filter)
		if err != nil || report.Rolling == nil || len(report.Rolling) != test.reports || len(report.Sessions) != test.sessions {
			t.Fatalf("%+v: %+v, %v", test.filter, report, err)
		}
		for _, rolling := range report.Rolling {
			if len(rolling.Servicers) != test.rows || rolling.Servicers[0].Checks != test.checks {
				t.Errorf("%+v: %d rows of %d checks", test.filter, len(rolling.Servicers), rolling.Servicers[0].Checks)
			}
		}
	}
}

// BenchmarkRollingRound is the cost of a sample, of 24 servicers a round.
func BenchmarkRollingRound(b *testing.B) {
	rolling := NewRolling()
	session := &types.QoSSession{Header: &types.SessionHeader{Id: id("a"), RelayChain: "0001", GeoZone: "local"}, ChecksPlanned: 1 << 30, SamplesRequired: 3}
	round := &types.QoSRound{SessionId: id("a"), Status: types.RoundStatus_ROUND_STATUS_DONE}
	for n := range 24 {
		round.Samples = append(round.Samples, &types.QoSSample{Servicer: fmt.Sprintf("%040x", n), Outcome: types.Outcome_OUTCOME_OK,
			Consistency: types.Consistency_CONSISTENCY_AGREE, RoundTripTime: durationpb.New(time.Millisecond), ReusedConnection: true})
	}
	rolling.Session(session)
	b.ReportAllocs()
	for b.Loop() {
		round.Index++
		round.ReleasedUnixNano += 1e9
		rolling.Round(round)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/24, "ns/sample")
}

// BenchmarkRollingReport is what a look at the API costs beside the sessions.
func BenchmarkRollingReport(b *testing.B) {
	for _, servicers := range []int{24, 1000, mostRolling} {
		rolling := NewRolling()
		session := &types.QoSSession{Header: &types.SessionHeader{Id: id("a"), RelayChain: "0001", GeoZone: "local"}, ChecksPlanned: 1 << 30, SamplesRequired: 3}
		rolling.Session(session)
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		for check := range trimmedAt {
			round := &types.QoSRound{SessionId: id("a"), Index: uint32(check), Status: types.RoundStatus_ROUND_STATUS_DONE, ReleasedUnixNano: now.Add(time.Duration(check-trimmedAt) * time.Second).UnixNano()}
			for n := range servicers {
				round.Samples = append(round.Samples, &types.QoSSample{Servicer: fmt.Sprintf("%040x", n), Outcome: types.Outcome_OUTCOME_OK,
					Consistency: types.Consistency_CONSISTENCY_AGREE, RoundTripTime: durationpb.New(time.Duration(n%50) * time.Millisecond), ReusedConnection: true})
			}
			rolling.Round(round)
		}
		b.Run(fmt.Sprint(servicers), func(b *testing.B) {
			for b.Loop() {
				rolling.Report(qos.DefaultRolling(), now)
			}
		})
	}
}

// Checks of a clock that was ahead do not hide those that come after it was set right.
func TestClockIsSetBack(t *testing.T) {
	w := newWalk(t)
	w.round = func(r *types.QoSRound) {
		for _, sample := range r.Samples {
			sample.Outcome = types.Outcome_OUTCOME_CONNECT
		}
	}
	w.now = w.now.Add(48 * time.Hour)
	w.whole(3)
	w.now = w.now.Add(-48 * time.Hour)
	w.round = func(*types.QoSRound) {}
	w.whole(1)
	if row := w.verdicts()[always]; row.Verdict != api.VerdictHealthy || row.Checks != 10 {
		t.Errorf("%s (%s), %d checks", row.Verdict, row.Reason, row.Checks)
	}
}

// A restart reads the last hour, and then until there are enough checks; of a store with very many samples less.
func TestWhatIsRecalled(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	sessions := func(pause time.Duration, number, checks, members int, application string) (made []*types.QoSSession) {
		for n := range number {
			session := &types.QoSSession{Header: &types.SessionHeader{Id: fmt.Sprintf("%s%060d", application, n), RelayChain: "0001", Application: application},
				ChecksPlanned: uint32(checks), JoinedUnixNano: now.Add(-time.Duration(number-n) * pause).UnixNano(), Servicers: make([]*types.QoSServicer, members)}
			made = append(made, session)
		}
		return made
	}
	for _, test := range []struct {
		name     string
		sessions []*types.QoSSession
		want     int
	}{
		{"nothing", nil, 0},
		{"a minute each", sessions(time.Minute, 200, 10, 24, "a"), 61}, // of which the first ended an hour ago
		{"an hour each", sessions(time.Hour, 100, 10, 24, "a"), 25},
		{"seldom, few checks", sessions(10*time.Minute, 200, 10, 24, "a"), 40},
		{"two applications", append(sessions(10*time.Minute, 200, 10, 24, "a"), sessions(10*time.Minute, 200, 100, 24, "b")...), 40 + 7},
		{"very many samples", sessions(time.Minute, 200, 50, 1000, "a"), 10},
	} {
		store := newMemory()
		store.sessions = test.sessions
		list, _ := store.List(t.Context())
		if got := recalled(list, now); len(got) != test.want || !slices.IsSortedFunc(got, func(a, b recalledSession) int {
			return int(a.Session.GetJoinedUnixNano() - b.Session.GetJoinedUnixNano())
		}) {
			t.Errorf("%s: %d sessions, want %d", test.name, len(got), test.want)
		}
	}
}
