package servicer_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/servicer"
)

// plenty lifts the limits that would refuse a benchmark's relays.
func plenty(c *servicer.Config) { c.MaxNonces = 1 << 20 }

func plentiful() *fakeChain {
	chain := newChain(25)
	chain.policy.RelaysPerPOKT = 1_000_000
	return chain
}

// BenchmarkFlood measures the cost of strangers' requests to a servicer as a fraction of the cost of a valid relay in
// the same run: the kinds take turns, one request each. The valid relay includes its exchange with an upstream node
// over loopback.
func BenchmarkFlood(b *testing.B) {
	s := newServicer(b, plentiful(), newHonest(b).URL, plenty)
	poor := plentiful()
	poor.stake = 1
	exhausted := newServicer(b, poor, newHonest(b).URL, plenty)
	spoiled := bytes.Clone(seal(b, applicationKey, newRequest()).Envelope)
	spoiled[len(spoiled)-1] ^= 1
	replayed := seal(b, applicationKey, newRequest()).Envelope
	s.HandleRelay(b.Context(), replayed)
	kinds := []struct {
		name     string
		servicer *servicer.Servicer
		envelope []byte
		took     time.Duration
	}{
		{name: "garbage", servicer: s, envelope: bytes.Repeat([]byte("garbage "), 64)},
		{name: "wrong-signature", servicer: s, envelope: spoiled},
		{name: "replay", servicer: s, envelope: replayed},
		{name: "stranger", servicer: s, envelope: seal(b, strangerKey, newRequest()).Envelope},
		{name: "over-allowance", servicer: exhausted, envelope: seal(b, applicationKey, newRequest()).Envelope},
	}
	var valid time.Duration
	for b.Loop() {
		sealed := seal(b, applicationKey, newRequest())
		began := time.Now()
		answer := s.HandleRelay(b.Context(), sealed.Envelope)
		valid += time.Since(began)
		if len(answer) < len(reply) {
			b.Fatal("no answer")
		}
		for i := range kinds {
			began := time.Now()
			kinds[i].servicer.HandleRelay(b.Context(), kinds[i].envelope)
			kinds[i].took += time.Since(began)
		}
	}
	b.ReportMetric(0, "ns/op") // the sum of all kinds is meaningless
	b.ReportMetric(float64(valid.Microseconds())/float64(b.N), "valid-µs")
	for _, kind := range kinds {
		b.ReportMetric(float64(kind.took)/float64(valid), kind.name+"/valid")
	}
}

// BenchmarkReverseProxy compares a servicer with two floors in front of the same upstream node: Go's httputil.ReverseProxy,
// and the least that a signed relay can be made of (newFloor). All are asked the same question by 64 connections, in turns
// within the same run. Everything shares the machine: client, servicer or floor, and upstream. Requests are sealed beforehand
// and answers opened afterwards.
func BenchmarkReverseProxy(b *testing.B) {
	const connections, each, turns = 64, 10, 5
	node := newHonest(b)
	target, err := url.Parse(node.URL)
	if err != nil {
		b.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{MaxIdleConns: 128, MaxIdleConnsPerHost: 128, DisableCompression: true}
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	floor := httptest.NewServer(proxy)
	defer floor.Close()

	plain := newCrowd(b, floor.Listener.Addr().String(), connections)
	least := newCrowd(b, newFloor(b, target.Host), connections)
	served := newCrowd(b, serveRelays(b, newServicer(b, plentiful(), node.URL, plenty)), connections)
	wire := httpPost("/", "application/json", question)
	turn := func() (proxied, floored, relayed spent) {
		return plain.run(b, each, func(int, int) []byte { return wire }), least.relay(b, each), served.relay(b, each)
	}
	turn() // connections are made, and tables of keys
	for _, crowd := range []*crowd{plain, least, served} {
		crowd.latencies, crowd.took = nil, 0
	}
	var againstProxy, againstLeast, proxyCPU, leastCPU []float64
	for b.Loop() {
		for range turns {
			proxied, floored, relayed := turn()
			againstProxy = append(againstProxy, float64(proxied.time)/float64(relayed.time))
			againstLeast = append(againstLeast, float64(floored.time)/float64(relayed.time))
			proxyCPU = append(proxyCPU, float64(proxied.processor)/float64(relayed.processor))
			leastCPU = append(leastCPU, float64(floored.processor)/float64(relayed.processor))
		}
	}
	if got, want := node.asked.Load(), int64(3*(b.N*turns+1)*connections*each); got != want {
		b.Fatalf("the upstream was asked %d times, want %d", got, want)
	}
	b.ReportMetric(0, "ns/op") // includes sealing and opening, which are the client's
	b.ReportMetric(median(againstProxy), "throughput-ratio")
	b.ReportMetric(median(againstLeast), "signed-floor-ratio")
	b.ReportMetric(median(proxyCPU), "cpu-ratio")
	b.ReportMetric(median(leastCPU), "signed-floor-cpu-ratio")
	b.ReportMetric(served.rate(), "relays/s")
	b.ReportMetric(plain.rate(), "proxied/s")
	b.ReportMetric(least.rate(), "signed-floor/s")
	for _, percent := range []int{50, 99} {
		added := served.percentile(percent) - plain.percentile(percent)
		b.ReportMetric(float64(added.Microseconds()), fmt.Sprintf("added-p%d-µs", percent))
	}
}

// median of the turns: others may use the machine too.
func median(ratios []float64) float64 {
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

// serveRelays serves a servicer as a node does, and returns its address.
func serveRelays(b *testing.B, s *servicer.Servicer) (address string) {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	b.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			b.Error(err)
		}
	})
	return listener.Addr().String()
}

// relay has each connection send a number of relays, which are sealed beforehand, and returns what this turn took. The
// last answer on each connection is opened.
func (c *crowd) relay(b *testing.B, each int) spent {
	b.Helper()
	sealed := make([][]*relay.SealedRequest, len(c.connections))
	wires := make([][][]byte, len(c.connections))
	for i := range c.connections {
		for range each {
			request := seal(b, applicationKey, newRequest())
			sealed[i] = append(sealed[i], request)
			wires[i] = append(wires[i], httpPost(relay.Path, relay.ContentType, request.Envelope))
		}
	}
	took := c.run(b, each, func(connection, n int) []byte { return wires[connection][n] })
	for i := range c.connections {
		wantReply(b, open(b, c.last[i], sealed[i][each-1].BodyHash))
	}
	return took
}

func httpPost(path, contentType string, body []byte) []byte {
	return append(fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		path, contentType, len(body)), body...)
}

// crowd is a number of connections that send requests concurrently, each one after the other.
type crowd struct {
	connections []net.Conn
	last        [][]byte
	latencies   []time.Duration
	took        time.Duration
}

func newCrowd(b *testing.B, address string, size int) *crowd {
	b.Helper()
	made := &crowd{last: make([][]byte, size)}
	for range size {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = connection.Close() })
		made.connections = append(made.connections, connection)
	}
	return made
}

// run has each connection send a number of requests, adds up time and latencies, and returns what this turn took.
func (c *crowd) run(b *testing.B, each int, wire func(connection, n int) []byte) spent {
	b.Helper()
	latencies := make([][]time.Duration, len(c.connections))
	var running sync.WaitGroup
	began, used := time.Now(), processorTime(b)
	for i, connection := range c.connections {
		running.Go(func() {
			reader := bufio.NewReader(connection)
			for n := range each {
				sent := time.Now()
				if _, err := connection.Write(wire(i, n)); err != nil {
					b.Error(err)
					return
				}
				response, err := http.ReadResponse(reader, nil)
				if err != nil || response.StatusCode != http.StatusOK {
					b.Errorf("answer %v, %v", response, err)
					return
				}
				c.last[i], _ = io.ReadAll(response.Body)
				latencies[i] = append(latencies[i], time.Since(sent))
			}
		})
	}
	running.Wait()
	took := spent{time.Since(began), processorTime(b) - used}
	c.took += took.time
	c.latencies = append(c.latencies, slices.Concat(latencies...)...)
	return took
}

// spent is what a turn takes: time, and that of the processors for the whole process.
type spent struct{ time, processor time.Duration }

// processorTime returns what this process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func (c *crowd) rate() float64 { return float64(len(c.latencies)) / c.took.Seconds() }

func (c *crowd) percentile(percent int) time.Duration {
	slices.Sort(c.latencies)
	return c.latencies[(len(c.latencies)-1)*percent/100]
}
