package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"google.golang.org/protobuf/proto"
)

// refusing makes the chosen operations of a file system fail as the system would.
func refusing(files vfs.FS, cause syscall.Errno, choose func(op errorfs.Op) bool) vfs.FS {
	return errorfs.Wrap(files, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if choose(op) {
			return &fs.PathError{Op: "injected", Path: op.Path, Err: cause}
		}
		return nil
	}))
}

// lines is a log of warnings and errors.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

// sampling is a sample store in a test, with a clock of its own.
type sampling struct {
	*Samples
	t     *testing.T
	log   *lines
	clock atomic.Int64
}

// sampleIn opens a sample store in a file system.
func sampleIn(t *testing.T, dir string, files vfs.FS) *sampling {
	return sampleWith(t, smallTables(), dir, files)
}

func sampleWith(t *testing.T, options Options, dir string, files vfs.FS) *sampling {
	t.Helper()
	s := &sampling{t: t, log: &lines{}}
	s.clock.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	options.Logger = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	var err error
	s.Samples, err = openSamples(dir, options, files, func() time.Time { return time.Unix(0, s.clock.Load()) })
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// later advances the clock until a failed disk is due to be tried again, triggers that, and waits for it.
func (s *sampling) later() {
	s.t.Helper()
	s.clock.Add(int64(repairInterval))
	_, err := s.Prune(context.Background(), 1000)
	must(s.t, err)
	s.repairs.Wait()
}

// put stores rounds of the nth session, which must be acknowledged.
func (s *sampling) put(n int, indices ...uint32) {
	s.t.Helper()
	for _, index := range indices {
		must(s.t, s.PutRound(context.Background(), roundOf(n, index, 10)))
	}
}

// wantHeld checks that exactly the given rounds of the nth session can be read, intact.
func (s *sampling) wantHeld(n int, indices ...uint32) {
	s.t.Helper()
	rounds, err := s.Rounds(context.Background(), idOf(n))
	must(s.t, err)
	var got []uint32
	for _, round := range rounds {
		got = append(got, round.GetIndex())
		if !proto.Equal(round, roundOf(n, round.GetIndex(), 10)) {
			s.t.Fatalf("round %d of session %d is not what was stored", round.GetIndex(), n)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(indices) {
		s.t.Fatalf("session %d has rounds %v, want %v", n, got, indices)
	}
}

func (s *sampling) wantDurable(want bool) {
	s.t.Helper()
	health := s.Health()
	if health.Durable != want || (health.Reason == "") != want || health.Since.IsZero() != want {
		s.t.Fatalf("durable should be %v: %+v", want, health)
	}
}

func headersOf(sessions []*types.QoSSession) (ids []string) {
	for _, session := range sessions {
		ids = append(ids, session.GetHeader().GetId())
	}
	return ids
}

// While the disk is full, sampling goes on in memory and everything can be read; when there is room again, all of it ends
// up on the disk, once.
func TestFullDisk(t *testing.T) {
	ctx, memory := t.Context(), vfs.NewMem()
	var full atomic.Bool
	s := sampleIn(t, "store", refusing(memory, syscall.ENOSPC, func(op errorfs.Op) bool { return full.Load() && isWrite(op) }))
	must(t, s.PutSession(ctx, sessionOf(1)))
	must(t, s.PutSession(ctx, sessionOf(2)))
	s.put(1, 0, 1, 2)
	s.put(2, 0)
	s.wantDurable(true)

	full.Store(true)
	s.put(1, 3, 4)
	s.put(2, 1)
	must(t, s.PutSession(ctx, sessionOf(3)))
	s.put(3, 0)
	s.wantDurable(false)
	health := s.Health()
	if !strings.Contains(health.Reason, "no space left") || !health.Since.Equal(time.Unix(0, s.clock.Load())) {
		t.Errorf("got health %+v", health)
	}
	if health.Disk.Rounds != 4 || health.Memory.Rounds != 4 || health.Memory.Sessions != 3 || health.Memory.Bytes == 0 {
		t.Errorf("got health %+v", health)
	}
	s.later() // still full
	s.put(3, 1)
	s.wantHeld(1, 0, 1, 2, 3, 4)
	s.wantHeld(2, 0, 1)
	s.wantHeld(3, 0, 1)
	if told := s.log.count("\n"); told != 1 || s.log.count("held in memory only") != 1 {
		t.Errorf("%d lines were logged, want one:\n%s", told, s.log.text.String())
	}
	sessions, err := s.Sessions(ctx)
	must(t, err)
	if got, want := fmt.Sprint(headersOf(sessions)), fmt.Sprint([]string{idOf(1), idOf(2), idOf(3)}); got != want {
		t.Errorf("got sessions %s, want %s", got, want)
	}
	if _, err := s.Rounds(ctx, idOf(9)); !errors.Is(err, modules.ErrUnknownSession) {
		t.Errorf("rounds of an unknown session: %v", err)
	}

	full.Store(false)
	s.put(3, 2) // not tried again yet
	s.wantDurable(false)
	s.later()
	s.wantDurable(true)
	s.put(3, 3)
	s.wantHeld(1, 0, 1, 2, 3, 4)
	must(t, s.Close())
	after := openIn(t, "store", smallTables(), memory)
	wantSessions(t, after, 1, 2, 3)
	wantRounds(t, after, 1, 10, upTo(5)...)
	wantRounds(t, after, 2, 10, upTo(2)...)
	wantRounds(t, after, 3, 10, upTo(4)...)
}

// A single failure of the disk is mended by opening the store again.
func TestSingleFailureStaysDurable(t *testing.T) {
	var fail atomic.Bool
	s := sampleIn(t, "store", refusing(vfs.NewMem(), syscall.EIO, func(op errorfs.Op) bool { return isWrite(op) && fail.CompareAndSwap(true, false) }))
	must(t, s.PutSession(t.Context(), sessionOf(1)))
	for index := range uint32(6) {
		fail.Store(true)
		s.put(1, index)
	}
	s.wantDurable(true)
	s.wantHeld(1, upTo(6)...)
	wantError(t, s.PutRound(t.Context(), roundOf(1, 0, 10)), ErrRoundExists)
	if s.log.count("succeeded when it was repeated") == 0 {
		t.Error("nothing was said of the failures")
	}
}

// The disk fails for good at each write in turn. Every round is acknowledged and can be read, and what was acknowledged
// as durable is on the disk.
func TestDiskFailsForGood(t *testing.T) {
	const rounds = 6
	ctx, recovering, seen, step := t.Context(), unflushed(t), 0, int64(1)
	if testing.Short() {
		step = 7
	}
	for target := int64(1); ; target += step {
		memory := recovering()
		var count atomic.Int64
		s := sampleIn(t, "store", refusing(memory, syscall.EIO, func(op errorfs.Op) bool { return isWrite(op) && count.Add(1) >= target }))
		must(t, s.PutSession(ctx, sessionOf(2)))
		durable := 0
		for index := range uint32(rounds) {
			evidence := evidenceOf(int(index))
			must(t, s.PutRound(ctx, roundOf(2, index, evidence)))
			if s.Health().Durable {
				durable = int(index) + 1
			}
		}
		held, err := s.Rounds(ctx, idOf(2))
		must(t, err)
		before, err := s.Rounds(ctx, idOf(1))
		must(t, err)
		if len(held) != rounds || len(before) != 2 {
			t.Fatalf("write %d: %d and %d rounds can be read, want %d and 2", target, len(held), len(before), rounds)
		}
		reached := !s.Health().Durable
		_ = s.Close() // writes too; nothing that was acknowledged depends on it
		after, err := open("store", smallTables(), memory)
		must(t, err)
		stored, err := after.Rounds(ctx, idOf(2))
		if durable > 0 {
			must(t, err)
		}
		if len(stored) < durable {
			t.Fatalf("write %d: %d rounds are on the disk, %d were durable", target, len(stored), durable)
		}
		wantRoundsOf(t, stored, 2)
		must(t, after.Close())
		if !reached {
			break
		}
		seen++
	}
	t.Logf("%d writes", seen)
	if seen < 50/int(step) {
		t.Errorf("only %d writes were made to fail", seen)
	}
}

func wantRoundsOf(t *testing.T, rounds []*types.QoSRound, n int) {
	t.Helper()
	for place, round := range rounds {
		if int(round.GetIndex()) != place || !proto.Equal(round, roundOf(n, round.GetIndex(), evidenceOf(place))) {
			t.Fatalf("place %d holds round %d, or another than was stored", place, round.GetIndex())
		}
	}
}

// On a read-only disk a store opens, reads what is there, and holds new samples in memory.
func TestReadOnlyDisk(t *testing.T) {
	ctx, memory := t.Context(), unflushed(t)()
	s := sampleIn(t, "store", refusing(memory, syscall.EROFS, func(op errorfs.Op) bool {
		return op.Kind.ReadOrWrite() == errorfs.OpIsWrite
	}))
	s.wantDurable(false)
	if reason := s.Health().Reason; !strings.Contains(reason, "read-only") {
		t.Errorf("the reason is %q", reason)
	}
	before, err := s.Rounds(ctx, idOf(1))
	must(t, err)
	wantRoundsOf(t, before, 1)
	if len(before) != 2 {
		t.Errorf("%d rounds can be read of before, want 2", len(before))
	}
	must(t, s.PutSession(ctx, sessionOf(2)))
	s.put(2, 0, 1)
	s.later()
	s.wantDurable(false)
	s.wantHeld(2, 0, 1)
	session, err := s.Session(ctx, idOf(1))
	must(t, err)
	if session.GetHeader().GetId() != idOf(1) || s.Health().Disk.Rounds != 2 {
		t.Errorf("got session %v, health %+v", session, s.Health())
	}
}

// A disk that can neither be written nor read leaves what is held in memory.
func TestDeadDisk(t *testing.T) {
	ctx := t.Context()
	var dead atomic.Bool
	s := sampleIn(t, "store", refusing(vfs.NewMem(), syscall.EIO, func(errorfs.Op) bool { return dead.Load() }))
	must(t, s.PutSession(ctx, sessionOf(1)))
	s.put(1, 0)
	dead.Store(true)
	s.put(1, 1, 2)
	s.wantDurable(false)
	// Nobody would see that the first is missing.
	if rounds, err := s.Rounds(ctx, idOf(1)); !errors.Is(err, errEarlierRounds) || s.Health().UnreadableSessions != 1 {
		t.Errorf("%d rounds can be read, %v", len(rounds), err)
	}
	must(t, s.PutSession(ctx, sessionOf(2)))
	s.put(2, 0)
	s.wantHeld(2, 0)
	sessions, err := s.Sessions(ctx)
	must(t, err)
	if len(sessions) != 2 {
		t.Errorf("%d sessions, want the open ones", len(sessions))
	}
	dead.Store(false)
	s.later()
	s.wantDurable(true)
	s.wantHeld(1, 0, 1, 2)
}

// What is held in memory keeps within its caps.
func TestMemoryIsBounded(t *testing.T) {
	options := smallTables()
	options.memoryBytes = 1 << 20
	s := sampleWith(t, options, "store", refusing(vfs.NewMem(), syscall.ENOSPC, isWrite))
	for n := range 90 {
		must(t, s.PutSession(t.Context(), sessionOf(n)))
		must(t, s.PutRound(t.Context(), roundOf(n, 0, 15_000)))
		closed := sessionOf(n)
		closed.Closed = true
		must(t, s.PutSession(t.Context(), closed))
	}
	health := s.Health()
	if health.Memory.Bytes > options.memoryBytes || health.Memory.EvictedSessions < 10 || health.Memory.Sessions < 50 {
		t.Errorf("got health %+v", health)
	}
	if len(s.open.all()) != 0 {
		t.Errorf("%d sessions count as open", len(s.open.all()))
	}
}

// Closing writes what is held in memory, or says how much of it is lost.
func TestCloseWhileHeldInMemory(t *testing.T) {
	for name, works := range map[string]bool{"the disk works again": true, "the disk still fails": false} {
		t.Run(name, func(t *testing.T) {
			memory := vfs.NewMem()
			var full atomic.Bool
			s := sampleIn(t, "store", refusing(memory, syscall.ENOSPC, func(op errorfs.Op) bool { return full.Load() && isWrite(op) }))
			must(t, s.PutSession(t.Context(), sessionOf(1)))
			s.put(1, 0)
			full.Store(true)
			s.put(1, 1, 2)
			full.Store(!works)
			must(t, s.Close())
			wantError(t, s.PutRound(t.Context(), roundOf(1, 3, 10)), ErrClosed)
			if _, err := s.Sessions(t.Context()); !errors.Is(err, ErrClosed) {
				t.Errorf("read after it was closed: %v", err)
			}
			after := openIn(t, "store", smallTables(), memory)
			if works {
				wantRounds(t, after, 1, 10, 0, 1, 2)
			} else {
				wantRounds(t, after, 1, 10, 0)
			}
			if lost := s.log.count("are lost\" rounds=2"); (lost == 0) != works {
				t.Errorf("the loss was logged %d times:\n%s", lost, s.log.text.String())
			}
		})
	}
}

// The disk comes and goes while many write and read: every acknowledged round is there in the end, once.
func TestDiskComesAndGoes(t *testing.T) {
	const sessions, rounds = 4, 30
	ctx, memory := t.Context(), vfs.NewMem()
	var broken atomic.Bool
	s := sampleIn(t, "store", refusing(memory, syscall.EIO, func(op errorfs.Op) bool { return broken.Load() && isWrite(op) }))
	var all sync.WaitGroup
	for n := range sessions {
		all.Go(func() {
			if err := s.PutSession(ctx, sessionOf(n)); err != nil {
				t.Error(err)
			}
			for index := range uint32(rounds) {
				if err := s.PutRound(ctx, roundOf(n, index, 10)); err != nil {
					t.Error(err)
				}
				stored, err := s.Rounds(ctx, idOf(n))
				if err != nil || len(stored) != int(index)+1 {
					t.Errorf("session %d after round %d: %d rounds, %v", n, index, len(stored), err)
				}
				if n == 0 {
					broken.Store(index%10 > 4)
					s.clock.Add(int64(repairInterval))
				}
			}
		})
	}
	all.Wait()
	broken.Store(false)
	s.later()
	s.later()
	s.wantDurable(true)
	must(t, s.Close())
	after := openIn(t, "store", smallTables(), memory)
	for n := range sessions {
		wantRounds(t, after, n, 10, upTo(rounds)...)
	}
}

// A store that others use, or that is no store, is refused as by Open.
func TestSamplesRefused(t *testing.T) {
	files := vfs.NewMem()
	openIn(t, "store", smallTables(), files)
	_, err := openSamples("store", smallTables(), files, time.Now)
	wantError(t, err, ErrInUse)
	file, err := files.Create("other/thesis.txt", vfs.WriteCategoryUnspecified)
	if err != nil {
		must(t, files.MkdirAll("other", 0o700))
		file, err = files.Create("other/thesis.txt", vfs.WriteCategoryUnspecified)
		must(t, err)
	}
	must(t, file.Close())
	_, err = openSamples("other", smallTables(), files, time.Now)
	wantError(t, err, ErrForeign)
	if _, err := openSamples("third", Options{}, files, time.Now); err == nil {
		t.Error("options without caps were taken")
	}
}
