package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"google.golang.org/protobuf/proto"
)

// evidenceOf makes every other round larger than half a memtable: storing it rotates the log and writes a table.
func evidenceOf(index int) int { return 10 + index%2*40_000 }

// wantLife checks that the rounds up to an index are stored, intact.
func wantLife(t *testing.T, s *Store, to int) {
	t.Helper()
	rounds, err := s.Rounds(context.Background(), idOf(1))
	must(t, err)
	if len(rounds) != to {
		t.Fatalf("%d rounds are stored, want %d", len(rounds), to)
	}
	for index, round := range rounds {
		if !proto.Equal(round, roundOf(1, uint32(index), evidenceOf(index))) {
			t.Fatalf("round %d is not what was stored", index)
		}
	}
}

// failing makes chosen operations of a file system fail.
func failing(files vfs.FS, choose func(op errorfs.Op) bool) vfs.FS {
	return errorfs.Wrap(files, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if choose(op) {
			return errorfs.ErrInjected
		}
		return nil
	}))
}

// isWrite chooses what changes stored data. Locking does not.
func isWrite(op errorfs.Op) bool {
	return op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpLock && op.Kind != errorfs.OpMkdirAll
}

// nth chooses the nth write, counted from 1, and notes what it was.
func nth(target int64, hit *atomic.Pointer[errorfs.Op]) func(op errorfs.Op) bool {
	var count atomic.Int64
	return func(op errorfs.Op) bool {
		if !isWrite(op) || count.Add(1) != target {
			return false
		}
		hit.Store(&op)
		return true
	}
}

// life opens a store, gives it its first session and the rounds up to an index, and closes it. A call that fails is made
// once more, and then must succeed. It returns how many calls failed.
func life(t *testing.T, files vfs.FS, from, to int) (failed int) {
	t.Helper()
	ctx := context.Background()
	s, err := open("store", smallTables(), files)
	if err != nil {
		wantError(t, err, errorfs.ErrInjected)
		s, err = open("store", smallTables(), files)
		must(t, err)
		defer func() { failed++ }()
	}
	attempt := func(put func() error) {
		t.Helper()
		err := put()
		if err == nil {
			return
		}
		failed++
		wantError(t, err, errorfs.ErrInjected)
		if err := put(); err != nil {
			wantError(t, err, ErrRoundExists)
		}
	}
	attempt(func() error { return s.PutSession(ctx, sessionOf(1)) })
	for index := from; index < to; index++ {
		attempt(func() error { return s.PutRound(ctx, roundOf(1, uint32(index), evidenceOf(index))) })
	}
	wantLife(t, s, to)
	if err := s.Close(); err != nil {
		// Closing writes too; nothing that was acknowledged depends on it.
		wantError(t, err, errorfs.ErrInjected)
		failed++
	}
	if got := s.Stats().Failures; got != int64(failed) && got != 1 {
		t.Fatalf("%d failures are counted, %d calls failed", got, failed)
	}
	return failed
}

// unflushed is a file system as a crash left it: a store with a large round that is in the write-ahead log only,
// so that opening it has to write tables.
func unflushed(t *testing.T) (clone func() *vfs.MemFS) {
	t.Helper()
	files := vfs.NewCrashableMem()
	s, err := open("store", smallTables(), files)
	must(t, err)
	must(t, s.PutSession(context.Background(), sessionOf(1)))
	must(t, s.Close())
	lock, err := pebble.LockDirectory("store", files)
	must(t, err)
	roomy := s.options
	roomy.memTable = 1 << 20
	db, err := pebble.Open("store", pebbleOptions(files, lock, roomy, nil))
	must(t, err)
	id, _ := parseSessionID(idOf(1))
	for index := range uint32(2) {
		record, err := encodeRecord(roundKey(id, index), roundOf(1, index, evidenceOf(int(index))))
		must(t, err)
		must(t, db.Set(roundKey(id, index), record, pebble.Sync))
	}
	crashed := files.CrashClone(vfs.CrashCloneCfg{})
	must(t, errors.Join(db.Close(), lock.Close()))
	return func() *vfs.MemFS {
		return crashed.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	}
}

// One write fails, each in turn: creating a store, and the life of one that has to recover first, with logs that are
// rotated, tables that are flushed, and manifests. No failure may end the process, hang, lose an acknowledged round or
// leave a directory that does not open.
func TestEveryWriteFailsOnce(t *testing.T) {
	recovering := unflushed(t)
	for _, c := range []struct {
		name     string
		files    func() *vfs.MemFS
		from, to int
		// touches are kinds of files that must have been among the failed ones.
		touches []string
	}{
		{"creating", vfs.NewMem, 0, 1, []string{".log", ".dbtmp", "MANIFEST-", "marker."}},
		{"recovering", recovering, 2, 9, []string{".log", ".dbtmp", ".sst", "MANIFEST-", "marker."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			target, detected, touched := int64(1), 0, ""
			for ; ; target++ {
				var hit atomic.Pointer[errorfs.Op]
				memory := c.files()
				if life(t, failing(memory, nth(target, &hit)), c.from, c.to) > 0 {
					detected++
				}
				op := hit.Load()
				if op == nil {
					break
				}
				touched += op.Path + " "
				s, err := open("store", smallTables(), memory)
				must(t, err)
				wantLife(t, s, c.to)
				must(t, s.Close())
			}
			t.Logf("%d writes, %d noticed by a caller", target-1, detected)
			for _, kind := range c.touches {
				if !strings.Contains(touched, kind) {
					t.Errorf("no write of a %s file was made to fail", kind)
				}
			}
			// The others are removals and writes in the background that were repaired before the next call.
			if detected < int(target)/2 {
				t.Errorf("callers noticed %d of %d failures", detected, target-1)
			}
		})
	}
}

// While the disk fails, every call says so; once it works again, so does the store.
func TestDiskFailsForAWhile(t *testing.T) {
	ctx := t.Context()
	var broken atomic.Bool
	files := failing(unflushed(t)(), func(op errorfs.Op) bool { return broken.Load() && isWrite(op) })
	broken.Store(true)
	_, err := open("store", smallTables(), files)
	wantError(t, err, errorfs.ErrInjected)
	broken.Store(false)
	s := openIn(t, "store", smallTables(), files)
	for cycle := range 3 {
		before := s.Stats().Failures
		broken.Store(true)
		for attempt := range 5 {
			if err := s.PutRound(ctx, roundOf(1, 99, 10)); err == nil {
				t.Fatalf("cycle %d, attempt %d: a round was acknowledged on a broken disk", cycle, attempt)
			}
			if _, err := s.Rounds(ctx, idOf(1)); err == nil {
				t.Fatalf("cycle %d, attempt %d: rounds were read that may not be stored", cycle, attempt)
			}
			s.Stats()
		}
		// One for each call: the write that stopped the disk, then each attempt to open it again. A flush in the
		// background may have run into the disk before the first call did.
		got := s.Stats().Failures - before
		if got != 10 && got != 11 {
			t.Errorf("cycle %d: %d failures counted, want 10 or 11", cycle, got)
		}
		broken.Store(false)
		must(t, s.PutRound(ctx, roundOf(1, uint32(cycle)+2, evidenceOf(cycle+2))))
		if got := s.Stats(); got.Sessions != 1 || got.Rounds != cycle+3 {
			t.Errorf("cycle %d: got stats %+v", cycle, got)
		}
	}
	wantLife(t, s, 5)
}

// A store whose disk fails in the background stops using it by itself and can be closed.
func TestBackgroundFailure(t *testing.T) {
	var broken atomic.Bool
	stopped := make(chan struct{})
	var once sync.Once
	s, err := open("store", smallTables(), failing(vfs.NewMem(), func(op errorfs.Op) bool {
		if broken.Load() && strings.HasSuffix(op.Path, ".sst") && isWrite(op) {
			once.Do(func() { close(stopped) })
			return true
		}
		return false
	}))
	must(t, err)
	must(t, s.PutSession(t.Context(), sessionOf(1)))
	broken.Store(true)
	for index := range uint32(12) {
		if err = s.PutRound(t.Context(), roundOf(1, index, largeEvidence)); err != nil {
			break
		}
	}
	<-stopped
	_ = s.Close()
	if s.Stats().Failures == 0 {
		t.Error("a failed flush was not counted")
	}
	if _, err := s.Sessions(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("closed after a failure: %v", err)
	}
}

// A table that cannot be read back is an error for whoever needs it, not the end of the process.
func TestUnreadableTable(t *testing.T) {
	ctx := t.Context()
	var broken atomic.Bool
	s := openIn(t, "store", smallTables(), failing(vfs.NewMem(), func(op errorfs.Op) bool {
		return broken.Load() && op.Kind == errorfs.OpFileReadAt && strings.HasSuffix(op.Path, ".sst")
	}))
	must(t, s.PutSession(ctx, sessionOf(1)))
	// More than pebble caches.
	const rounds, evidence = 40, 200_000
	for index := range uint32(rounds) {
		must(t, s.PutRound(ctx, roundOf(1, index, evidence)))
	}
	broken.Store(true)
	_, err := s.Rounds(ctx, idOf(1))
	wantError(t, err, errorfs.ErrInjected)
	broken.Store(false)
	wantRounds(t, s, 1, evidence, upTo(rounds)...)
}

func TestDamagedTable(t *testing.T) {
	dir := t.TempDir()
	s := openIn(t, dir, DefaultOptions(), vfs.Default)
	must(t, s.PutSession(t.Context(), sessionOf(1)))
	for index := range uint32(12) {
		must(t, s.PutRound(t.Context(), roundOf(1, index, largeEvidence)))
	}
	must(t, s.db.Flush())
	must(t, s.Close())
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	must(t, err)
	if len(tables) == 0 {
		t.Fatal("there are no tables to damage")
	}
	data, err := os.ReadFile(tables[0])
	must(t, err)
	data[len(data)/2] ^= 1
	must(t, os.WriteFile(tables[0], data, 0o600))
	// The tables are read to count what they hold.
	_, err = Open(dir, DefaultOptions())
	wantError(t, err, ErrCorrupt)
	if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), dir) {
		t.Errorf("%q is not one line that names the directory", err)
	}
}

// What a query reads while the disk stops was perhaps never stored: it is asked again.
func TestReadIsRepeatedWhenTheDiskStops(t *testing.T) {
	s := openMemory(t, DefaultOptions())
	must(t, s.PutSession(t.Context(), sessionOf(1)))
	runs := 0
	must(t, s.read(t.Context(), func() error {
		if runs++; runs == 1 {
			s.db.disk.stop(errors.New("the disk is gone"))
			return errors.New("a table that was never written cannot be read")
		}
		return nil
	}))
	if runs != 2 || s.Stats().Failures != 1 {
		t.Errorf("%d runs, %d failures", runs, s.Stats().Failures)
	}
	wantSessions(t, s, 1)
}

// Pebble calls Fatalf for what it cannot go on from. Nothing is acknowledged after that, until the store is opened again.
func TestFatalLogStopsTheDisk(t *testing.T) {
	s := openMemory(t, DefaultOptions())
	must(t, s.PutSession(t.Context(), sessionOf(1)))
	disk := s.db.disk
	pebbleLogger{s.options.Logger, disk.stop}.Fatalf("invariant %d broken", 7)
	if err := disk.failure(); err == nil || err.Error() != "invariant 7 broken" {
		t.Errorf("the disk failed with %v", err)
	}
	must(t, s.PutRound(t.Context(), roundOf(1, 0, 10)))
	wantRounds(t, s, 1, 10, 0)
	if s.Stats().Failures != 1 {
		t.Errorf("got stats %+v", s.Stats())
	}
}

// A full disk is an error of the chain, which says so once; what fails beside it is told as a warning.
func TestFailuresAreToldByHowBadTheyAre(t *testing.T) {
	for name, test := range map[string]struct {
		err   error
		quiet bool
		want  string
	}{
		"full":                {&fs.PathError{Op: "write", Path: "000002.log", Err: syscall.ENOSPC}, false, "level=WARN"},
		"read-only":           {syscall.EROFS, false, "level=WARN"},
		"broken":              {syscall.EIO, false, "level=ERROR"},
		"told in another way": {syscall.EIO, true, "level=DEBUG"},
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			options := Options{Logger: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug})), quiet: test.quiet}
			(&Store{options: options}).onFailure(fmt.Errorf("write: %w", test.err))
			if !strings.Contains(said.String(), test.want) {
				t.Errorf("said %q, want %s", said.String(), test.want)
			}
		})
	}
}
