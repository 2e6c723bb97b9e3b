package local

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func capped(bytes int64, sessions int) Options {
	return Options{MaxBytes: bytes, MaxSessions: sessions}
}

func TestSessionCapEvictsOldest(t *testing.T) {
	ctx, files := t.Context(), vfs.NewMem()
	s := openIn(t, "store", capped(1<<20, 3), files)
	for n := 1; n <= 5; n++ {
		must(t, s.PutSession(ctx, sessionOf(n)))
		must(t, s.PutRound(ctx, roundOf(n, 0, 10)))
	}
	wantSessions(t, s, 3, 4, 5)
	// Replacing needs no room.
	must(t, s.PutSession(ctx, sessionOf(3)))
	wantSessions(t, s, 3, 4, 5)
	// The one being written stays, even as the oldest.
	must(t, s.PutSession(ctx, sessionOf(2)))
	wantSessions(t, s, 2, 4, 5)
	wantRounds(t, s, 2, 10)
	if got := s.Stats(); got.Sessions != 3 || got.Rounds != 2 || got.EvictedSessions != 3 {
		t.Errorf("got stats %+v", got)
	}
	// An evicted session's rounds are gone from the disk as well.
	bytes := s.Stats().Bytes
	must(t, s.Close())
	s = openIn(t, "store", capped(1<<20, 3), files)
	if got := s.Stats(); got.Rounds != 2 || got.Bytes != bytes || got.EvictedSessions != 3 {
		t.Errorf("opened again: got stats %+v, want 2 rounds, %d bytes and 3 sessions evicted", got, bytes)
	}
}

func TestByteCapEvictsOldest(t *testing.T) {
	ctx, s := t.Context(), openMemory(t, capped(100_000, 100))
	for n := 1; n <= 3; n++ {
		must(t, s.PutSession(ctx, sessionOf(n)))
		must(t, s.PutRound(ctx, roundOf(n, 0, 30_000)))
	}
	// Another round of the oldest session pushes out the second oldest, never itself.
	must(t, s.PutRound(ctx, roundOf(1, 1, 30_000)))
	wantSessions(t, s, 1, 3)
	wantRounds(t, s, 1, 30_000, 0, 1)
	must(t, s.PutRound(ctx, roundOf(1, 2, 30_000)))
	wantSessions(t, s, 1)
	before := s.Stats()
	if before.EvictedSessions != 2 || before.Bytes > 100_000 {
		t.Errorf("got stats %+v", before)
	}
	// Nothing is left to evict: refused, and nothing changes.
	wantError(t, s.PutRound(ctx, roundOf(1, 3, 30_000)), ErrFull)
	if after := s.Stats(); after != before {
		t.Errorf("a refused round changed stats from %+v to %+v", before, after)
	}
	wantRounds(t, s, 1, 30_000, 0, 1, 2)
	// A round that could never fit evicts no session.
	must(t, s.PutSession(ctx, sessionOf(9)))
	wantError(t, s.PutRound(ctx, roundOf(9, 0, 200_000)), ErrFull)
	wantSessions(t, s, 1, 9)
}

func TestLoweredCapsHoldFromTheNextWrite(t *testing.T) {
	ctx, files := t.Context(), vfs.NewMem()
	s := openIn(t, "store", capped(1<<20, 100), files)
	for n := range 10 {
		must(t, s.PutSession(ctx, sessionOf(n)))
	}
	must(t, s.Close())
	s = openIn(t, "store", capped(1<<20, 4), files)
	must(t, s.PutRound(ctx, roundOf(9, 0, 10)))
	wantSessions(t, s, 6, 7, 8, 9)
}

func TestPrune(t *testing.T) {
	ctx, s := t.Context(), openMemory(t, DefaultOptions())
	for n := range 6 {
		must(t, s.PutSession(ctx, sessionOf(n)))
		must(t, s.PutRound(ctx, roundOf(n, 0, 10)))
	}
	for _, step := range []struct{ retain, evicted int }{{6, 0}, {100, 0}, {4, 2}, {1, 3}, {0, 1}, {0, 0}} {
		evicted, err := s.Prune(ctx, step.retain)
		must(t, err)
		if evicted != step.evicted {
			t.Fatalf("retaining %d evicted %d, want %d", step.retain, evicted, step.evicted)
		}
		if step.retain == 4 {
			wantSessions(t, s, 2, 3, 4, 5)
			wantRounds(t, s, 2, 10, 0)
		}
	}
	if got := s.Stats(); got != (Stats{}) {
		t.Errorf("an emptied store has stats %+v", got)
	}
	if _, err := s.Prune(ctx, -1); err == nil {
		t.Error("retaining -1 sessions was accepted")
	}
}

// The size of a directory must follow the cap, however much was written.
func TestDirectoryStaysSmall(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	const limit, written = 1 << 20, 20 << 20
	s := openIn(t, dir, capped(limit, 1000), vfs.Default)
	for n := 0; n*200_000 < written; n++ {
		must(t, s.PutSession(context.Background(), sessionOf(n)))
		for index := range uint32(2) {
			must(t, s.PutRound(context.Background(), roundOf(n, index, 100_000)))
		}
	}
	must(t, s.Close())
	size := 0
	for _, data := range contents(t, dir) {
		size += len(data)
	}
	t.Logf("%d bytes in the directory", size)
	// Beside the records: two memtables' worth of write-ahead log, and as much again that is being compacted away.
	if size > limit+12<<20 {
		t.Errorf("%d bytes in the directory of a store capped at %d", size, limit)
	}
}
