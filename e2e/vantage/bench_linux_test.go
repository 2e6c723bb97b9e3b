package vantage

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/client"
)

const (
	// loadVariable is the variable that says how long BenchmarkFeed measures, such as "10m"; 20 s without it.
	loadVariable = "POCKET_BENCH_LOAD"
	// loadWarming is how long the network runs before that.
	loadWarming = 15 * time.Second
	// loadGroups of loadTargets each are sampled once a second by each fisherman: 792 samples a second.
	loadGroups, loadTargets = 33, 24
)

// BenchmarkFeed measures the way of samples through the feed and a collector: three fishermen, 2 376 samples a second
// together, publish to three servers of NATS, and a collector takes what they publish. A fourth fisherman samples as much
// and publishes nothing: what it costs is what the others are compared with.
func BenchmarkFeed(b *testing.B) {
	lasting, err := time.ParseDuration(os.Getenv(loadVariable))
	if err != nil {
		lasting = 20 * time.Second
	}
	host := ownHost(b)
	nats := newCluster(b, host)
	load := loadOf(loadedTargets(b))
	var fishermen []*fisherman
	for _, place := range []string{"frankfurt", "tokyo", "virginia"} {
		fishermen = append(fishermen, newFisherman(b, place, nats, options{host: host, group: load}))
	}
	alone := newSilent(b, host, load)
	merged := newCollector(b, host, nats, fishermen...)
	asked := newClient(b, merged.api)
	for measured := false; b.Loop(); measured = true {
		if measured { // once is enough
			continue
		}
		time.Sleep(loadWarming)
		parts := []*process{alone, fishermen[0].process, fishermen[1].process, fishermen[2].process, merged.process, nats.servers[0], nats.servers[1], nats.servers[2]}
		before := usedBy(b, parts)
		resident := []int{merged.resident(b)}
		var lags, pendings []float64
		for ends := time.Now().Add(lasting); time.Now().Before(ends); {
			time.Sleep(time.Second)
			lag, pending := lagOf(b, asked)
			lags, pendings = append(lags, lag), append(pendings, pending)
			resident = append(resident, merged.resident(b))
		}
		after := usedBy(b, parts)
		percent := func(i int) float64 { return 100 * float64(after[i]-before[i]) / float64(lasting) }
		publishing := (percent(1) + percent(2) + percent(3)) / 3
		b.ReportMetric(percent(0), "silent-cpu-%")
		b.ReportMetric(100*(publishing/percent(0)-1), "feed-cpu-%-of-sampling")
		b.ReportMetric(percent(4), "collector-cpu-%")
		b.ReportMetric(percent(5)+percent(6)+percent(7), "nats-cpu-%")
		b.ReportMetric(slices.Max(lags), "lag-max-ms")
		b.ReportMetric(slices.Max(pendings), "pending-max")
		b.ReportMetric(float64(resident[len(resident)/2])/1024, "half-time-RSS-MiB")
		b.ReportMetric(float64(resident[len(resident)-1])/1024, "RSS-MiB")
	}
}

// loadedTargets answer at once, as a chain that stands still; they return their URLs.
func loadedTargets(b *testing.B) []string {
	b.Helper()
	urls := make([]string, loadTargets)
	for i := range urls {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var call struct {
				ID     json.RawMessage
				Method string
				Params []any
			}
			_ = json.NewDecoder(r.Body).Decode(&call)
			var result any = 5000
			if call.Method == "getblockhash" {
				result = fmt.Sprintf("%064v", call.Params[0])
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": call.ID, "result": result})
		}))
		b.Cleanup(server.Close)
		urls[i] = server.URL
	}
	return urls
}

// loadOf is the text of the groups, from the first one's chain on.
func loadOf(urls []string) string {
	var text strings.Builder
	for g := range loadGroups {
		if g > 0 {
			fmt.Fprintf(&text, "  - name: group-%d\n", g)
		}
		text.WriteString("    chain: custom\n    depth: 6\n    head: {method: getblockcount, height: /result}\n    questions: [{method: getblockhash, params: [\"{height_number}\"]}]\n" +
			"    interval: 1s\n    session: 1m\n    rate: 1000\n    targets:\n")
		for i, url := range urls {
			fmt.Fprintf(&text, "      - {name: t%d, url: %s, private: true}\n", i, url)
		}
	}
	return text.String()
}

// newSilent starts a fisherman without a feed.
func newSilent(b *testing.B, host, load string) *process {
	b.Helper()
	dir := b.TempDir()
	write(b, filepath.Join(dir, "fisherman.yaml"), fmt.Sprintf("listen: %s\ndata: ./data\ngroups:\n  - name: pocket\n%s", freePorts(b, host, 1)[0], load))
	return newProcess(b, "silent", func() *exec.Cmd {
		return exec.Command(programs.pocket, "fisherman", "start", "--config", filepath.Join(dir, "fisherman.yaml"))
	})
}

// usedBy returns the processor time of processes.
func usedBy(b *testing.B, parts []*process) []time.Duration {
	b.Helper()
	used := make([]time.Duration, len(parts))
	for i, p := range parts {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
		if err != nil {
			b.Fatal(err)
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
		for _, field := range fields[11:13] { // utime and stime, in hundredths of a second
			ticks, err := strconv.Atoi(field)
			if err != nil {
				b.Fatal(err)
			}
			used[i] += time.Duration(ticks) * time.Second / 100
		}
	}
	return used
}

// resident returns how much memory of a process is resident, in KiB.
func (p *process) resident(b *testing.B) int {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	size, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		b.Fatal(err)
	}
	return size
}

// lagOf asks a collector how long the message that it took last had been in the stream, and how many wait there.
func lagOf(b *testing.B, asked *client.Client) (lag, pending float64) {
	b.Helper()
	status, err := asked.Status(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if told := status.Collector; told != nil && told.LagMS != nil && told.Pending != nil {
		return *told.LagMS, float64(*told.Pending)
	}
	b.Fatalf("the collector does not know: %+v", status.Collector)
	return 0, 0
}
