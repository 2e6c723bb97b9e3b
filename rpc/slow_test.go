package rpc

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/inbound"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
)

// pipes is a listener whose connections are pipes: what nobody reads is in no buffer of the system's.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func newPipes() *pipes { return &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{} }

// send sends a request over a connection of its own.
func (p *pipes) send(t *testing.T, path, header string) net.Conn {
	near, far := net.Pipe()
	p.accepted <- far
	if _, err := io.WriteString(near, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n"+header+"\r\n"); err != nil {
		t.Error(err)
	}
	return near
}

// get sends a request, and returns its answer's status and text.
func (p *pipes) get(t *testing.T, path string) (status int, text string) {
	conn := p.send(t, path, "Connection: close\r\n")
	defer conn.Close()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Error(err)
	}
	return answer.StatusCode, string(body)
}

// large makes every answer some megabytes.
type large struct{ *fakeQoS }

func (large) Rounds(context.Context, samples.RoundFilter) (api.RoundPage, error) {
	page := api.RoundPage{Session: knownSession, Rounds: make([]api.Round, 1000)}
	for i := range page.Rounds {
		page.Rounds[i] = roundAt(uint32(i))
		page.Rounds[i].Reason = strings.Repeat("x", 64<<10)
	}
	return page, nil
}

func (large) Report(context.Context, samples.ReportFilter) (api.Report, error) {
	return api.Report{Rolling: []api.RollingReport{}, Sessions: make([]api.SessionReport, 2_000)}, nil
}

func (large) Windows(context.Context, samples.WindowFilter) (api.WindowsReport, error) {
	return api.WindowsReport{Windows: make([]api.WindowReport, 2_000)}, nil
}

func (large) Evidence(context.Context, samples.EvidenceFilter) (api.EvidencePage, error) {
	return api.EvidencePage{Evidence: make([]api.Evidence, 2_000)}, nil
}

func (large) Listen(context.Context, int64) ([]samples.Event, <-chan samples.Event, error) {
	missed := make([]samples.Event, 1000)
	for i := range missed {
		missed[i] = samples.Event{Kind: api.EventKindRound, Data: make([]byte, 4<<10)}
	}
	return missed, make(chan samples.Event), nil
}

// A hundred clients that ask for large answers and read nothing hold a bounded part of the memory, for a bounded time. Health
// and small answers are not held up.
func TestClientsThatReadNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("it weighs memory, of which the race detector takes its own share")
	}
	for _, path := range []string{"/v1/qos/rounds?limit=1000&session=" + knownSession, "/v1/qos?last=1000", "/v1/qos?window=24h", "/v1/evidence?limit=100", "/v1/qos/events"} {
		synctest.Test(t, func(t *testing.T) {
			readers, _, measured := readersAt(9)
			all := large{fakeQoS: measured}
			readers.Samples, readers.Events = all, all
			// All pipes are of one client, which the bounds of connections keep from having so many.
			server, listener := New(Config{Connections: inbound.Bounds{Most: 256}}, readers), newPipes()
			ctx, cancel := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() { served <- server.Serve(ctx, listener) }()
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var clients []net.Conn
			for range 100 {
				clients = append(clients, listener.send(t, path, "Last-Event-ID: 1\r\n"))
			}
			synctest.Wait()
			runtime.GC()
			runtime.GC() // what lies in pools of buffers goes with the second one
			runtime.ReadMemStats(&after)
			held := int64(after.HeapAlloc) - int64(before.HeapAlloc)
			if held > mostUnwritten+mostUnwritten/2 {
				t.Errorf("%s: %d MiB are held", path, held>>20)
			}
			t.Logf("%s: %d MiB are held", path, held>>20)
			waiting := func() int {
				server.unwritten.mu.Lock()
				defer server.unwritten.mu.Unlock()
				return server.unwritten.waiting
			}
			if got := waiting(); got > mostUnwritten || got < mostUnwritten/2 {
				t.Errorf("%s: %d bytes wait", path, got)
			}
			began := time.Now()
			if status, text := listener.get(t, "/v1/health"); status != http.StatusOK || time.Since(began) > 0 {
				t.Errorf("%s: health %d after %v: %s", path, status, time.Since(began), text)
			}
			if status, text := listener.get(t, "/v1/relays"); status != http.StatusOK || time.Since(began) > 0 {
				t.Errorf("%s: relays %d after %v: %s", path, status, time.Since(began), text)
			}
			if status, text := listener.get(t, "/v1/qos/rounds?session="+knownSession); status != http.StatusServiceUnavailable || !strings.Contains(text, string(api.ErrorCodeBusy)) {
				t.Errorf("%s: %d: %.100s", path, status, text)
			}
			// A stream begins when the one that makes room for it has ended, one after the other.
			time.Sleep(server.limits.write + 100*lastPatience) // virtual
			synctest.Wait()
			if got := waiting(); got != 0 {
				t.Errorf("%s: %d bytes still wait", path, got)
			}
			if status, _ := listener.get(t, "/v1/qos/rounds?session="+knownSession); status != http.StatusOK {
				t.Errorf("%s: %d afterwards", path, status)
			}
			for _, client := range clients {
				client.Close()
			}
			cancel()
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
	}
}

// Clients at one address that ask for large answers and read nothing, more than there may be connections: health answers those
// at the same address within a second.
func TestOneAddressThatReadsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		readers, _, measured := readersAt(9)
		readers.Samples = large{fakeQoS: measured}
		server, listener := New(Config{}, readers), newPipes()
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- server.Serve(ctx, listener) }()
		for range 3 * DefaultConnections().Most {
			defer listener.send(t, "/v1/qos/rounds?session="+knownSession, "").Close()
		}
		for range DefaultConnections().Most {
			began := time.Now()
			if status, text := listener.get(t, "/v1/health"); status != http.StatusOK || time.Since(began) > time.Second {
				t.Fatalf("health %d after %v: %s", status, time.Since(began), text)
			}
		}
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// Who takes a part of an answer now and then has it until the time for all of it is over; who takes nothing is let go sooner.
func TestSlowClientsAreLetGo(t *testing.T) {
	for name, test := range map[string]struct{ pause, ends time.Duration }{
		"nothing":   {time.Hour, defaultLimits().take},
		"a trickle": {defaultLimits().take / 2, defaultLimits().write},
		"all":       {0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			readers, _, measured := readersAt(9)
			readers.Samples = large{fakeQoS: measured}
			server, listener := New(Config{}, readers), newPipes()
			ctx, cancel := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() { served <- server.Serve(ctx, listener) }()
			began := time.Now()
			conn := listener.send(t, "/v1/qos/rounds?session="+knownSession, "")
			go func() {
				for part := make([]byte, partSize); ; time.Sleep(test.pause) {
					if _, err := conn.Read(part); err != nil {
						return
					}
				}
			}()
			synctest.Wait()
			for {
				server.unwritten.mu.Lock()
				waiting := server.unwritten.waiting
				server.unwritten.mu.Unlock()
				if waiting == 0 || time.Since(began) > time.Minute {
					break
				}
				time.Sleep(time.Second / 4) // virtual
				synctest.Wait()
			}
			if took := time.Since(began); took != test.ends {
				t.Errorf("%s: let go after %v, not %v", name, took, test.ends)
			}
			conn.Close()
			cancel()
			if err := <-served; err != nil {
				t.Error(err)
			}
			time.Sleep(test.pause) // virtual: the reader sees the end
		})
	}
}
