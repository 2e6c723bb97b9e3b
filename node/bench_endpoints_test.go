package node

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// benchRole is the variable that makes the test binary play a part beside a benchmark, in a process of its own.
	benchRole = "POCKET_BENCH_ROLE"
	// benchLoad is the variable that says how long BenchmarkEndpoints measures, such as "1m"; 20 s without it.
	benchLoad = "POCKET_BENCH_LOAD"
	// benchTargets are asked once a second each.
	benchTargets = 1000
	// benchWarming is how long a part runs before it is measured.
	benchWarming = 10 * time.Second
)

// benchQuestion is what the bare clients ask.
const benchQuestion = `{"jsonrpc":"2.0","id":1234567,"method":"eth_getBalance","params":["0x000000000022d473030f116ddee9f6b43ac78ba3","0x1388"]}`

func TestMain(m *testing.M) {
	parts := map[string]func(*benchPart) error{"far": playFar, "endpoints": playEndpoints, "http": playHTTP, "sockets": playSockets}
	play, is := parts[os.Getenv(benchRole)]
	if !is {
		os.Exit(m.Run())
	}
	if err := play(&benchPart{told: json.NewDecoder(os.Stdin), said: json.NewEncoder(os.Stdout)}); err != nil {
		fmt.Fprintln(os.Stderr, os.Getenv(benchRole)+":", err)
		os.Exit(1)
	}
}

// benchResult is what a part has measured of itself.
type benchResult struct {
	// Processor time of the process while it was measured, in nanoseconds, and the samples of that time.
	Processor time.Duration
	Samples   int
	// Void and Dropped rounds of a fisherman.
	Void, Dropped int
	// RSS at the end, in KiB.
	RSS int
}

func (r benchResult) perSample() float64 {
	return float64(r.Processor.Nanoseconds()) / 1000 / float64(r.Samples)
}

// BenchmarkEndpoints compares what a sample of a list of endpoints costs, checked and stored, with what it costs to ask the
// same targets and read the answers: by net/http, and by bare sockets. All three ask a thousand targets once a second, in
// the same seconds, each from a process of its own.
func BenchmarkEndpoints(b *testing.B) {
	lasting, err := time.ParseDuration(os.Getenv(benchLoad))
	if err != nil {
		lasting = 20 * time.Second
	}
	far := startBenchPart(b, "far")
	var addresses []string
	far.hear(b, &addresses)
	var parts []*benchPart
	for _, role := range []string{"endpoints", "http", "sockets"} {
		part := startBenchPart(b, role)
		part.tell(b, addresses)
		part.tell(b, lasting)
		parts = append(parts, part)
	}
	results := make([]benchResult, len(parts))
	for measured := false; b.Loop(); measured = true {
		for i, part := range parts {
			if !measured { // once is enough
				part.hear(b, &results[i])
			}
		}
	}
	ours := results[0]
	b.ReportMetric(ours.perSample(), "cpu-µs/sample")
	b.ReportMetric(ours.perSample()/results[1].perSample(), "http-ratio")
	b.ReportMetric(ours.perSample()/results[2].perSample(), "sockets-ratio")
	b.ReportMetric(float64(ours.Samples), "samples")
	b.ReportMetric(float64(ours.Dropped), "dropped")
	b.ReportMetric(float64(ours.Void), "void")
	b.ReportMetric(float64(ours.RSS)/1024, "RSS-MiB")
}

// benchPart is one end of the pipes between a benchmark and a process that plays a part.
type benchPart struct {
	told *json.Decoder
	said *json.Encoder
}

func startBenchPart(b *testing.B, role string) *benchPart {
	b.Helper()
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), benchRole+"="+role)
	process.Stderr = os.Stderr
	input, err := process.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	output, err := process.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := process.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = input.Close() // which ends it
		if err := process.Wait(); err != nil {
			b.Errorf("%s: %v", role, err)
		}
	})
	return &benchPart{told: json.NewDecoder(output), said: json.NewEncoder(input)}
}

func (p *benchPart) tell(b *testing.B, what any) {
	b.Helper()
	if err := p.said.Encode(what); err != nil {
		b.Fatal(err)
	}
}

func (p *benchPart) hear(b *testing.B, what any) {
	b.Helper()
	if err := p.told.Decode(what); err != nil {
		b.Fatal(err)
	}
}

// awaitEnd waits for the end of a part's input.
func (p *benchPart) awaitEnd() { _ = p.told.Decode(new(any)) }

// load hears which targets to ask, and for how long.
func (p *benchPart) load() (addresses []string, lasting time.Duration, err error) {
	if err := p.told.Decode(&addresses); err != nil {
		return nil, 0, err
	}
	return addresses, lasting, p.told.Decode(&lasting)
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // cannot fail for oneself
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// playFar answers for all targets until its input ends.
func playFar(p *benchPart) error {
	var addresses []string
	for range benchTargets {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		addresses = append(addresses, listener.Addr().String())
		server := &http.Server{Handler: &evmNode{chain: "0x1", head: func() int64 { return 5000 }}}
		go func() { _ = server.Serve(listener) }() // until the process ends
	}
	if err := p.said.Encode(addresses); err != nil {
		return err
	}
	p.awaitEnd()
	return nil
}

// playEndpoints is a fisherman of the targets, with its store.
func playEndpoints(p *benchPart) error {
	addresses, lasting, err := p.load()
	if err != nil {
		return err
	}
	group := groups.DefaultGroup()
	group.Name, group.Chain, group.Interval, group.Session = "bench", "evm", time.Second, time.Minute
	for i, address := range addresses {
		group.Targets = append(group.Targets, groups.Target{Name: fmt.Sprintf("t%d", i), URL: groups.NewSecret("http://" + address + "/v2/key"), Private: true})
	}
	data, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	e, err := NewEndpoints(EndpointsConfig{Groups: []groups.Group{group}, Data: data})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- e.Run(ctx) }()
	time.Sleep(benchWarming)
	from, used := time.Now(), processorTime()
	time.Sleep(lasting)
	result := benchResult{Processor: processorTime() - used, RSS: residentSize()}
	err = result.count(ctx, e, from, from.Add(lasting))
	if err == nil {
		err = p.said.Encode(result)
	}
	p.awaitEnd()
	cancel()
	<-ended
	if closed := e.Close(); err == nil {
		err = closed
	}
	return err
}

// count counts what was stored of the checks between two moments.
func (r *benchResult) count(ctx context.Context, e *Endpoints, from, to time.Time) error {
	sessions, err := e.samples.Sessions(ctx)
	if err != nil {
		return err
	}
	for _, session := range sessions {
		rounds, err := e.samples.Rounds(ctx, session.GetHeader().GetId())
		if err != nil {
			return err
		}
		for _, round := range rounds {
			if at := round.GetPlannedUnixNano(); at < from.UnixNano() || at >= to.UnixNano() {
				continue
			}
			r.Samples += len(round.GetSamples())
			switch round.GetStatus() {
			case types.RoundStatus_ROUND_STATUS_DROPPED:
				r.Dropped++
			case types.RoundStatus_ROUND_STATUS_VOID:
				r.Void++
			}
		}
	}
	return nil
}

// residentSize is the memory of this process as ps shows it, in KiB; 0 where that is not known.
func residentSize() (size int) {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			_, _ = fmt.Sscan(value, &size)
		}
	}
	return size
}

// everySecond asks all targets once a second, and measures that.
func (p *benchPart) everySecond(lasting time.Duration, targets int, ask func()) error {
	ask()
	time.Sleep(benchWarming)
	used, ticks := processorTime(), time.NewTicker(time.Second)
	defer ticks.Stop()
	result := benchResult{}
	for range int(lasting / time.Second) {
		<-ticks.C
		ask()
		result.Samples += targets
	}
	result.Processor = processorTime() - used
	if err := p.said.Encode(result); err != nil {
		return err
	}
	p.awaitEnd()
	return nil
}

// playHTTP is a client by net/http, which asks all targets at once.
func playHTTP(p *benchPart) error {
	addresses, lasting, err := p.load()
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
	return p.everySecond(lasting, len(addresses), func() {
		var asking sync.WaitGroup
		for _, address := range addresses {
			asking.Go(func() {
				response, err := client.Post("http://"+address+"/v2/key", "application/json", strings.NewReader(benchQuestion))
				if err == nil {
					_, err = io.ReadAll(response.Body)
					response.Body.Close()
				}
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
				}
			})
		}
		asking.Wait()
	})
}

// playSockets writes the same bytes to all targets, then reads all answers.
func playSockets(p *benchPart) error {
	addresses, lasting, err := p.load()
	if err != nil {
		return err
	}
	var connections []net.Conn
	var readers []*bufio.Reader
	for _, address := range addresses {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		connections, readers = append(connections, connection), append(readers, bufio.NewReader(connection))
	}
	request := fmt.Appendf(nil, "POST /v2/key HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(benchQuestion), benchQuestion)
	return p.everySecond(lasting, len(addresses), func() {
		for i, connection := range connections {
			if _, err := connection.Write(request); err != nil {
				fmt.Fprintln(os.Stderr, addresses[i], err)
			}
		}
		var body bytes.Buffer
		for i, reader := range readers {
			response, err := http.ReadResponse(reader, nil)
			if err == nil {
				body.Reset()
				_, err = body.ReadFrom(response.Body)
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, addresses[i], err)
			}
		}
	})
}
