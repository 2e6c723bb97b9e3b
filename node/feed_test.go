package node

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

	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// planned is when round 0 of session "a" is due; each session begins an hour after the one before.
var planned = time.Unix(1_700_000_000, 0)

func roundAt(letter string, index uint32) *types.QoSRound {
	hour := time.Duration(letter[0]-'a') * time.Hour
	return &types.QoSRound{SessionId: id(letter), Index: index, Status: types.RoundStatus_ROUND_STATUS_DONE,
		PlannedUnixNano: planned.Add(hour + time.Duration(index)*10*time.Minute).UnixNano(),
		Samples:         []*types.QoSSample{{Servicer: always}, {Servicer: late}}}
}

// fed is a feed of a store with the sessions "a" to "c", of which two are closed, and rounds 0, 1 and 3 of each.
func fed(t *testing.T) (*feed, observedStore) {
	t.Helper()
	_, store := sampledStore(t)
	for _, letter := range []string{"a", "b", "c"} {
		session, err := store.Session(t.Context(), id(letter))
		if err != nil {
			t.Fatal(err)
		}
		session.Closed = letter != "c"
		if err := store.PutSession(t.Context(), session); err != nil {
			t.Fatal(err)
		}
		for _, index := range []uint32{3, 0, 1} {
			if err := store.PutRound(t.Context(), roundAt(letter, index)); err != nil {
				t.Fatal(err)
			}
		}
	}
	feed := newFeed(store, slog.New(slog.DiscardHandler))
	return feed, observedStore{Store: store, observers: []observer{feed.observer()}}
}

// told names events: "c3" is a round, "c" a session.
func told(t *testing.T, events []rpc.Event) []string {
	t.Helper()
	names := []string{}
	for _, event := range events {
		var round qos.RoundReport
		var session qos.SessionNotice
		if err := errors.Join(json.Unmarshal(event.Data, &round), json.Unmarshal(event.Data, &session)); err != nil {
			t.Fatal(err)
		}
		switch event.Kind {
		case rpc.EventRound:
			names = append(names, fmt.Sprintf("%.1s%d", round.Session, round.Index))
		case rpc.EventSession:
			names = append(names, fmt.Sprintf("%.1s", session.ID))
		default:
			names = append(names, event.Kind)
		}
	}
	return names
}

func TestListenersHearWhatIsStored(t *testing.T) {
	feed, store := fed(t)
	missed, coming, err := feed.Listen(t.Context(), 0)
	if err != nil || len(missed) != 0 {
		t.Fatalf("%v, %v", missed, err)
	}
	if err := store.PutRound(t.Context(), roundAt("c", 4)); err != nil {
		t.Fatal(err)
	}
	if err := store.PutRound(t.Context(), roundAt("c", 4)); !errors.Is(err, local.ErrRoundExists) {
		t.Fatalf("stored twice: %v", err)
	}
	session, err := store.Session(t.Context(), id("c"))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.PutSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	heard := []rpc.Event{<-coming, <-coming}
	if names := told(t, heard); !slices.Equal(names, []string{"c4", "c"}) || heard[0].ID <= 0 || heard[1].ID <= heard[0].ID {
		t.Errorf("heard %v, ids %d and %d", names, heard[0].ID, heard[1].ID)
	}
	if len(coming) != 0 {
		t.Error("a round that was stored before is told of")
	}
}

// What was planned since the last event, or not long before it, is told again; sessions come before their rounds.
func TestListenersHearWhatTheyMissed(t *testing.T) {
	feed, _ := fed(t)
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
		missed, _, err := feed.Listen(t.Context(), test.after)
		if names := told(t, missed); err != nil || !slices.Equal(names, test.want) {
			t.Errorf("%s: %v, %v", name, names, err)
		}
		if slices.ContainsFunc(missed, func(event rpc.Event) bool { return event.ID != 0 }) {
			t.Errorf("%s: what is told again counts as heard", name)
		}
	}
}

// A session that was taken up since is told of whole, however early its checks were planned.
func TestMissedSessionsAreWhole(t *testing.T) {
	feed, store := fed(t)
	session, err := store.Session(t.Context(), id("c"))
	if err != nil {
		t.Fatal(err)
	}
	after := planned.Add(100 * time.Hour)
	session.JoinedUnixNano = after.Add(1).UnixNano()
	if err := store.PutSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	missed, _, err := feed.Listen(t.Context(), after.UnixNano())
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
	if len(names) != maximumMissed+2 || names[0] != rpc.EventGap || names[2] != "a1" || replay.nextHeight() {
		t.Errorf("%d events, which begin with %v", len(names), names[:3])
	}
}

// A listener that does not listen is dropped; nobody waits for it.
func TestSlowListenersAreDropped(t *testing.T) {
	feed, _ := fed(t)
	_, slow, err := feed.Listen(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	observer := feed.observer()
	for index := range uint32(maximumWaiting + 2) {
		observer.round(roundAt("c", index))
	}
	heard := 0
	for range slow {
		heard++
	}
	if heard != maximumWaiting || feed.heard() {
		t.Errorf("%d events, and the feed still has it: %t", heard, feed.heard())
	}
}

func TestListenersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed := newFeed(nil, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		for range maximumListeners {
			if _, _, err := feed.Listen(ctx, 0); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := feed.Listen(t.Context(), 0); !errors.Is(err, rpc.ErrTooManyListeners) {
			t.Errorf("one more: %v", err)
		}
		cancel()
		synctest.Wait()
		if _, _, err := feed.Listen(t.Context(), 0); err != nil {
			t.Errorf("after the others went: %v", err)
		}
	})
}

func TestIDsGrowWhateverTheClockDoes(t *testing.T) {
	feed := newFeed(nil, slog.New(slog.DiscardHandler))
	_, coming, err := feed.Listen(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	clock := planned
	feed.now = func() time.Time { return clock }
	feed.observer().round(roundAt("a", 0))
	clock = clock.Add(-time.Hour)
	feed.observer().round(roundAt("a", 1))
	if first, second := (<-coming).ID, (<-coming).ID; first != planned.UnixNano() || second != first+1 {
		t.Errorf("ids %d and %d", first, second)
	}
}

func TestPagesOfRounds(t *testing.T) {
	stored, _ := fed(t)
	reader := roundReader{feed: stored}
	for name, test := range map[string]struct {
		filter  rpc.RoundFilter
		indices []uint32
		next    uint32
		samples int
		err     error
	}{
		"all":              {filter: rpc.RoundFilter{SessionID: id("c"), Limit: 9}, indices: []uint32{0, 1, 3}, samples: 2},
		"first":            {filter: rpc.RoundFilter{SessionID: id("c"), Limit: 2}, indices: []uint32{0, 1}, next: 3, samples: 2},
		"last":             {filter: rpc.RoundFilter{SessionID: id("c"), From: 2, Limit: 1}, indices: []uint32{3}, samples: 2},
		"servicer":         {filter: rpc.RoundFilter{SessionID: id("c"), Servicer: late, Limit: 1}, indices: []uint32{0}, next: 1, samples: 1},
		"beyond":           {filter: rpc.RoundFilter{SessionID: id("c"), From: 4, Limit: 1}},
		"unknown session":  {filter: rpc.RoundFilter{SessionID: id("d"), Limit: 1}, err: modules.ErrUnknownSession},
		"unknown servicer": {filter: rpc.RoundFilter{SessionID: id("b"), Servicer: late, Limit: 1}, err: rpc.ErrUnknownServicer},
	} {
		page, err := reader.Rounds(t.Context(), test.filter)
		if !errors.Is(err, test.err) {
			t.Errorf("%s: %v", name, err)
		}
		var indices []uint32
		for _, round := range page.Rounds {
			indices = append(indices, round.Index)
			if len(round.Samples) != test.samples {
				t.Errorf("%s: %d samples", name, len(round.Samples))
			}
		}
		var next uint32
		if page.Next != nil {
			next = *page.Next
		}
		if !slices.Equal(indices, test.indices) || next != test.next || err == nil && page.Stored != 3 {
			t.Errorf("%s: rounds %v, next %d, of %d", name, indices, next, page.Stored)
		}
	}
	if _, err := (roundReader{}).Rounds(t.Context(), rpc.RoundFilter{}); !errors.Is(err, rpc.ErrNoFisherman) {
		t.Errorf("without a fisherman: %v", err)
	}
	var none *feed
	if _, _, err := none.Listen(t.Context(), 0); !errors.Is(err, rpc.ErrNoFisherman) {
		t.Errorf("events without a fisherman: %v", err)
	}
}
