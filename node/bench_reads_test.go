package node

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/internal/measured"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// benchSessions of benchServicers with benchChecks each are retained where reads are measured; the newest is running.
	benchSessions  = 1000
	benchServicers = 24
	benchChecks    = 10
)

// retainedSessions are closed sessions of one day but for the newest, which is in its middle.
func retainedSessions(sessions int, now time.Time, taken func(*types.QoSSession, []*types.QoSRound)) {
	const length = 80 * time.Second
	begins := now.Add(-length / 2).Add(-time.Duration(sessions-1) * length)
	plan := measured.Plan{Seed: 1, RelayChain: "0001", GeoZone: "local", Servicers: benchServicers, Interval: length / benchChecks, Session: length,
		From: begins, To: now, Steady: true}
	left := sessions
	for session, rounds := range plan.Sessions() {
		if left--; left == 0 {
			session.Closed = false
			rounds = rounds[:benchChecks/2]
		}
		taken(session, rounds)
	}
}

// fillSamples stores sessions with their rounds.
func fillSamples(b *testing.B, directory string, sessions int) {
	b.Helper()
	filled := new(sampling)
	if err := filled.openSamples(directory, configs.DefaultHistory(), unsigned(), slog.New(slog.DiscardHandler)); err != nil {
		b.Fatal(err)
	}
	retainedSessions(sessions, time.Now(), func(session *types.QoSSession, rounds []*types.QoSRound) {
		for _, err := range filled.samples.PutAll(context.Background(), []*types.QoSSession{session}, rounds) {
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	if err := filled.samples.Close(); err != nil {
		b.Fatal(err)
	}
}

// discarded takes an answer and counts its bytes.
type discarded struct {
	header http.Header
	status int
	bytes  int
}

func (d *discarded) Header() http.Header { return d.header }

func (d *discarded) WriteHeader(status int) { d.status = status }

func (d *discarded) Write(text []byte) (int, error) {
	d.bytes += len(text)
	return len(text), nil
}

// BenchmarkReads measures the processor time of reads with many sessions retained.
func BenchmarkReads(b *testing.B) {
	directory := b.TempDir()
	fillSamples(b, directory, benchSessions)
	read := new(sampling)
	if err := read.openSamples(directory, configs.DefaultHistory(), unsigned(), slog.New(slog.DiscardHandler)); err != nil {
		b.Fatal(err)
	}
	defer read.samples.Close()
	sessions, err := read.samples.Sessions(b.Context())
	if err != nil || len(sessions) != benchSessions {
		b.Fatalf("%d sessions, %v", len(sessions), err)
	}
	running := sessions[benchSessions-1].GetHeader().GetId()
	server := rpc.New(rpc.Config{}, rpc.Readers{Samples: read.reader, Events: read.stream, Members: read.reader.Members, Status: statusReader{samples: read.samples},
		Network: rpc.Endpoints(func() []api.Group { return nil }, func() error { return nil })})
	for _, asked := range []struct{ name, target string }{
		{"qos", "/v1/qos"},
		{"last=1000", "/v1/qos?last=1000"},
		{"window=24h", "/v1/qos?window=24h"},
		{"running", "/v1/qos?session=" + running},
		{"last=1", "/v1/qos?last=1"},
		{"last=30", "/v1/qos?last=30"},
		{"watch", "/v1/qos?last=24"},
		{"evidence", "/v1/evidence"},
		{"status", "/v1/status"},
	} {
		for _, coding := range []string{"identity", "gzip"} {
			b.Run(fmt.Sprintf("%s/%s", asked.name, coding), func(b *testing.B) {
				request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://localhost"+asked.target, nil)
				if err != nil {
					b.Fatal(err)
				}
				request.Header.Set("Accept-Encoding", coding)
				var used []time.Duration
				bytes := 0
				for b.Loop() {
					before := processorTime()
					answer := &discarded{header: make(http.Header)}
					server.ServeHTTP(answer, request)
					used = append(used, processorTime()-before)
					if bytes = answer.bytes; answer.status != http.StatusOK {
						b.Fatalf("status %d", answer.status)
					}
				}
				b.ReportMetric(float64(used[0].Microseconds())/1000, "first-cpu-ms")
				slices.Sort(used)
				b.ReportMetric(float64(used[len(used)/2].Microseconds())/1000, "cpu-ms")
				b.ReportMetric(float64(bytes)/1024, "KiB")
			})
		}
	}
}
