package feed_test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/feed"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// processorTime is what this process has used.
func processorTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkFeed is the processor time of a round of 24 servicers, 100 of which are stored in a second: of storing it, and of storing
// and publishing it to a server in a process of its own. The difference is the feed's.
func BenchmarkFeed(b *testing.B) {
	program, err := os.Executable()
	must(b, err)
	nats := exec.CommandContext(b.Context(), program)
	nats.Env = append(os.Environ(), serverDirectory+"="+b.TempDir())
	input, err := nats.StdinPipe()
	must(b, err)
	output, err := nats.StdoutPipe()
	must(b, err)
	must(b, nats.Start())
	defer func() { _ = input.Close(); _ = nats.Wait() }()
	url, err := bufio.NewReader(output).ReadString('\n')
	must(b, err)
	for _, published := range []bool{false, true} {
		name := map[bool]string{false: "stored", true: "published"}[published]
		b.Run(name, func(b *testing.B) {
			store := openStore(b, b.TempDir(), func(o *local.Options) { o.Outbox = published; o.MaxBytes = 1 << 40 })
			var p *feed.Publisher
			if published {
				p, _ = run(b, config(store, strings.TrimSpace(url)))
			}
			must(b, store.PutSession(b.Context(), session(0)))
			index := uint32(0)
			before := processorTime()
			pace := time.NewTicker(10 * time.Millisecond)
			defer pace.Stop()
			for b.Loop() {
				<-pace.C
				for _, err := range store.PutAll(b.Context(), nil, []*types.QoSRound{wide(0, index)}) {
					must(b, err)
				}
				index++
			}
			if published {
				emptied(b, p)
			}
			b.ReportMetric(float64((processorTime()-before).Microseconds())/float64(index), "cpu-µs/round")
		})
	}
}
