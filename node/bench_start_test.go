package node

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/internal/measured"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// benchStreams are the applications whose sessions follow one another, where starts are measured.
var benchStreams = []int{1, 100}

// fullChecks are those of a session in a store that is full.
const fullChecks = 40

// fullSamples fills a store of samples up to its cap with sessions of streams, of about the last day.
func fullSamples(b *testing.B, directory string, streams int) {
	b.Helper()
	filled := benchOpen(b, directory)
	defer filled.samples.Close()
	const sessions = 4000
	length := time.Duration(streams) * 24 * time.Hour / sessions
	begins := time.Now().Add(-time.Duration(sessions/streams) * length)
	for ; begins.Before(time.Now()); begins = begins.Add(length) {
		var taken []*types.QoSSession
		var rounds []*types.QoSRound
		for number := range streams {
			plan := measured.Plan{Seed: uint64(number), RelayChain: "0001", GeoZone: fmt.Sprintf("zone-%d", number), Servicers: benchServicers,
				Interval: length / fullChecks, Session: length, From: begins, To: begins.Add(length), Steady: true}
			for session, of := range plan.Sessions() {
				taken, rounds = append(taken, session), append(rounds, of...)
			}
		}
		for _, err := range filled.samples.PutAll(context.Background(), taken, rounds) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	health := filled.samples.Health()
	b.Logf("%d streams: %d sessions, %d rounds, %d of %d MiB", streams, health.Disk.Sessions, health.Disk.Rounds, health.Disk.Bytes>>20,
		configs.DefaultHistory().SessionsMaxBytes>>20)
	if health.Disk.EvictedSessions == 0 {
		b.Fatal("the store is not full")
	}
}

// BenchmarkStart measures what a fisherman does with its samples before it begins, with a store that is full.
func BenchmarkStart(b *testing.B) {
	for _, streams := range benchStreams {
		b.Run(fmt.Sprintf("streams=%d", streams), func(b *testing.B) {
			directory := b.TempDir()
			fullSamples(b, directory, streams)
			var took, used []float64
			for b.Loop() {
				began, before := time.Now(), processorTime()
				started := benchOpen(b, directory)
				took, used = append(took, time.Since(began).Seconds()), append(used, (processorTime()-before).Seconds())
				b.StopTimer()
				if err := started.samples.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			slices.Sort(took)
			slices.Sort(used)
			b.ReportMetric(took[len(took)/2], "s-to-start")
			b.ReportMetric(took[len(took)-1], "longest-s")
			b.ReportMetric(used[len(used)/2], "cpu-s")
		})
	}
}
