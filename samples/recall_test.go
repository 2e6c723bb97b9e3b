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
	left := 0
	rapid.Check(t, func(r *rapid.T) {
		store := newMemory()
		sessions, checks := rapid.SampledFrom([]int{2, 5, 14}).Draw(r, "sessions"), rapid.SampledFrom([]int{3, 60, 90}).Draw(r, "checks")
		direct := rapid.Bool().Draw(r, "direct")
		length := 7 * time.Minute
		for n := range sessions {
			joined := now.Add(-time.Duration(sessions-n) * length)
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
				asked := joined.Add(time.Duration(index) * length / time.Duration(checks)).UnixNano()
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
		left += sessions - len(store.read)
		for _, span := range []qos.RollingSpan{qos.DefaultRolling(), {Checks: qos.MostRollingChecks, Age: qos.MostRollingAge}, {Checks: 1, Age: time.Minute}} {
			want, _ := json.Marshal(told.Report(span, now))
			if got, _ := json.Marshal(read.Report(span, now)); !bytes.Equal(got, want) {
				r.Fatalf("%v\n%s\nwant\n%s", span, got, want)
			}
		}
	})
	if left == 0 {
		t.Error("no session was left out")
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
