package node

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/internal/measured"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// BenchmarkRetained measures how the processor time of reads grows with the sessions of 24 servicers that are retained: of
// /v1/qos, of what the page asks again and again about the session that is running, and of a window over all sessions. A store keeps
// 10 000 sessions at most.
func BenchmarkRetained(b *testing.B) {
	for _, sessions := range []int{10, 30, 100, 250, 500, 1000, 3000, 10_000} {
		b.Run(fmt.Sprintf("sessions=%d", sessions), func(b *testing.B) {
			held := new(sampling)
			if err := held.openSamples(b.TempDir(), configs.DefaultHistory(), false, unsigned(), slog.New(slog.DiscardHandler)); err != nil {
				b.Fatal(err)
			}
			defer held.samples.Close()
			running := retain(b, held, sessions)
			server := rpc.New(rpc.Config{}, rpc.Readers{Samples: held.reader, Events: held.stream, Members: held.reader.Members, Status: statusReader{samples: held.samples},
				Network: rpc.Endpoints(func() []api.Group { return nil }, func() error { return nil })})
			read := func(target string) time.Duration {
				before := processorTime()
				answer := httptest.NewRecorder()
				server.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, target, nil))
				if answer.Code != http.StatusOK {
					b.Fatalf("%s: status %d", target, answer.Code)
				}
				return processorTime() - before
			}
			window := fmt.Sprintf("/v1/qos?window=%d", sessions)
			read(window) // what is kept is made by the first read
			var all, polled, windows []time.Duration
			for b.Loop() {
				all, polled = append(all, read("/v1/qos")), append(polled, read("/v1/qos?session="+running))
				windows = append(windows, read(window))
			}
			b.ReportMetric(medianMS(all), "cpu-ms")
			b.ReportMetric(medianMS(polled), "running-cpu-ms")
			b.ReportMetric(medianMS(windows), "window-cpu-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// medianMS is the median.
func medianMS(times []time.Duration) float64 {
	slices.Sort(times)
	return float64(times[len(times)/2].Microseconds()) / 1000
}

// retain stores closed sessions of ten checks, and a last one that is running. It returns the id of that.
func retain(b *testing.B, held *sampling, sessions int) (running string) {
	b.Helper()
	const checks, length = 10, 80 * time.Second
	now := time.Now()
	plan := measured.Plan{Seed: 1, RelayChain: "0001", GeoZone: "local", Servicers: 24, Interval: length / checks, Session: length,
		From: now.Add(-length/2 - time.Duration(sessions-1)*length), To: now, Steady: true}
	for session, rounds := range plan.Sessions() {
		running = session.GetHeader().GetId()
		if sessions--; sessions == 0 {
			session.Closed, rounds = false, rounds[:checks/2]
		}
		for _, err := range held.samples.PutAll(context.Background(), []*types.QoSSession{session}, rounds) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	return running
}
