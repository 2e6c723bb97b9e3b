package local

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"google.golang.org/protobuf/proto"
)

func TestRoundTrip(t *testing.T) {
	ctx, dir := t.Context(), filepath.Join(t.TempDir(), "deep", "store")
	s := openIn(t, dir, DefaultOptions(), vfs.Default)
	for _, n := range []int{3, 1, 2} {
		must(t, s.PutSession(ctx, sessionOf(n)))
	}
	for _, index := range []uint32{9, 0, 256, 1} {
		must(t, s.PutRound(ctx, roundOf(2, index, 100)))
	}
	must(t, s.PutRound(ctx, roundOf(3, 1<<32-1, 100)))
	check := func(s *Store) Stats {
		t.Helper()
		wantSessions(t, s, 1, 2, 3)
		wantRounds(t, s, 1, 100)
		wantRounds(t, s, 2, 100, 0, 1, 9, 256)
		wantRounds(t, s, 3, 100, 1<<32-1)
		session, err := s.Session(ctx, idOf(2))
		must(t, err)
		if !proto.Equal(session, sessionOf(2)) {
			t.Fatalf("got session %v", session)
		}
		stats := s.Stats()
		if stats.Sessions != 3 || stats.Rounds != 5 || stats.EvictedSessions != 0 || stats.Failures != 0 {
			t.Fatalf("got stats %+v", stats)
		}
		return stats
	}
	before := check(s)
	must(t, s.Close())
	must(t, s.Close())
	if after := check(openIn(t, dir, DefaultOptions(), vfs.Default)); after != before || after.Bytes < 500 {
		t.Errorf("stats %+v before, %+v after opening again", before, after)
	}
}

func TestOrderOfSessions(t *testing.T) {
	s := openMemory(t, DefaultOptions())
	// Ordered by start height, then time, then id; numbers in text or bytes must not decide.
	want := []*types.QoSSession{sessionOf(1), sessionOf(2), sessionOf(3), sessionOf(4), sessionOf(5), sessionOf(6)}
	for i, place := range []struct{ height, joined int64 }{{0, -5}, {0, 3}, {9, 0}, {10, 0}, {256, 1}, {1 << 40, -1}} {
		want[i].Header.StartHeight, want[i].JoinedUnixNano = place.height, place.joined
	}
	for _, i := range []int{4, 0, 5, 2, 1, 3} {
		must(t, s.PutSession(t.Context(), want[i]))
	}
	got, err := s.Sessions(t.Context())
	must(t, err)
	for i := range want {
		if !proto.Equal(got[i], want[i]) {
			t.Errorf("place %d: got %v, want %v", i, got[i], want[i])
		}
	}
}

func TestFirstRoundWins(t *testing.T) {
	ctx, s := t.Context(), openMemory(t, DefaultOptions())
	must(t, s.PutSession(ctx, sessionOf(1)))
	must(t, s.PutRound(ctx, roundOf(1, 7, 10)))
	before := s.Stats()
	second := roundOf(1, 7, 10)
	second.Status = types.RoundStatus_ROUND_STATUS_VOID
	wantError(t, s.PutRound(ctx, second), ErrRoundExists)
	wantRounds(t, s, 1, 10, 7)
	if after := s.Stats(); after != before {
		t.Errorf("a refused round changed stats from %+v to %+v", before, after)
	}
}

func TestReplacedSessionKeepsRounds(t *testing.T) {
	ctx, files := t.Context(), vfs.NewMem()
	s := openIn(t, "store", DefaultOptions(), files)
	must(t, s.PutSession(ctx, sessionOf(1)))
	must(t, s.PutSession(ctx, sessionOf(2)))
	must(t, s.PutRound(ctx, roundOf(1, 0, 10)))
	closed := sessionOf(1)
	closed.Closed = true
	must(t, s.PutSession(ctx, closed))
	// Taken up again at another time: the key changes, and the old one must be gone.
	moved := sessionOf(2)
	moved.Header.StartHeight, moved.JoinedUnixNano = 5, 99
	must(t, s.PutSession(ctx, moved))
	check := func(s *Store) {
		t.Helper()
		sessions, err := s.Sessions(ctx)
		must(t, err)
		if len(sessions) != 2 || !proto.Equal(sessions[0], moved) || !proto.Equal(sessions[1], closed) {
			t.Fatalf("got %v", sessions)
		}
		wantRounds(t, s, 1, 10, 0)
	}
	check(s)
	before := s.Stats()
	must(t, s.Close())
	s = openIn(t, "store", DefaultOptions(), files)
	check(s)
	if after := s.Stats(); after != before {
		t.Errorf("stats drifted from %+v to %+v", after, before)
	}
}

func TestRefusals(t *testing.T) {
	ctx, s := t.Context(), openMemory(t, DefaultOptions())
	must(t, s.PutSession(ctx, sessionOf(1)))
	wantError(t, s.PutRound(ctx, roundOf(2, 0, 10)), modules.ErrUnknownSession)
	for _, id := range []string{idOf(2), "", "ab", strings.ToUpper(idOf(1)), idOf(1) + "00"} {
		_, err := s.Session(ctx, id)
		wantError(t, err, modules.ErrUnknownSession)
		_, err = s.Rounds(ctx, id)
		wantError(t, err, modules.ErrUnknownSession)
	}
	if s.PutSession(ctx, nil) == nil || s.PutSession(ctx, &types.QoSSession{}) == nil ||
		s.PutRound(ctx, nil) == nil || s.PutRound(ctx, &types.QoSRound{SessionId: "x"}) == nil {
		t.Error("a record without a proper session id was stored")
	}
	unmarshalable := roundOf(1, 0, 10)
	unmarshalable.Reason = "\xff"
	if s.PutRound(ctx, unmarshalable) == nil {
		t.Error("a round with text that is not UTF-8 was stored")
	}
	if stats := s.Stats(); stats.Failures != 0 || stats.Rounds != 0 {
		t.Errorf("refusals count as %+v", stats)
	}
}

func TestEndedContextChangesNothing(t *testing.T) {
	s := openMemory(t, DefaultOptions())
	must(t, s.PutSession(t.Context(), sessionOf(1)))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, readSessions := s.Sessions(ended)
	_, readSession := s.Session(ended, idOf(1))
	_, readRounds := s.Rounds(ended, idOf(1))
	_, prune := s.Prune(ended, 0)
	for _, err := range []error{
		s.PutSession(ended, sessionOf(2)), s.PutRound(ended, roundOf(1, 0, 10)), readSessions, readSession, readRounds, prune,
	} {
		wantError(t, err, context.Canceled)
	}
	wantSessions(t, s, 1)
	wantRounds(t, s, 1, 10)
}

func TestClosedStore(t *testing.T) {
	ctx, s := t.Context(), openMemory(t, DefaultOptions())
	must(t, s.Close())
	_, readSessions := s.Sessions(ctx)
	_, readSession := s.Session(ctx, idOf(1))
	_, readRounds := s.Rounds(ctx, idOf(1))
	_, prune := s.Prune(ctx, 0)
	for _, err := range []error{
		s.PutSession(ctx, sessionOf(1)), s.PutRound(ctx, roundOf(1, 0, 10)), readSessions, readSession, readRounds, prune,
	} {
		wantError(t, err, ErrClosed)
	}
	if got := s.Stats(); got != (Stats{}) {
		t.Errorf("got stats %+v", got)
	}
}

func TestConcurrentUse(t *testing.T) {
	ctx, s := t.Context(), openMemory(t, DefaultOptions())
	must(t, s.PutSession(ctx, sessionOf(1)))
	const indices, writers = 20, 8
	var stored, refused atomic.Int32
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for index := range indices {
				switch err := s.PutRound(ctx, roundOf(1, uint32(index), 50)); {
				case err == nil:
					stored.Add(1)
				case errors.Is(err, ErrRoundExists):
					refused.Add(1)
				default:
					t.Error(err)
				}
				if rounds, err := s.Rounds(ctx, idOf(1)); err != nil || len(rounds) <= index {
					t.Errorf("%d rounds after storing %d: %v", len(rounds), index, err)
				}
				s.Stats()
			}
		})
	}
	group.Wait()
	if stored.Load() != indices || refused.Load() != indices*(writers-1) {
		t.Errorf("stored %d, refused %d", stored.Load(), refused.Load())
	}
	wantRounds(t, s, 1, 50, upTo(indices)...)
}

func TestOptions(t *testing.T) {
	must(t, DefaultOptions().Validate())
	for _, change := range []func(*Options){
		func(o *Options) { o.MaxBytes = 1<<16 - 1 },
		func(o *Options) { o.MaxBytes = 1<<40 + 1 },
		func(o *Options) { o.MaxSessions = 0 },
		func(o *Options) { o.MaxSessions = 1_000_001 },
	} {
		options := DefaultOptions()
		change(&options)
		if _, err := open("store", options, vfs.NewMem()); err == nil {
			t.Errorf("%+v was accepted", options)
		}
	}
}

func TestPebbleLogsAtDebug(t *testing.T) {
	var log bytes.Buffer
	options := DefaultOptions()
	options.Logger = slog.New(slog.NewTextHandler(&log, nil))
	files := vfs.NewMem()
	for range 2 {
		s := openIn(t, "store", options, files)
		must(t, s.PutSession(t.Context(), sessionOf(1)))
		must(t, s.Close())
	}
	if log.Len() > 0 {
		t.Errorf("at level info an uneventful life logs\n%s", log.String())
	}
}
