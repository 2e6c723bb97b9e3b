package local

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

// roundsOf are the rounds of the nth session with indices from up to below to.
func roundsOf(n, from, to, evidence int) (rounds []*types.QoSRound) {
	for index := from; index < to; index++ {
		rounds = append(rounds, roundOf(n, uint32(index), evidence))
	}
	return rounds
}

// isLogSync chooses the syncs of the write-ahead log.
func isLogSync(op errorfs.Op) bool {
	sync := op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo
	return sync && strings.HasSuffix(op.Path, ".log")
}

func wantErrors(t testing.TB, got []error, want ...error) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d errors, want %d: %v", len(got), len(want), got)
	}
	for i := range want {
		if !errors.Is(got[i], want[i]) || want[i] == nil && got[i] != nil {
			t.Errorf("error %d is %v, want %v", i, got[i], want[i])
		}
	}
}

func TestPutAll(t *testing.T) {
	nameless, unprintable := sessionOf(3), roundOf(1, 0, 10)
	nameless.Header.Id, unprintable.SessionId = "", "a\nb"
	notUTF8, closed, second := roundOf(1, 5, 10), sessionOf(1), roundOf(1, 0, 10)
	notUTF8.Reason, closed.Closed, second.Status = "\xff", true, types.RoundStatus_ROUND_STATUS_VOID
	anything := errors.New("any error")
	for _, c := range []struct {
		name     string
		sessions []*types.QoSSession
		rounds   []*types.QoSRound
		want     []error
		// syncs are how often the log is synced; stored are the indices of session 1 afterwards.
		syncs  int32
		stored []uint32
	}{
		{name: "nothing"},
		{name: "one session", sessions: []*types.QoSSession{sessionOf(1)}, want: []error{nil}, syncs: 1},
		{
			name: "a session and its rounds", sessions: []*types.QoSSession{sessionOf(1)}, rounds: roundsOf(1, 0, 3, 10),
			want: []error{nil, nil, nil, nil}, syncs: 1, stored: upTo(3),
		}, {
			name: "a session twice", sessions: []*types.QoSSession{closed, sessionOf(1)}, rounds: roundsOf(1, 0, 1, 10),
			want: []error{nil, nil, nil}, syncs: 1, stored: upTo(1),
		}, {
			name: "a round twice", sessions: []*types.QoSSession{sessionOf(1)}, rounds: []*types.QoSRound{roundOf(1, 0, 10), second},
			want: []error{nil, nil, ErrRoundExists}, syncs: 1, stored: upTo(1),
		}, {
			name: "a round that is stored", rounds: []*types.QoSRound{roundOf(0, 0, 10), roundOf(0, 1, 10)},
			want: []error{ErrRoundExists, nil}, syncs: 1,
		}, {
			name: "refusals of every kind", sessions: []*types.QoSSession{nil, sessionOf(1), nameless},
			rounds: []*types.QoSRound{
				roundOf(2, 0, 10), unprintable, nil, roundOf(1, 0, 10), roundOf(1, 9, 300_000), notUTF8, roundOf(0, 0, 10), roundOf(1, 1, 10),
			},
			want: []error{
				anything, nil, anything,
				modules.ErrUnknownSession, anything, anything, nil, ErrFull, anything, ErrRoundExists, nil,
			},
			syncs: 1, stored: upTo(2),
		},
		{name: "refusals only", rounds: []*types.QoSRound{roundOf(0, 0, 10), roundOf(5, 0, 10)}, want: []error{ErrRoundExists, modules.ErrUnknownSession}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var syncs atomic.Int32
			files := failing(vfs.NewMem(), func(op errorfs.Op) bool {
				if isLogSync(op) {
					syncs.Add(1)
				}
				return false
			})
			s := openIn(t, "store", capped(200_000, 100), files)
			must(t, s.PutSession(t.Context(), sessionOf(0)))
			must(t, s.PutRound(t.Context(), roundOf(0, 0, 10)))
			syncs.Store(0)
			got := s.PutAll(t.Context(), c.sessions, c.rounds)
			for i, want := range c.want {
				if want == anything && got[i] != nil {
					got[i] = anything
				}
			}
			wantErrors(t, got, c.want...)
			if syncs.Load() != c.syncs {
				t.Errorf("the log was synced %d times, want %d", syncs.Load(), c.syncs)
			}
			for range 2 {
				if c.sessions != nil {
					wantSessions(t, s, 0, 1)
					wantRounds(t, s, 1, 10, c.stored...)
				}
				if got := s.Stats(); got.Failures != 0 {
					t.Errorf("refusals count as failures: %+v", got)
				}
				must(t, s.Close())
				s = openIn(t, "store", s.options, files)
			}
		})
	}
}

func TestPutAllOfClosedStoreAndEndedContext(t *testing.T) {
	s := openMemory(t, DefaultOptions())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	wantErrors(t, s.PutAll(ended, []*types.QoSSession{sessionOf(1)}, roundsOf(1, 0, 1, 10)), context.Canceled, context.Canceled)
	wantSessions(t, s)
	must(t, s.Close())
	wantErrors(t, s.PutAll(t.Context(), []*types.QoSSession{sessionOf(1)}, roundsOf(1, 0, 1, 10)), ErrClosed, ErrClosed)
}

// One call has the outcome of one call for each session and round, caps included, and so has the store after it.
func TestPutAllIsAsOneByOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		ctx, options := context.Background(), capped(1<<16, 3)
		files, otherFiles := vfs.NewMem(), vfs.NewMem()
		together, err := open("store", options, files)
		must(t, err)
		defer func() { must(t, together.Close()) }()
		apart, err := open("store", options, otherFiles)
		must(t, err)
		defer func() { must(t, apart.Close()) }()
		for range rapid.IntRange(1, 6).Draw(r, "calls") {
			var sessions []*types.QoSSession
			var rounds []*types.QoSRound
			var want []error
			for _, n := range rapid.SliceOfN(rapid.IntRange(0, 5), 0, 4).Draw(r, "sessions") {
				session := sessionOf(n)
				session.JoinedUnixNano = rapid.Int64Range(0, 2).Draw(r, "joined")
				sessions = append(sessions, session)
				want = append(want, apart.PutSession(ctx, session))
			}
			for _, n := range rapid.SliceOfN(rapid.IntRange(0, 5), 0, 8).Draw(r, "rounds") {
				evidence := rapid.SampledFrom([]int{10, 9_000, 40_000, 70_000}).Draw(r, "evidence")
				round := roundOf(n, rapid.Uint32Range(0, 3).Draw(r, "index"), evidence)
				rounds = append(rounds, round)
				want = append(want, apart.PutRound(ctx, round))
			}
			got := together.PutAll(ctx, sessions, rounds)
			for i := range want {
				if fmt.Sprint(got[i]) != fmt.Sprint(want[i]) {
					r.Fatalf("error %d is %v, want %v", i, got[i], want[i])
				}
			}
			if rapid.Bool().Draw(r, "reopen") {
				must(t, together.Close())
				together, err = open("store", options, files)
				must(t, err)
			}
			wantSame(t, together, apart)
		}
	})
}

// wantSame checks that two stores hold the same.
func wantSame(t *testing.T, got, want *Store) {
	t.Helper()
	if got.Stats() != want.Stats() {
		t.Fatalf("got stats %+v, want %+v", got.Stats(), want.Stats())
	}
	gotSessions, err := got.Sessions(context.Background())
	must(t, err)
	wantSessions, err := want.Sessions(context.Background())
	must(t, err)
	same := func(a, b *types.QoSSession) bool { return proto.Equal(a, b) }
	if !slices.EqualFunc(gotSessions, wantSessions, same) {
		t.Fatalf("got sessions %v, want %v", gotSessions, wantSessions)
	}
	for _, session := range wantSessions {
		gotRounds, err := got.Rounds(context.Background(), session.GetHeader().GetId())
		must(t, err)
		wantRounds, err := want.Rounds(context.Background(), session.GetHeader().GetId())
		must(t, err)
		if !slices.EqualFunc(gotRounds, wantRounds, func(a, b *types.QoSRound) bool { return proto.Equal(a, b) }) {
			t.Fatalf("session %s differs", session.GetHeader().GetId())
		}
	}
}

// Each write of a batch fails in turn. Nothing is acknowledged that is not durable, and after a crash there is all of the
// batch or nothing; what was stored before stays. The batch is one that fits in a memtable, and one that does not.
func TestDiskFailsInBatch(t *testing.T) {
	for name, evidence := range map[string]int{"small": 10, "large": 20_000} {
		t.Run(name, func(t *testing.T) {
			const batch = 5
			for target := int64(1); ; target++ {
				var hit atomic.Pointer[errorfs.Op]
				var armed atomic.Bool
				choose := nth(target, &hit)
				memory := vfs.NewCrashableMem()
				s, err := open("store", smallTables(), failing(memory, func(op errorfs.Op) bool { return armed.Load() && choose(op) }))
				must(t, err)
				wantErrors(t, s.PutAll(t.Context(), []*types.QoSSession{sessionOf(1)}, roundsOf(1, 0, 1, evidence)), nil, nil)
				before := s.Stats()
				armed.Store(true)
				errs := s.PutAll(t.Context(), []*types.QoSSession{sessionOf(2), nil}, roundsOf(2, 0, batch, evidence))
				armed.Store(false)
				acknowledged := errs[0] == nil
				for i, err := range errs {
					if i != 1 && !acknowledged {
						wantError(t, err, errorfs.ErrInjected)
					} else if (err == nil) != (acknowledged && i != 1) {
						t.Fatalf("write %d: error %d is %v, of %v", target, i, err, errs)
					}
				}
				if after := s.Stats(); !acknowledged && (after.Rounds != before.Rounds || after.Bytes != before.Bytes) {
					t.Errorf("write %d: stats %+v after a failed batch, %+v before", target, after, before)
				}
				crashed := memory.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(1, uint64(target)))})
				_ = s.Close()
				wantAllOrNothing(t, crashed, evidence, batch, acknowledged)
				wantAllOrNothing(t, memory, evidence, batch, acknowledged)
				if hit.Load() == nil {
					if target < 3 {
						t.Errorf("only %d writes were made to fail", target-1)
					}
					break
				}
			}
		})
	}
}

// wantAllOrNothing checks that the first session has its round, and the second all rounds of its batch or is not there.
func wantAllOrNothing(t *testing.T, files vfs.FS, evidence, batch int, acknowledged bool) {
	t.Helper()
	s, err := open("store", smallTables(), files)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	wantRounds(t, s, 1, evidence, 0)
	rounds, err := s.Rounds(t.Context(), idOf(2))
	if err != nil && !acknowledged {
		wantError(t, err, modules.ErrUnknownSession)
		return
	}
	must(t, err)
	if len(rounds) != batch {
		t.Fatalf("%d rounds of a batch of %d are stored", len(rounds), batch)
	}
	wantRounds(t, s, 2, evidence, upTo(batch)...)
}

// A round that a failed write stored after all is no duplicate when the write is repeated. One that was there before is.
func TestFailedWriteThatIsStored(t *testing.T) {
	var fail atomic.Bool
	s := sampleIn(t, "store", refusing(vfs.NewMem(), syscall.EIO, func(op errorfs.Op) bool {
		return isLogSync(op) && fail.CompareAndSwap(true, false)
	}))
	must(t, s.PutSession(t.Context(), sessionOf(1)))
	s.put(1, 0)
	fail.Store(true)
	rounds := []*types.QoSRound{roundOf(1, 0, 10), roundOf(1, 1, 10), roundOf(1, 1, 10), roundOf(1, 2, 10)}
	wantErrors(t, s.PutAll(t.Context(), nil, rounds), ErrRoundExists, nil, ErrRoundExists, nil)
	if fail.Load() || s.log.count("succeeded when it was repeated") != 1 {
		t.Error("no sync failed")
	}
	s.wantDurable(true)
	s.wantHeld(1, 0, 1, 2)
}

// A table that cannot be read, to see whether a round is stored already, fails the batch.
func TestUnreadableTableFailsBatch(t *testing.T) {
	var broken atomic.Bool
	s := openIn(t, "store", smallTables(), failing(vfs.NewMem(), func(op errorfs.Op) bool {
		return broken.Load() && op.Kind == errorfs.OpFileReadAt && strings.HasSuffix(op.Path, ".sst")
	}))
	// More than pebble caches.
	const evidence = 200_000
	wantErrors(t, s.PutAll(t.Context(), []*types.QoSSession{sessionOf(1)}, roundsOf(1, 0, 40, evidence)), make([]error, 41)...)
	must(t, s.db.Flush())
	broken.Store(true)
	rounds := []*types.QoSRound{roundOf(1, 100, 10), roundOf(1, 7, 10), roundOf(2, 0, 10)}
	got := s.PutAll(t.Context(), nil, rounds)
	wantErrors(t, got, errorfs.ErrInjected, errorfs.ErrInjected, errorfs.ErrInjected)
	if !failedByDisk(got[0]) || !failedByDisk(got[2]) || s.Stats().Failures != 1 {
		t.Errorf("got errors %v, stats %+v", got, s.Stats())
	}
	broken.Store(false)
	wantErrors(t, s.PutAll(t.Context(), nil, rounds), nil, ErrRoundExists, modules.ErrUnknownSession)
}

// A disk that fails a copy is reported before what the caps refuse, which does not end a move.
func TestCopyReportsTheDiskFirst(t *testing.T) {
	var broken atomic.Bool
	s := openIn(t, "store", capped(1<<16, 10), failing(vfs.NewMem(), func(op errorfs.Op) bool { return broken.Load() && isWrite(op) }))
	must(t, s.PutSession(t.Context(), sessionOf(1)))
	rounds := []*types.QoSRound{roundOf(1, 0, 70_000), roundOf(1, 1, 10)}
	broken.Store(true)
	wantError(t, copyTo(t.Context(), s, nil, rounds), errorfs.ErrInjected)
	broken.Store(false)
	wantError(t, copyTo(t.Context(), s, nil, rounds), ErrFull)
	wantRounds(t, s, 1, 10, 1)
}

// The disk fails for good at each write of a batch in turn: the batch is held in memory, refusals stay refusals.
func TestBatchIsHeldInMemory(t *testing.T) {
	for target := int64(1); ; target++ {
		var count atomic.Int64
		var armed atomic.Bool
		memory := vfs.NewMem()
		s := sampleIn(t, "store", refusing(memory, syscall.ENOSPC, func(op errorfs.Op) bool {
			return armed.Load() && isWrite(op) && count.Add(1) >= target
		}))
		must(t, s.PutSession(t.Context(), sessionOf(1)))
		s.put(1, 0)
		armed.Store(true)
		closed := sessionOf(1)
		closed.Closed = true
		got := s.PutAll(t.Context(), []*types.QoSSession{sessionOf(2), closed}, append(roundsOf(1, 0, 3, 10), roundOf(1, 2, 10), roundOf(2, 0, 10), roundOf(3, 0, 10)))
		wantErrors(t, got, nil, nil, ErrRoundExists, nil, nil, ErrRoundExists, nil, modules.ErrUnknownSession)
		s.wantHeld(1, 0, 1, 2)
		s.wantHeld(2, 0)
		failed := !s.Health().Durable
		armed.Store(false)
		s.later()
		s.wantDurable(true)
		s.wantHeld(1, 0, 1, 2)
		s.wantHeld(2, 0)
		must(t, s.Close())
		after := openIn(t, "store", smallTables(), memory)
		wantRounds(t, after, 1, 10, 0, 1, 2)
		wantRounds(t, after, 2, 10, 0)
		must(t, after.Close())
		if !failed {
			if target < 3 {
				t.Errorf("only %d writes were made to fail", target-1)
			}
			break
		}
	}
}

// A write that the disk does not finish blocks its caller and other writes. Reads go on without what is not durable.
func TestHungDisk(t *testing.T) {
	ctx, memory := t.Context(), vfs.NewCrashableMem()
	var armed atomic.Bool
	hung, released := make(chan struct{}), make(chan struct{})
	hang, release := sync.OnceFunc(func() { close(hung) }), sync.OnceFunc(func() { close(released) })
	defer release()
	s := sampleIn(t, "store", failing(memory, func(op errorfs.Op) bool {
		if armed.Load() && isLogSync(op) {
			hang()
			<-released
		}
		return false
	}))
	must(t, s.PutSession(ctx, sessionOf(1)))
	s.put(1, 0)
	before := s.Health()
	armed.Store(true)
	outcome := make(chan []error, 1)
	go func() { outcome <- s.PutAll(ctx, []*types.QoSSession{sessionOf(2)}, roundsOf(1, 1, 4, 10)) }()
	<-hung
	s.wantHeld(1, 0)
	sessions, err := s.Sessions(ctx)
	must(t, err)
	_, unknown := s.Session(ctx, idOf(2))
	wantError(t, unknown, modules.ErrUnknownSession)
	_, unknown = s.Rounds(ctx, idOf(2))
	wantError(t, unknown, modules.ErrUnknownSession)
	if len(sessions) != 1 || s.Health() != before {
		t.Errorf("%d sessions are listed, health %+v, want %+v", len(sessions), s.Health(), before)
	}
	for _, percent := range []int{0, 50, 100} {
		crashed := memory.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(1, 1))})
		after := openIn(t, "store", smallTables(), crashed)
		rounds, err := after.Rounds(ctx, idOf(1))
		must(t, err)
		if len(rounds) != 1 && len(rounds) != 4 {
			t.Errorf("%d%% of what is not synced survives: %d rounds, want 1 or all 4", percent, len(rounds))
		}
	}
	select {
	case errs := <-outcome:
		t.Fatalf("the batch returned while the disk hung: %v", errs)
	default:
	}
	release()
	wantErrors(t, <-outcome, nil, nil, nil, nil)
	s.wantHeld(1, 0, 1, 2, 3)
	s.wantHeld(2)
}

// Calls that come while the disk takes a write share the next one. Each has its own outcome, and what one is refused keeps no
// other from being stored.
func TestCallsAreStoredTogether(t *testing.T) {
	const others = 20
	var armed atomic.Bool
	var syncs atomic.Int64
	hung, released := make(chan struct{}), make(chan struct{})
	hang := sync.OnceFunc(func() { close(hung); <-released })
	s := openIn(t, "store", smallTables(), failing(vfs.NewCrashableMem(), func(op errorfs.Op) bool {
		if armed.Load() && isLogSync(op) {
			syncs.Add(1)
			hang()
		}
		return false
	}))
	must(t, s.PutSession(t.Context(), sessionOf(1)))
	must(t, s.PutRound(t.Context(), roundOf(1, 0, 10)))
	armed.Store(true)
	var storing sync.WaitGroup
	errs := make([]error, others+3)
	put := func(at, session int, index uint32) {
		storing.Go(func() { errs[at] = s.PutRound(context.Background(), roundOf(session, index, 10)) })
	}
	put(0, 1, 1)
	<-hung
	for i := range others {
		put(1+i, 1, uint32(2+i))
	}
	put(others+1, 1, 0)
	put(others+2, 2, 0)
	for waiting := 0; waiting < others+2; runtime.Gosched() {
		s.calls.mu.Lock()
		waiting = len(s.calls.waiting)
		s.calls.mu.Unlock()
	}
	close(released)
	storing.Wait()
	wantErrors(t, errs, append(make([]error, others+1), ErrRoundExists, modules.ErrUnknownSession)...)
	if syncs.Load() > 3 { // the first, the shared one, and one that the log may need between them
		t.Errorf("%d syncs", syncs.Load())
	}
	if rounds, err := s.Rounds(t.Context(), idOf(1)); err != nil || len(rounds) != others+2 {
		t.Errorf("%d rounds, %v", len(rounds), err)
	}
	must(t, s.Close())
}

// BenchmarkPutAll stores 50 rounds on a real disk: in one call, in 50, in 50 at once, and as bare bytes by pebble, at once and in
// one batch.
func BenchmarkPutAll(b *testing.B) {
	const rounds = 50
	ctx := context.Background()
	// batches makes rounds that were not stored before.
	batches := func() func() []*types.QoSRound {
		next := uint32(0)
		return func() (made []*types.QoSRound) {
			for range rounds {
				made = append(made, fullRound(1, next))
				next++
			}
			return made
		}
	}
	inStore := func(b *testing.B, put func(s *Store, rounds []*types.QoSRound) error) {
		s := openIn(b, b.TempDir(), Options{MaxBytes: 1 << 40, MaxSessions: 10}, vfs.Default)
		must(b, s.PutSession(ctx, sessionOf(1)))
		next := batches()
		for b.Loop() {
			b.StopTimer()
			made := next()
			b.StartTimer()
			must(b, put(s, made))
		}
	}
	b.Run("together", func(b *testing.B) {
		inStore(b, func(s *Store, rounds []*types.QoSRound) error { return errors.Join(s.PutAll(ctx, nil, rounds)...) })
	})
	b.Run("apart", func(b *testing.B) {
		inStore(b, func(s *Store, rounds []*types.QoSRound) (err error) {
			for _, round := range rounds {
				err = errors.Join(err, s.PutRound(ctx, round))
			}
			return err
		})
	})
	b.Run("at once", func(b *testing.B) {
		inStore(b, func(s *Store, rounds []*types.QoSRound) error {
			var storing errgroup.Group
			for _, round := range rounds {
				storing.Go(func() error { return s.PutRound(ctx, round) })
			}
			return storing.Wait()
		})
	})
	b.Run("bare at once", func(b *testing.B) {
		s := openIn(b, b.TempDir(), DefaultOptions(), vfs.Default)
		next := batches()
		for b.Loop() {
			b.StopTimer()
			puts := newPuts(nil, next())
			b.StartTimer()
			var storing errgroup.Group
			for _, p := range puts {
				storing.Go(func() error { return s.db.Set(p.key, p.record, pebble.Sync) })
			}
			must(b, storing.Wait())
		}
		b.StopTimer()
		must(b, s.db.DeleteRange([]byte{keyVersion, kindRound}, []byte{keyVersion, kindRound + 1}, pebble.Sync))
	})
	b.Run("bare", func(b *testing.B) {
		s := openIn(b, b.TempDir(), DefaultOptions(), vfs.Default)
		next := batches()
		for b.Loop() {
			b.StopTimer()
			puts := newPuts(nil, next())
			b.StartTimer()
			batch := s.db.NewBatch()
			for _, p := range puts {
				must(b, batch.Set(p.key, p.record, nil))
			}
			must(b, s.db.Apply(batch, pebble.Sync))
			must(b, batch.Close())
		}
		b.StopTimer()
		must(b, s.db.DeleteRange([]byte{keyVersion, kindRound}, []byte{keyVersion, kindRound + 1}, pebble.Sync))
	})
}
