package node

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/internal/measured"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// benchServicers are in each session where reads are measured, and benchRunning checks are planned for the one that is running.
	benchServicers = 24
	benchRunning   = 1000
)

// benchSize returns a size that a variable may set.
func benchSize(b *testing.B, variable string, size int) int {
	b.Helper()
	if told := os.Getenv(variable); told != "" {
		var err error
		if size, err = strconv.Atoi(told); err != nil || size < 1 {
			b.Fatalf("%s is %q, not a number from 1", variable, told)
		}
	}
	return size
}

// retained are closed sessions of one day in which nobody disagrees, and one that is running, with all its rounds.
func retained(sessions, checks int, now time.Time, taken func(*types.QoSSession, []*types.QoSRound)) (running *types.QoSSession, rounds []*types.QoSRound) {
	length := 20 * time.Hour / time.Duration(sessions)
	plan := measured.Plan{Seed: 1, RelayChain: "0001", GeoZone: "local", Servicers: benchServicers, Interval: length / time.Duration(checks), Session: length,
		From: now.Add(-20 * time.Hour), To: now.Add(-length), Steady: true}
	for session, rounds := range plan.Sessions() {
		taken(session, agreed(rounds))
	}
	plan.From, plan.To, plan.Interval = now, now.Add(1), length/benchRunning
	for running, rounds = range plan.Sessions() {
		running.Closed = false
	}
	return running, agreed(rounds)
}

// agreed leaves no disagreement in rounds.
func agreed(rounds []*types.QoSRound) []*types.QoSRound {
	for _, round := range rounds {
		for _, sample := range round.GetSamples() {
			if sample.GetConsistency() == types.Consistency_CONSISTENCY_DISAGREE {
				sample.Consistency = types.Consistency_CONSISTENCY_UNDECIDABLE
			}
		}
	}
	return rounds
}

// benchPut stores a session and rounds.
func benchPut(b *testing.B, store *local.Samples, session *types.QoSSession, rounds ...*types.QoSRound) {
	b.Helper()
	for _, err := range store.PutAll(context.Background(), []*types.QoSSession{session}, rounds) {
		if err != nil {
			b.Fatal(err)
		}
	}
}

// benchOpen opens samples in a directory.
func benchOpen(b *testing.B, directory string) *sampling {
	b.Helper()
	opened := new(sampling)
	if err := opened.openSamples(directory, configs.DefaultHistory(), false, unsigned(), slog.New(slog.DiscardHandler)); err != nil {
		b.Fatal(err)
	}
	return opened
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

// BenchmarkReads measures the processor time of reads with many sessions retained: of the first one after a start, and the
// median of the others. Where a round comes before each of them it is stored in the meantime.
func BenchmarkReads(b *testing.B) {
	directory := b.TempDir()
	filled := benchOpen(b, directory)
	running, rounds := retained(benchSize(b, "POCKET_BENCH_SESSIONS", 1000)-1, benchSize(b, "POCKET_BENCH_CHECKS", 10), time.Now(),
		func(session *types.QoSSession, rounds []*types.QoSRound) {
			benchPut(b, filled.samples, session, rounds...)
		})
	benchPut(b, filled.samples, running, rounds[:60]...)
	coming := rounds[60:]
	if err := filled.samples.Close(); err != nil {
		b.Fatal(err)
	}
	of := "/v1/qos?session=" + running.GetHeader().GetId()
	for _, asked := range []struct {
		name, target string
		// coming: a round of the running session comes before each read.
		coming bool
	}{
		{"qos", "/v1/qos", false},
		{"last=1000", "/v1/qos?last=1000", false},
		{"window=24h", "/v1/qos?window=24h", false},
		{"evidence", "/v1/evidence", false},
		{"poll", of, true},
		{"poll-rolling", "/v1/qos?last=1", true},
		{"poll-page", "/v1/qos?last=30", true},
		{"poll-watch", "/v1/qos?last=24", true},
		{"status", "/v1/status", true},
	} {
		for _, coding := range []string{"identity", "gzip"} {
			b.Run(fmt.Sprintf("%s/%s", asked.name, coding), func(b *testing.B) {
				read := benchOpen(b, directory)
				defer read.samples.Close()
				server := rpc.New(rpc.Config{}, rpc.Readers{Samples: read.reader, Events: read.stream, Members: read.reader.Members,
					Status: statusReader{samples: read.samples}, Network: rpc.Endpoints(func() []api.Group { return nil }, func() error { return nil })})
				request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://localhost"+asked.target, nil)
				if err != nil {
					b.Fatal(err)
				}
				request.Header.Set("Accept-Encoding", coding)
				bytes := 0
				ask := func() float64 {
					before := processorTime()
					answer := &discarded{header: make(http.Header)}
					server.ServeHTTP(answer, request)
					if bytes = answer.bytes; answer.status != http.StatusOK {
						b.Fatalf("status %d", answer.status)
					}
					return float64((processorTime() - before).Microseconds()) / 1000
				}
				first := ask()
				var used []float64
				for b.Loop() {
					if asked.coming && len(coming) > 0 {
						b.StopTimer()
						benchPut(b, read.samples, running, coming[0])
						read.rolling.Round(coming[0])
						coming = coming[1:]
						b.StartTimer()
					}
					used = append(used, ask())
				}
				slices.Sort(used)
				b.ReportMetric(first, "first-cpu-ms")
				b.ReportMetric(used[len(used)/2], "cpu-ms")
				b.ReportMetric(float64(bytes)/1024, "KiB")
			})
		}
	}
}
