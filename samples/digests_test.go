package samples

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// answered is a round in which two servicers answered.
func answered(letter string, index uint32) *types.QoSRound {
	round := &types.QoSRound{SessionId: id(letter), Index: index, Status: types.RoundStatus_ROUND_STATUS_DONE}
	for _, servicer := range []string{always, late} {
		round.Samples = append(round.Samples, &types.QoSSample{Servicer: servicer, Outcome: types.Outcome_OUTCOME_OK,
			Consistency: types.Consistency_CONSISTENCY_AGREE, RoundTripTime: durationpb.New(time.Duration(index+1) * time.Millisecond)})
	}
	return round
}

// wantSummarized checks that a report has of a session what Summarize makes of the stored rounds.
func wantSummarized(t *testing.T, store *memory, reader *Reader, letter string) {
	t.Helper()
	session, err := store.Session(t.Context(), id(letter))
	if err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(qos.Summarize(session, store.rounds[id(letter)]))
	report, err := reader.Report(t.Context(), ReportFilter{SessionID: id(letter)})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := json.Marshal(report.Sessions[0]); string(got) != string(want) {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}

// Of a session that is being sampled each round is read once, as soon as it is stored; a round that comes late has all read again.
func TestRunningSessionsAreReadRoundByRound(t *testing.T) {
	store := sampled()
	reader := NewReader(store, NewRolling(), Prover{})
	session, _ := store.Session(t.Context(), id("c"))
	session.ChecksPlanned = 40
	for n, index := range []uint32{0, 1, 2, 4, 5} {
		store.put(answered("c", index))
		wantSummarized(t, store, reader, "c")
		wantSummarized(t, store, reader, "c")
		if store.added != n+1 {
			t.Fatalf("after %d rounds %d were read", n+1, store.added)
		}
	}
	store.put(answered("c", 3))
	wantSummarized(t, store, reader, "c")
	if store.added != 5+1+6 {
		t.Errorf("after a late round %d were read", store.added)
	}
	session.Servicers = session.Servicers[:1]
	wantSummarized(t, store, reader, "c")
	session.ChecksPlanned = 3
	wantSummarized(t, store, reader, "c")
	session.Closed = true
	wantSummarized(t, store, reader, "c")
	if len(reader.digests.open) != 0 {
		t.Errorf("%d sessions are still open", len(reader.digests.open))
	}
}

// A closed session to which something is added, or which is another one of the same id, is summed up anew.
func TestClosedSessionsFollowWhatIsStored(t *testing.T) {
	store := sampled()
	reader := NewReader(store, NewRolling(), Prover{})
	session, _ := store.Session(t.Context(), id("b"))
	session.Closed, session.ChecksPlanned = true, 9
	store.put(answered("b", 1))
	wantSummarized(t, store, reader, "b")
	store.put(answered("b", 0))
	wantSummarized(t, store, reader, "b")
	store.mu.Lock()
	store.rounds[id("b")] = nil
	store.mu.Unlock()
	wantSummarized(t, store, reader, "b")
	other := answered("b", 0)
	other.Samples = other.Samples[:1]
	store.put(other)
	wantSummarized(t, store, reader, "b")
}

// Beyond the bounds the newest sessions are kept, and reading all of them does not drive these out. What is shown is the same.
func TestDigestsAreKeptWithinBounds(t *testing.T) {
	store := newMemory()
	for i := range 60 {
		session := &types.QoSSession{Header: &types.SessionHeader{Id: fmt.Sprintf("%064x", i), StartHeight: int64(10 * i), RelayChain: "0001"},
			Closed: true, ChecksPlanned: 3, JoinedHeight: int64(10 * i), JoinedUnixNano: int64(i)}
		store.sessions = append(store.sessions, session)
		round := answered("a", 0)
		round.SessionId = session.GetHeader().GetId()
		store.put(round)
	}
	whole, err := NewReader(store, NewRolling(), Prover{}).Report(t.Context(), ReportFilter{})
	if err != nil {
		t.Fatal(err)
	}
	reader := NewReader(store, NewRolling(), Prover{})
	reader.digests.closed.most, reader.digests.plain.most = 32<<10, 6<<10
	kept := 0
	for range 3 {
		store.read = nil
		report, err := reader.Report(t.Context(), ReportFilter{})
		if err != nil || !reflect.DeepEqual(report, whole) {
			t.Fatalf("%d sessions, %v", len(report.Sessions), err)
		}
		closed := reader.digests.closed
		if kept = len(closed.entries); kept < 5 || kept > 55 || closed.bytes > closed.most || reader.digests.plain.bytes > reader.digests.plain.most {
			t.Fatalf("%d digests of %d bytes, plain ones of %d", kept, closed.bytes, reader.digests.plain.bytes)
		}
		for _, session := range store.sessions[60-kept:] {
			if _, is := closed.get(session.GetHeader().GetId()); !is {
				t.Fatalf("of %d digests that of session %d is none", kept, session.GetHeader().GetStartHeight())
			}
		}
		if len(reader.digests.open) != 0 {
			t.Errorf("%d sessions are open", len(reader.digests.open))
		}
	}
	if len(store.read) != 60-kept {
		t.Errorf("%d sessions were read again, %d are kept", len(store.read), kept)
	}
	span := WindowFilter{Span: qos.Span{Starts: 60}}
	windows, err := reader.Windows(t.Context(), span)
	if err != nil || windows.Windows[0].Sessions != 60 {
		t.Fatalf("%+v, %v", windows, err)
	}
	store.read = nil
	if again, err := reader.Windows(t.Context(), span); err != nil || !reflect.DeepEqual(again, windows) || len(store.read) > 0 {
		t.Errorf("a window read the rounds of %d sessions again, %v", len(store.read), err)
	}
	texts, err := reader.ReportText(t.Context(), ReportFilter{})
	plain := slices.DeleteFunc(texts.Sessions, func(s EncodedSession) bool { return s.Text == nil })
	if err != nil || len(plain) == 0 || len(plain) == 60 {
		t.Errorf("%d of the texts are plain, %v", len(plain), err)
	}
}

// Of one servicer the text of a session has its rows only.
func TestTextsOfOneServicer(t *testing.T) {
	store := sampled()
	reader := NewReader(store, NewRolling(), Prover{})
	store.close(t, "b", always)
	store.close(t, "c", always, late)
	for _, servicer := range []string{always, late, liar} {
		want, err := reader.Report(t.Context(), ReportFilter{Servicer: servicer})
		if err != nil {
			t.Fatal(err)
		}
		got, err := reader.ReportText(t.Context(), ReportFilter{Servicer: servicer})
		if err != nil || len(got.Sessions) != len(want.Sessions) {
			t.Fatalf("%d sessions of %d, %v", len(got.Sessions), len(want.Sessions), err)
		}
		for i, session := range want.Sessions {
			for i := range session.Servicers {
				session.Servicers[i].OutcomeCounts = session.Servicers[i].Outcomes.Counts()
			}
			if text, _ := json.Marshal(session); string(got.Sessions[i].Text) != string(text) {
				t.Errorf("%s\nwant %s", got.Sessions[i].Text, text)
			}
		}
	}
}

// unkept says of every round that what proves it is gone.
func unkept(*types.QoSSession, *types.QoSRound) (api.Evidence, error) {
	return api.Evidence{}, ErrUnkept
}

// Evidence reads rounds only where there are disagreements, and finds the same where nobody knows where these are.
func TestEvidenceReadsWhatIsDisputed(t *testing.T) {
	store := sampled()
	for index := range uint32(9) {
		round := answered("a", index)
		if index%4 == 1 {
			round.Samples[0].Consistency = types.Consistency_CONSISTENCY_DISAGREE
		}
		store.put(round)
	}
	for _, unsearched := range []bool{false, true} {
		store.unsearched, store.paged, store.read = unsearched, 0, nil
		page, err := NewReader(store, NewRolling(), Prover{Of: unkept}).Evidence(t.Context(), EvidenceFilter{Limit: 9})
		if err != nil || page.Unkept != 2 || store.paged != 2 {
			t.Errorf("unsearched %v: %+v, %v; %d rounds were read", unsearched, page, err, store.paged)
		}
		if outlined := len(store.read); unsearched != (outlined == 3) || !unsearched != (outlined == 0) {
			t.Errorf("unsearched %v: %d sessions were read", unsearched, outlined)
		}
	}
}

// A session that was read while it ran, and not since, is not held for ever.
func TestRunningSumsAreLetGo(t *testing.T) {
	store := newMemory()
	reader := NewReader(store, NewRolling(), Prover{})
	add := func(i int) *types.QoSSession {
		session := &types.QoSSession{Header: &types.SessionHeader{Id: fmt.Sprintf("%064x", i), StartHeight: int64(10 * i), RelayChain: "0001"},
			ChecksPlanned: 3, JoinedHeight: int64(10 * i), JoinedUnixNano: int64(i)}
		store.sessions = append(store.sessions, session)
		return session
	}
	for i := range 50 {
		session := add(i)
		if _, err := reader.Report(t.Context(), ReportFilter{Last: 1}); err != nil {
			t.Fatal(err)
		}
		session.Closed = true
		if open := len(reader.digests.open); open < 1 || open > 2 {
			t.Fatalf("with %d sessions, one of them running, %d are summed up", i+1, open)
		}
	}
	running := add(50)
	for range 3 {
		if _, err := reader.Report(t.Context(), ReportFilter{SessionID: running.GetHeader().GetId()}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 { // others come
		add(51 + i)
		if _, err := reader.Report(t.Context(), ReportFilter{Last: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if reader.digests.open[running.GetHeader().GetId()] == nil {
		t.Error("a session that runs is not summed up any more")
	}
}
