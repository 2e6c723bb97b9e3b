package samples

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// What is recalled, sessions left out that cannot matter, is what all of the picked ones told in their order leave, whatever verdict is asked for.
func TestWhatIsLeftOutWhenRecalling(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rapid.Check(t, func(r *rapid.T) {
		store := newMemory()
		sessions, checks := rapid.SampledFrom([]int{2, 5, 14}).Draw(r, "sessions"), rapid.SampledFrom([]int{3, 60, 90}).Draw(r, "checks")
		direct := rapid.Bool().Draw(r, "direct")
		length := 7 * time.Minute
		together := rapid.Bool().Draw(r, "together") // two applications' sessions begin at once
		for n := range sessions {
			joined := now.Add(-time.Duration(sessions-n) * length)
			if together {
				joined = now.Add(-time.Duration(sessions-n/2*2) * length)
			}
			session := &types.QoSSession{Header: &types.SessionHeader{Id: fmt.Sprintf("%064x", n), StartHeight: int64(n), RelayChain: "0001", Application: fmt.Sprint(n % 2)},
				ChecksPlanned: uint32(checks), JoinedUnixNano: joined.UnixNano(), Closed: n < sessions-1, SamplesRequired: 3, NullSamplesAllowed: 2}
			if direct {
				session.StartUnixNano = joined.UnixNano()
			}
			members := rapid.IntRange(1, 3).Draw(r, "members")
			for member := range members {
				session.Servicers = append(session.Servicers, &types.QoSServicer{Address: fmt.Sprint("servicer ", member), ServiceUrl: fmt.Sprint("http://", n)})
			}
			store.sessions = append(store.sessions, session)
			for index := range checks {
				asked := joined.Add(time.Duration(index)*length/time.Duration(checks)).UnixNano() + int64(n)
				round := &types.QoSRound{SessionId: session.GetHeader().GetId(), Index: uint32(index), Status: types.RoundStatus_ROUND_STATUS_DONE,
					PlannedUnixNano: asked, ReleasedUnixNano: asked}
				for member := range members {
					outcome := rapid.SampledFrom([]types.Outcome{types.Outcome_OUTCOME_OK, types.Outcome_OUTCOME_OK, types.Outcome_OUTCOME_OK,
						types.Outcome_OUTCOME_TIMEOUT, types.Outcome_OUTCOME_VOID}).Draw(r, "outcome")
					round.Samples = append(round.Samples, &types.QoSSample{Servicer: fmt.Sprint("servicer ", member), Outcome: outcome,
						RoundTripTime: durationpb.New(time.Duration(index+1) * time.Millisecond), Detail: fmt.Sprint("detail ", n, index)})
				}
				store.put(round)
			}
		}
		told, read := NewRolling(), NewRolling()
		list, _ := store.List(t.Context())
		for _, picked := range recalled(list, now) {
			session, _ := store.Session(t.Context(), picked.Session.GetHeader().GetId())
			told.mu.Lock()
			known := told.take(session)
			told.listMembers(known, session)
			for _, round := range store.rounds[session.GetHeader().GetId()] {
				told.add(known, round, math.MaxInt64)
			}
			if session.GetClosed() {
				delete(told.open, session.GetHeader().GetId())
			}
			told.mu.Unlock()
		}
		if err := read.Recall(t.Context(), store, now); err != nil {
			r.Fatal(err)
		}
		for _, span := range []qos.RollingSpan{qos.DefaultRolling(), {Checks: qos.MostRollingChecks, Age: qos.MostRollingAge}, {Checks: 1, Age: time.Minute}} {
			want, _ := json.Marshal(told.Report(span, now))
			if got, _ := json.Marshal(read.Report(span, now)); !bytes.Equal(got, want) {
				r.Fatalf("%v\n%s\nwant\n%s", span, got, want)
			}
		}
	})
}

// Of hours of sessions, those are read of which verdicts take something.
func TestHowManySessionsAreRead(t *testing.T) {
	now := time.Now()
	store := newMemory()
	for n := range 60 {
		joined := now.Add(time.Duration(n-60) * 5 * time.Minute)
		session := &types.QoSSession{Header: &types.SessionHeader{Id: fmt.Sprintf("%064x", n)}, ChecksPlanned: 60, Closed: true, JoinedUnixNano: joined.UnixNano(),
			Servicers: []*types.QoSServicer{{Address: "servicer"}}}
		store.sessions = append(store.sessions, session)
		for i := range 60 {
			store.put(&types.QoSRound{SessionId: session.GetHeader().GetId(), Index: uint32(i), Status: types.RoundStatus_ROUND_STATUS_DONE, ReleasedUnixNano: joined.Add(time.Duration(i) * 5 * time.Second).UnixNano(),
				Samples: []*types.QoSSample{{Servicer: "servicer", Outcome: types.Outcome_OUTCOME_OK}}})
		}
	}
	list, err := store.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := NewRolling().Recall(t.Context(), store, now); err != nil {
		t.Fatal(err)
	}
	if picked := len(recalled(list, now)); picked <= recalledAtOnce || len(store.read) != recalledAtOnce {
		t.Errorf("%d of %d sessions were read, want %d", len(store.read), picked, recalledAtOnce)
	}
}

// A session is read, though its member has newer checks, if it says what the member is: it is listed after the one that has them.
func TestWhoSaysWhatAMemberIsIsRecalled(t *testing.T) {
	now := time.Now()
	store := newMemory()
	begins := now.Add(-2 * time.Hour)
	taken := func(id, application, servicer string, joined time.Time, checks int) {
		session := &types.QoSSession{Header: &types.SessionHeader{Id: id, Application: application}, Closed: true, ChecksPlanned: uint32(checks),
			JoinedUnixNano: joined.UnixNano(), Servicers: []*types.QoSServicer{{Address: servicer, ServiceUrl: "http://" + id}}}
		store.sessions = append(store.sessions, session)
		for i := range checks {
			store.put(&types.QoSRound{SessionId: id, Index: uint32(i), Status: types.RoundStatus_ROUND_STATUS_DONE, ReleasedUnixNano: joined.Add(time.Duration(20+i) * time.Minute / 2).UnixNano(),
				Samples: []*types.QoSSample{{Servicer: servicer, Outcome: types.Outcome_OUTCOME_OK}}})
		}
	}
	taken("b", "first", "one", begins, 1)
	taken("a", "second", "one", begins, 2*qos.MostRollingChecks)
	taken("c", "first", "other", begins.Add(time.Minute), 1)
	for n := range recalledAtOnce - 2 {
		taken(fmt.Sprint("d", n), fmt.Sprint(n), "other", begins.Add(time.Hour), 1)
	}
	rolling := NewRolling()
	if err := rolling.Recall(t.Context(), store, now); err != nil {
		t.Fatal(err)
	}
	if known := rolling.places[place{}]["one"]; known.servicer.GetServiceUrl() != "http://b" {
		t.Errorf("the member is at %q", known.servicer.GetServiceUrl())
	}
}

// The members of a session whose rounds cannot be read are known, and other sessions are recalled.
func TestWhatCannotBeReadIsLeftOutWhenRecalling(t *testing.T) {
	now := time.Now()
	store := sampled()
	for i, session := range store.sessions {
		session.JoinedUnixNano = now.Add(time.Duration(i-10) * time.Minute).UnixNano()
		round := &types.QoSRound{SessionId: session.GetHeader().GetId(), Status: types.RoundStatus_ROUND_STATUS_DONE, ReleasedUnixNano: session.GetJoinedUnixNano()}
		for _, member := range session.GetServicers() {
			round.Samples = append(round.Samples, &types.QoSSample{Servicer: member.GetAddress(), Outcome: types.Outcome_OUTCOME_OK})
		}
		store.put(round)
	}
	store.broken[id("c")] = errCorrupt
	rolling := NewRolling()
	if err := rolling.Recall(t.Context(), store, now); err != nil {
		t.Fatal(err)
	}
	here := rolling.places[place{"0001", "local"}]
	if known := here[late]; known == nil || known.servicer.GetServiceUrl() != "http://127.0.0.1:2" || len(known.checks) != 0 {
		t.Errorf("member of the session that cannot be read: %+v", known)
	}
	if known := here[always]; known == nil || len(known.checks) != 2 || known.session != id("c") {
		t.Errorf("member of all sessions: %+v", known)
	}
}

// While there is no room for a further servicer, those of older sessions do not drive out those of newer ones.
func TestRecallingDrivesNobodyOut(t *testing.T) {
	now := time.Now()
	store := newMemory()
	for n := range 4 {
		session := &types.QoSSession{Header: &types.SessionHeader{Id: fmt.Sprintf("%064x", n), RelayChain: "0001", Application: "a"}, ChecksPlanned: 1, Closed: true,
			JoinedUnixNano: now.Add(-time.Duration(10-n) * time.Minute).UnixNano(), Servicers: []*types.QoSServicer{{Address: fmt.Sprint(n)}}}
		store.sessions = append(store.sessions, session)
		store.put(&types.QoSRound{SessionId: session.GetHeader().GetId(), Status: types.RoundStatus_ROUND_STATUS_DONE, ReleasedUnixNano: session.GetJoinedUnixNano(),
			Samples: []*types.QoSSample{{Servicer: fmt.Sprint(n), Outcome: types.Outcome_OUTCOME_OK}}})
	}
	rolling := NewRolling()
	rolling.most = 2
	if err := rolling.Recall(t.Context(), store, now); err != nil {
		t.Fatal(err)
	}
	here := rolling.places[place{chain: "0001"}]
	if here["3"] == nil || here["2"] == nil || len(here) != 2 {
		t.Errorf("%d servicers: %v", len(here), here)
	}
	if rolling.servicer(place{chain: "0001"}, "4") == nil {
		t.Error("after recalling there is no room for a new servicer")
	}
}
