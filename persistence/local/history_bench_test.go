package local

import (
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/internal/measured"
	"github.com/pocket-fisherman/fisherman/rollup"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Storing rounds of 1 000 servicers with rollups, and without: the ratio of the two is what rollups cost.
func BenchmarkStore(b *testing.B) {
	plan := measured.Plan{Seed: 1, Servicers: 1000, Interval: time.Second, Session: 2 * time.Minute, Steady: true, From: began, To: began.Add(2 * time.Minute)}
	var session *types.QoSSession
	var rounds []*types.QoSRound
	for session, rounds = range plan.Sessions() {
	}
	for name, history := range map[string]bool{"with rollups": true, "without": false} {
		b.Run(name, func(b *testing.B) {
			c := &clock{began}
			options := historyOptions(c)
			s, err := Open(b.TempDir(), options)
			must(b, err)
			defer func() { must(b, s.Close()) }()
			if !history {
				s.history = nil
			}
			height := int64(0)
			for b.Loop() {
				// Five minutes of a check a second: 300 000 samples, with the storing of their rollups.
				for range 3 {
					height++
					session.Header.Id = idOf(int(height))
					session.Header.StartHeight = height
					must(b, s.PutSession(b.Context(), session))
					for i, round := range rounds[:100] {
						at := began.Add(time.Duration(height)*100*time.Second + time.Duration(i)*time.Second)
						round.SessionId, round.PlannedUnixNano, round.ReleasedUnixNano = session.Header.Id, at.UnixNano(), at.UnixNano()
						c.at = at
						must(b, s.PutRound(b.Context(), round))
					}
				}
				b.StopTimer()
				_, err := s.Prune(b.Context(), 2)
				must(b, err)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/300_000, "ns/sample")
		})
	}
}

// What the rollups of a servicer take on the disk for each day: those of hours, which stay, and those of 5 minutes.
func BenchmarkHistoryOnDisk(b *testing.B) {
	for name, interval := range map[string]time.Duration{"a check a minute": time.Minute, "a check each 5 s": 5 * time.Second} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				const servicers, days = 60, 2
				c := &clock{began}
				dir := b.TempDir()
				s, err := Open(dir, historyOptions(c))
				must(b, err)
				plan := measured.Plan{Seed: 3, Servicers: servicers, Interval: interval, Session: 20 * time.Minute, Steady: true, From: began, To: began.Add(days * 24 * time.Hour)}
				for session, rounds := range plan.Sessions() {
					c.at = time.Unix(0, session.GetEndUnixNano())
					for _, err := range s.PutAll(b.Context(), []*types.QoSSession{session}, rounds) {
						must(b, err)
					}
					_, err := s.Prune(b.Context(), 1)
					must(b, err)
				}
				records := make(map[rollup.Resolution]int64)
				for at, size := range s.history.blocks {
					records[at.resolution] += size.bytes
				}
				must(b, s.db.Compact(b.Context(), []byte{keyVersion}, []byte{keyVersion + 1}, false))
				fine, err := s.db.EstimateDiskUsage([]byte{keyVersion, kindRollup, byte(rollup.FiveMinutes)}, []byte{keyVersion, kindRollup, byte(rollup.Hour)})
				must(b, err)
				hours, err := s.db.EstimateDiskUsage([]byte{keyVersion, kindRollup, byte(rollup.Hour)}, []byte{keyVersion, kindBlock})
				must(b, err)
				b.ReportMetric(float64(records[rollup.Hour])/servicers/days, "hours-B/day")
				b.ReportMetric(float64(records[rollup.FiveMinutes])/servicers/days, "5min-B/day")
				b.ReportMetric(float64(hours)/servicers/days, "hours-disk-B/day")
				b.ReportMetric(float64(fine)/servicers/days, "5min-disk-B/day")
				must(b, s.Close())
			}
		})
	}
}
