package local

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/pocket-fisherman/fisherman/internal/measured"
	"github.com/pocket-fisherman/fisherman/rollup"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// ofSamples reads the rollups of samples.
type ofSamples struct{ *Samples }

func (s ofSamples) Rollups(ctx context.Context, r rollup.Resolution, from, to int64, filter rollup.Filter, visit rollup.Visitor) error {
	return s.Samples.Rollups(ctx, r, from, to, filter, func() rollup.Visitor { return visit })
}

// While the disk fails, rollups count what is held in memory too, and each round once, also those that a failed write has
// stored. When the disk works again, nothing is lost or counted twice.
func TestRollupsWhileTheDiskFails(t *testing.T) {
	runs := 12
	if testing.Short() {
		runs = 4
	}
	for seed := range uint64(runs) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 6))
			var broken atomic.Bool
			// Some failed writes get through.
			files := errorfs.Wrap(vfs.NewCrashableMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
				if broken.Load() && isWrite(op) && (seed%2 == 0 || op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo) {
					return syscall.EIO
				}
				return nil
			}))
			var at atomic.Int64
			at.Store(began.UnixNano())
			s, err := openSamples("store", smallTables(), files, func() time.Time { return time.Unix(0, at.Load()) })
			must(t, err)
			defer func() { must(t, s.Close()) }()
			want := make(recomputed)
			plan := measured.Plan{Seed: seed, Servicers: 2, Session: 10 * time.Minute, Interval: 20 * time.Second, From: began, To: began.Add(3 * time.Hour)}
			held := false
			for session, rounds := range plan.Sessions() {
				open := &types.QoSSession{}
				*open = types.QoSSession{Header: session.GetHeader(), ChecksPlanned: session.GetChecksPlanned(), LatencySla: session.GetLatencySla(),
					MaxLag: session.GetMaxLag(), JoinedUnixNano: session.GetJoinedUnixNano()}
				must(t, s.PutSession(t.Context(), open))
				for _, round := range rounds {
					at.Store(round.GetPlannedUnixNano() + int64(3*time.Second))
					if random.IntN(40) == 0 {
						broken.Store(!broken.Load())
					}
					must(t, s.PutRound(t.Context(), round))
					want.add(session, round)
					held = held || !s.Health().Durable
				}
				must(t, s.PutSession(t.Context(), session))
				s.repairs.Wait()
				wantRollups(t, ofSamples{s}, want, rollup.FiveMinutes, rollup.Hour)
			}
			broken.Store(false)
			at.Add(int64(time.Hour))
			_, err = s.Prune(t.Context(), 1000)
			must(t, err)
			s.repairs.Wait()
			if !s.Health().Durable || !held {
				t.Fatalf("durable %t, was held in memory %t", s.Health().Durable, held)
			}
			wantRollups(t, ofSamples{s}, want, rollup.FiveMinutes, rollup.Hour)
			if bounds, oldest := s.HistoryBounds(rollup.Hour); bounds > oldest || oldest != rollup.Hour.Slot(began.UnixNano()) {
				t.Errorf("bounds %d %d", bounds, oldest)
			}
		})
	}
}

// A damaged store is set aside with its rollups copied: those of sessions that cannot be read, and of long ago, stay.
func TestRollupsOfADamagedStoreAreCopied(t *testing.T) {
	c := &clock{began}
	files := vfs.NewMem()
	options := historyOptions(c)
	options.MaxSessions = 20 // many were removed
	s, err := open("store", options, files)
	must(t, err)
	plan := measured.Plan{Seed: 8, Servicers: 3, From: began, To: began.Add(48 * time.Hour)}
	putWhole(t, s, c, plan)
	want := make(recomputed)
	var last *types.QoSSession
	for session, rounds := range plan.Sessions() {
		for _, round := range rounds {
			want.add(session, round)
		}
		last = session
	}
	wantRollups(t, s, want, rollup.FiveMinutes, rollup.Hour)
	if len(s.history.open) == 0 {
		t.Fatal("nothing is open")
	}
	sessions, err := s.Sessions(t.Context())
	must(t, err)
	id, err := sampledID(sessions[3].GetHeader().GetId())
	must(t, err)
	overwrite(t, s, roundKey(id, 7), []byte("damaged"))
	must(t, s.Close())
	samples, err := openSamples("store", options, files, c.now)
	must(t, err)
	defer func() { must(t, samples.Close()) }()
	if health := samples.Health(); health.SetAside == "" || health.Disk.Sessions != len(sessions)-1 {
		t.Fatalf("%+v", health)
	}
	wantRollups(t, ofSamples{samples}, want, rollup.FiveMinutes, rollup.Hour)
	// It goes on.
	again := &types.QoSRound{SessionId: last.GetHeader().GetId(), Index: last.GetChecksPlanned() - 1, PlannedUnixNano: c.at.UnixNano(), Status: types.RoundStatus_ROUND_STATUS_DROPPED}
	if err := samples.PutRound(t.Context(), again); err == nil {
		t.Error("a round was stored twice")
	}
	for session, rounds := range (measured.Plan{Seed: 8, Servicers: 3, From: plan.To, To: plan.To.Add(2 * time.Hour)}).Sessions() {
		must(t, samples.PutSession(t.Context(), session))
		for _, round := range rounds {
			c.at = time.Unix(0, round.GetPlannedUnixNano())
			must(t, samples.PutRound(t.Context(), round))
			want.add(session, round)
		}
	}
	wantRollups(t, ofSamples{samples}, want, rollup.FiveMinutes, rollup.Hour)
}

// A visitor that ends does not make the samples give up their disk.
func TestAVisitorThatEndsIsNoFailure(t *testing.T) {
	c := &clock{began}
	s, err := openSamples("store", historyOptions(c), vfs.NewMem(), c.now)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	must(t, measured.Plan{Seed: 1, From: began, To: began.Add(time.Hour), Steady: true}.Fill(t.Context(), s))
	err = s.Rollups(t.Context(), rollup.Hour, 0, 1<<62, rollup.Filter{}, func() rollup.Visitor {
		return func(rollup.Series, string, int64, time.Duration, *rollup.Rollup) error { return syscall.E2BIG }
	})
	wantError(t, err, syscall.E2BIG)
	if !s.Health().Durable {
		t.Error("samples are held in memory")
	}
}
