package fisherman

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// growthShort is how long BenchmarkFleet keeps its load up without loadDuration.
	growthShort = 20 * time.Second
	// growthDescriptors is how many descriptors the fisherman may have, and growthRequests the budget of a node that has as
	// many (node/descriptors_test.go).
	growthDescriptors = 20_000
	growthRequests    = 12_355
	// farShare is how many servicers one process of the far side plays: each takes a descriptor to listen and those of its
	// connections.
	farShare = 2_400
)

// BenchmarkFleet runs one fisherman in as many sessions of 24 servicers as there are servicers for, with 5 checks in a session
// of 10 blocks of a second: with 9 600 servicers 200 rounds, or 4 800 samples, fall due in a second. The fisherman may have
// 20 000 descriptors. The metrics are those of BenchmarkSessions, and the most descriptors and memory that it had. How late checks of
// the first sessions are, in which all connections are made, is told apart; the floor is how late the machine wakes a process
// that does nothing but sleep.
func BenchmarkFleet(b *testing.B) {
	lasting, err := time.ParseDuration(os.Getenv(loadDuration))
	if err != nil {
		lasting = growthShort
	}
	for _, servicers := range []int{24, 240, 1200, 2400, 4800, 9600} {
		b.Run(fmt.Sprintf("servicers=%d", servicers), func(b *testing.B) {
			limitDescriptors(b, growthDescriptors)
			defer debug.SetGCPercent(debug.SetGCPercent(GCPercent))
			var actors []*types.Actor
			for len(actors) < servicers {
				actors = append(actors, startFarside(b, min(farShare, servicers-len(actors)), false).actors...)
			}
			watched := newLoad(b, actors, growthRequests)
			watched.connected = time.Now().Add(loadBlocks * loadInterval)
			quiet, before := newQuiet(), openDescriptors()
			var most peak
			stop := most.watch()
			cpu, began := ownProcessorTime(), time.Now()
			floor := startClock(b)
			watched.run(lasting)
			used := ownProcessorTime() - cpu
			lasted := time.Since(began)
			stop()
			watched.report(quiet)
			quiet.reportTimes(b, "first-session-late", watched.connecting)
			quiet.reportTimes(b, "floor-late", floor.late())
			b.ReportMetric(100*float64(used)/float64(lasted), "cpu-%")
			b.ReportMetric(micros(used)/float64(watched.answered+watched.nulls), "cpu-µs/sample")
			b.ReportMetric(float64(most.descriptors-before)/float64(servicers), "descriptors/servicer")
			b.ReportMetric(float64(most.resident)/1024, "RSS-MiB")
			quiet.report(b)
		})
	}
}

// limitDescriptors bounds the descriptors of this process until the benchmark ends, if they are not bounded below.
func limitDescriptors(b *testing.B, most uint64) {
	b.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		b.Fatal(err)
	}
	limited := before
	limited.Cur = min(before.Max, most)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limited); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before) })
}

// peak is the most that this process had of something while it was watched.
type peak struct {
	descriptors int
	// resident memory in KiB.
	resident int
}

// watch looks every quarter of a second, until stop is called.
func (p *peak) watch() (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(250 * time.Millisecond)
		defer ticker.Stop()
		for {
			p.descriptors, p.resident = max(p.descriptors, openDescriptors()), max(p.resident, residentMemory())
			select {
			case <-ticker.C:
			case <-end:
				return
			}
		}
	}()
	return func() { close(end); <-ended }
}

// openDescriptors is how many descriptors this process has open; 0 where that is not known.
func openDescriptors() int {
	const place = "/proc/self/fd"
	if info, err := os.Stat(place); err == nil && info.Size() > 0 { // Linux 6.2 counts them
		return int(info.Size())
	}
	names, _ := os.ReadDir(place)
	return len(names)
}

// residentMemory is the memory of this process as ps shows it, in KiB; 0 where that is not known.
func residentMemory() (size int) {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			_, _ = fmt.Sscan(value, &size)
		}
	}
	return size
}
