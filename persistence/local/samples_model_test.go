package local

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"pgregory.net/rapid"
)

// flaky is a sample store on a disk that may refuse writes and lose its power.
type flaky struct {
	*Samples
	disk   *vfs.MemFS
	broken atomic.Bool
	clock  atomic.Int64
}

// start opens the store on what the disk holds.
func (f *flaky) start(t *testing.T) {
	t.Helper()
	files := refusing(f.disk, syscall.EROFS, func(op errorfs.Op) bool { return f.broken.Load() && isWrite(op) })
	var err error
	f.Samples, err = openSamples("store", smallTables(), files, func() time.Time { return time.Unix(0, f.clock.Load()) })
	must(t, err)
}

// Any sequence of writes, failures, repairs, restarts and losses of power: what was acknowledged can be read, once and as
// it was, and what was acknowledged as durable survives the loss of power too.
func TestSamplesAgainstModel(t *testing.T) {
	const evidence = 20
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		ctx, f := context.Background(), &flaky{disk: vfs.NewCrashableMem()}
		f.start(t)
		defer func() { _ = f.Close() }()   // the disk may be broken
		known := map[int]map[uint32]bool{} // session → round → durable
		settle := func() {
			if !f.Health().Durable {
				return
			}
			for _, rounds := range known {
				for index := range rounds {
					rounds[index] = true
				}
			}
		}
		session, index := rapid.IntRange(0, 3), rapid.Uint32Range(0, 7)
		check := func(r *rapid.T) {
			wantListed(t, f.Samples, known)
			for n, rounds := range known {
				got, err := f.Rounds(ctx, idOf(n))
				must(t, err)
				if len(got) != len(rounds) {
					r.Fatalf("session %d has %d rounds, want %d", n, len(got), len(rounds))
				}
				for place, want := range slices.Sorted(maps.Keys(rounds)) {
					if got[place].GetIndex() != want || got[place].String() != roundOf(n, want, evidence).String() {
						r.Fatalf("session %d: place %d holds round %d, want %d as it was", n, place, got[place].GetIndex(), want)
					}
				}
			}
		}
		r.Repeat(map[string]func(*rapid.T){
			"PutSession": func(r *rapid.T) {
				n := session.Draw(r, "session")
				must(t, f.PutSession(ctx, sessionOf(n)))
				if known[n] == nil {
					known[n] = map[uint32]bool{}
				}
			},
			"PutRound": func(r *rapid.T) {
				n, index := session.Draw(r, "session"), index.Draw(r, "index")
				if known[n] == nil || !f.isOpen(n) {
					r.Skip("not an open session")
				}
				err := f.PutRound(ctx, roundOf(n, index, evidence))
				if _, stored := known[n][index]; !stored {
					must(t, err)
					known[n][index] = false
				}
				settle()
			},
			"PutAll": func(r *rapid.T) {
				n, from, to := session.Draw(r, "session"), index.Draw(r, "from"), index.Draw(r, "to")
				if known[n] == nil {
					known[n] = map[uint32]bool{}
				}
				errs := f.PutAll(ctx, []*types.QoSSession{sessionOf(n)}, roundsOf(n, int(from), int(to), evidence))
				must(t, errs[0])
				for i, err := range errs[1:] {
					if _, stored := known[n][from+uint32(i)]; !stored {
						must(t, err)
						known[n][from+uint32(i)] = false
					}
				}
				settle()
			},
			"Break": func(*rapid.T) { f.broken.Store(true) },
			"Mend":  func(*rapid.T) { f.broken.Store(false) },
			"Wait": func(*rapid.T) {
				f.clock.Add(int64(repairInterval))
				_, err := f.Prune(ctx, 1000)
				must(t, err)
				f.repairs.Wait()
				settle()
			},
			"LosePower": func(*rapid.T) {
				crashed := f.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(1, 2))})
				_ = f.Close()
				f.disk = crashed
				f.broken.Store(false)
				f.start(t)
				keepDurable(t, f.Samples, known)
				settle()
			},
			"Read": check,
		})
		check(r)
	})
}

// isOpen reports whether the nth session was put since the store was opened.
func (f *flaky) isOpen(n int) bool {
	for _, session := range f.open.all() {
		if session.GetHeader().GetId() == idOf(n) {
			return true
		}
	}
	return false
}

func wantListed(t *testing.T, s *Samples, known map[int]map[uint32]bool) {
	t.Helper()
	sessions, err := s.Sessions(context.Background())
	must(t, err)
	var got []int
	for _, session := range sessions {
		got = append(got, int(session.GetHeader().GetStartHeight()/10))
	}
	if want := slices.Sorted(maps.Keys(known)); !slices.Equal(got, want) {
		t.Fatalf("sessions %v are listed, want %v", got, want)
	}
}

// keepDurable checks after a loss of power that what was durable is there, and forgets what was lost rightly.
func keepDurable(t *testing.T, s *Samples, known map[int]map[uint32]bool) {
	t.Helper()
	for n, rounds := range known {
		there := map[uint32]bool{}
		stored, err := s.Rounds(context.Background(), idOf(n))
		for _, round := range stored {
			there[round.GetIndex()] = true
		}
		for index, durable := range rounds {
			if durable && !there[index] {
				t.Fatalf("round %d of session %d was durable and is lost (%v)", index, n, err)
			}
			if !there[index] {
				delete(rounds, index)
			}
		}
		if err != nil {
			delete(known, n)
		}
	}
}
