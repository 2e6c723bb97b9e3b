package samples

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// planned is when round 0 of session "a" is due; each session begins an hour after the one before.
var planned = time.Unix(1_700_000_000, 0)

func roundAt(letter string, index uint32) *types.QoSRound {
	hour := time.Duration(letter[0]-'a') * time.Hour
	return &types.QoSRound{SessionId: id(letter), Index: index, Status: types.RoundStatus_ROUND_STATUS_DONE,
		PlannedUnixNano: planned.Add(hour + time.Duration(index)*10*time.Minute).UnixNano(),
		Samples:         []*types.QoSSample{{Servicer: always}, {Servicer: late}}}
}

// fed is a stream of a store with the sessions "a" to "c", of which two are closed, and rounds 0, 1 and 3 of each.
func fed() (*Stream, *memory) {
	store := sampled()
	for _, session := range store.sessions {
		session.Closed = session.GetHeader().GetId() != id("c")
	}
	for _, letter := range []string{"a", "b", "c"} {
		for _, index := range []uint32{3, 0, 1} {
			store.put(roundAt(letter, index))
		}
	}
	return NewStream(store, slog.New(slog.DiscardHandler)), store
}

// told names events: "c3" is a round, "c" a session.
func told(t *testing.T, events []Event) []string {
	t.Helper()
	names := []string{}
	for _, event := range events {
		var round api.Round
		var session api.SessionNotice
		if err := errors.Join(json.Unmarshal(event.Data, &round), json.Unmarshal(event.Data, &session)); err != nil {
			t.Fatal(err)
		}
		switch event.Kind {
		case api.EventKindRound:
			names = append(names, fmt.Sprintf("%.1s%d", round.Session, round.Index))
		case api.EventKindSession:
			names = append(names, fmt.Sprintf("%.1s", session.ID))
		default:
			names = append(names, string(event.Kind))
		}
	}
	return names
}

func TestListenersHearWhatIsStored(t *testing.T) {
	stream, store := fed()
	missed, coming, err := stream.Listen(t.Context(), 0)
	if err != nil || len(missed) != 0 {
		t.Fatalf("%v, %v", missed, err)
	}
	stream.Round(roundAt("c", 4))
	stream.Session(store.sessions[2])
	heard := []Event{<-coming, <-coming}
	if names := told(t, heard); !slices.Equal(names, []string{"c4", "c"}) || heard[0].ID <= 0 || heard[1].ID <= heard[0].ID {
		t.Errorf("heard %v, ids %d and %d", names, heard[0].ID, heard[1].ID)
	}
}

// What was planned since the last event, or not long before it, is told again; sessions come before their rounds.
func TestListenersHearWhatTheyMissed(t *testing.T) {
	stream, _ := fed()
	at := func(letter string, index uint32, later time.Duration) int64 {
		return roundAt(letter, index).GetPlannedUnixNano() + int64(later)
	}
	for name, test := range map[string]struct {
		after int64
		want  []string
	}{
		"all of it":         {at("a", 0, 0), []string{"a", "a0", "a1", "a3", "b", "b0", "b1", "b3", "c", "c0", "c1", "c3"}},
		"since round 1":     {at("b", 1, 3*time.Minute), []string{"b", "b3", "c", "c0", "c1", "c3"}},
		"round 1 again":     {at("b", 1, time.Minute), []string{"b", "b1", "b3", "c", "c0", "c1", "c3"}},
		"nothing":           {at("c", 9, 0), []string{"b", "c"}},
		"of another epoch":  {1, []string{"a", "a0", "a1", "a3", "b", "b0", "b1", "b3", "c", "c0", "c1", "c3"}},
		"nothing was heard": {0, []string{}},
	} {
		missed, _, err := stream.Listen(t.Context(), test.after)
		if names := told(t, missed); err != nil || !slices.Equal(names, test.want) {
			t.Errorf("%s: %v, %v", name, names, err)
		}
		if slices.ContainsFunc(missed, func(event Event) bool { return event.ID != 0 }) {
			t.Errorf("%s: what is told again counts as heard", name)
		}
	}
}

// A session that was taken up since is told of whole, however early its checks were planned.
func TestMissedSessionsAreWhole(t *testing.T) {
	stream, store := fed()
	session := store.sessions[2]
	after := planned.Add(100 * time.Hour)
	session.JoinedUnixNano = after.Add(1).UnixNano()
	missed, _, err := stream.Listen(t.Context(), after.UnixNano())
	if names := told(t, missed); err != nil || !slices.Equal(names, []string{"b", "c", "c0", "c1", "c3"}) {
		t.Errorf("%v, %v", names, err)
	}
}

func TestMissedRoundsAreBounded(t *testing.T) {
	replay := replay{after: 1}
	rounds := make([]*types.QoSRound, maximumMissed+1)
	for i := range rounds {
		rounds[i] = roundAt("a", uint32(i))
	}
	if err := replay.add(&types.QoSSession{}, rounds); err != nil {
		t.Fatal(err)
	}
	names := told(t, replay.told())
	if len(names) != maximumMissed+2 || names[0] != string(api.EventKindGap) || names[2] != "a1" || replay.nextHeight() {
		t.Errorf("%d events, which begin with %v", len(names), names[:3])
	}
}

// A listener that does not listen is dropped; nobody waits for it.
func TestSlowListenersAreDropped(t *testing.T) {
	stream, _ := fed()
	_, slow, err := stream.Listen(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for index := range uint32(maximumWaiting + 2) {
		stream.Round(roundAt("c", index))
	}
	heard := 0
	for range slow {
		heard++
	}
	if heard != maximumWaiting || stream.heard() {
		t.Errorf("%d events, and the stream still has it: %t", heard, stream.heard())
	}
}

func TestListenersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := NewStream(nil, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		for range maximumListeners {
			if _, _, err := stream.Listen(ctx, 0); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := stream.Listen(t.Context(), 0); !errors.Is(err, ErrTooManyListeners) {
			t.Errorf("one more: %v", err)
		}
		cancel()
		synctest.Wait()
		if _, _, err := stream.Listen(t.Context(), 0); err != nil {
			t.Errorf("after the others went: %v", err)
		}
	})
}

func TestIDsGrowWhateverTheClockDoes(t *testing.T) {
	stream := NewStream(nil, slog.New(slog.DiscardHandler))
	_, coming, err := stream.Listen(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	clock := planned
	stream.now = func() time.Time { return clock }
	stream.Round(roundAt("a", 0))
	clock = clock.Add(-time.Hour)
	stream.Round(roundAt("a", 1))
	if first, second := (<-coming).ID, (<-coming).ID; first != planned.UnixNano() || second != first+1 {
		t.Errorf("ids %d and %d", first, second)
	}
}

// Sessions that are stretches of time need not begin together: a long one is told of, however many short ones began since.
func TestMissedOfLongSessions(t *testing.T) {
	stream, store := fed()
	after := planned.Add(30 * time.Minute)
	store.sessions = nil
	add := func(letter string, start time.Time, lasts time.Duration, closed bool) {
		store.sessions = append(store.sessions, &types.QoSSession{Header: &types.SessionHeader{Id: id(letter), StartHeight: start.Unix()}, Closed: closed,
			StartUnixNano: start.UnixNano(), EndUnixNano: start.Add(lasts).UnixNano(), JoinedUnixNano: start.UnixNano()})
	}
	add("a", planned, time.Minute, true)
	add("b", planned.Add(time.Minute), time.Hour, false)
	for i := range 20 {
		add("c", planned.Add(time.Duration(i)*time.Minute), time.Minute, true)
	}
	missed, _, err := stream.Listen(t.Context(), after.UnixNano())
	if names := told(t, missed); err != nil || !slices.Contains(names, "b") || slices.Contains(names, "a") {
		t.Errorf("%v, %v", names, err)
	}
}
