package local

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sync/errgroup"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// BenchmarkPutRound has 50 sessions store a round each at once, ten times in a row, in turns with as many goroutines that have
// pebble store the same bytes, encoded beforehand, durably. Reported is the ratio of the rates, the median of the turns: above 1
// when the store is faster.
func BenchmarkPutRound(b *testing.B) {
	const sessions, each, leastTurns = 50, 10, 5
	ctx := context.Background()
	s := openIn(b, b.TempDir(), Options{MaxBytes: 1 << 40, MaxSessions: 2 * sessions}, vfs.Default)
	options := DefaultOptions()
	options.Logger = slog.New(slog.DiscardHandler)
	bare, err := openDatabase(b.TempDir(), vfs.Default, options, failureHooks{stopped: func(err error) { b.Error(err) }, background: func(err error) { b.Error(err) }})
	must(b, err)
	defer func() { must(b, bare.Close()) }()
	for session := range sessions {
		must(b, s.PutSession(ctx, sessionOf(session)))
	}
	// atOnce runs a task in a goroutine for each session, once for each of its rounds, and returns how long that took.
	atOnce := func(task func(session, round int) error) time.Duration {
		began := time.Now()
		var storing errgroup.Group
		for session := range sessions {
			storing.Go(func() error {
				for round := range each {
					if err := task(session, round); err != nil {
						return err
					}
				}
				return nil
			})
		}
		must(b, storing.Wait())
		return time.Since(began)
	}
	var ratios, rates []float64
	for turn := 0; b.Loop() || turn < leastTurns; turn++ {
		rounds, puts := make([][]*types.QoSRound, sessions), make([][]*put, sessions)
		for session := range sessions {
			for round := range each {
				rounds[session] = append(rounds[session], fullRound(session, uint32(each*turn+round)))
			}
			puts[session] = newPuts(nil, rounds[session])
		}
		ours := atOnce(func(session, round int) error { return s.PutRound(ctx, rounds[session][round]) })
		floor := atOnce(func(session, round int) error {
			batch := bare.NewBatch()
			defer batch.Close()
			if err := batch.Set(puts[session][round].key, puts[session][round].record, nil); err != nil {
				return err
			}
			return bare.Apply(batch, pebble.Sync)
		})
		ratios = append(ratios, float64(floor)/float64(ours))
		rates = append(rates, sessions*each/ours.Seconds())
	}
	slices.Sort(ratios)
	slices.Sort(rates)
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
	b.ReportMetric(ratios[0], "least-ratio")
	b.ReportMetric(rates[len(rates)/2], "rounds/s")
	b.ReportMetric(0, "ns/op")
}
