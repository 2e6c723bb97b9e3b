package rpc

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/inbound"
	"github.com/pocket-fisherman/fisherman/samples"
)

// A new stream ends the oldest of the client that has the most, and waits for its end.
func TestStreamsMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newStreams(inbound.Bounds{Most: 10, PerClient: 6})
		var ended []string
		leaves := make(map[string]func())
		enter := func(name, from string, slow bool) {
			request := httptest.NewRequest(http.MethodGet, "/", nil)
			request.RemoteAddr = from
			leave, err := all.enter(t.Context(), request, func() {
				ended = append(ended, name)
				if !slow {
					leaves[name]()
				}
			})
			if err != nil {
				t.Error(err)
				return
			}
			leaves[name] = leave
		}
		expect := func(want ...string) {
			t.Helper()
			if !slices.Equal(ended, want) {
				t.Errorf("ended: %v, want %v", ended, want)
			}
		}
		enter("a1", "8.8.8.8:1", false)
		enter("b1", "127.0.0.1:1", false)
		enter("b2", "[::ffff:127.0.0.1]:2", false)
		enter("b3", "127.0.0.1:3", false)
		expect()
		enter("b4", "127.0.0.1:4", false) // as many as one client may have
		expect("b1")
		enter("c1", "[fd00::1]:1", false)
		enter("d1", "[fd00:0:0:1::1]:1", false) // as many as there may be
		expect("b1", "b2")
		leaves["a1"]()
		enter("e1", "9.9.9.9:1", true)
		expect("b1", "b2")
		enter("e2", "9.9.9.9:2", true) // b and e have as many then
		expect("b1", "b2", "b3")
		entered := make(chan struct{})
		go func() {
			enter("f1", "7.7.7.7:1", false)
			close(entered)
		}()
		synctest.Wait()
		expect("b1", "b2", "b3", "e1")
		select {
		case <-entered:
			t.Error("it has not waited for the one that makes room")
		default:
		}
		leaves["e1"]()
		<-entered
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		all.open[0].end = func() {}
		if _, err := all.enter(ctx, httptest.NewRequest(http.MethodGet, "/", nil), func() {}); err == nil {
			t.Error("a client that went away has a stream")
		}
		if len(all.open) != 4 {
			t.Errorf("%d are open", len(all.open))
		}
	})
}

// endlessEvents sends events as fast as they are read.
type endlessEvents struct{}

func (endlessEvents) Listen(ctx context.Context, _ int64) ([]samples.Event, <-chan samples.Event, error) {
	coming := make(chan samples.Event)
	go func() {
		event := samples.Event{ID: 1, Kind: "round", Data: make([]byte, 64<<10)}
		for {
			select {
			case coming <- event:
			case <-ctx.Done():
				return
			}
		}
	}()
	return nil, coming, nil
}

// Many more streams than there may be connections, none of them read, keep neither an ordinary read nor a further
// stream out.
func TestStreamsKeepNobodyOut(t *testing.T) {
	readers, _, _ := readersAt(9)
	readers.Events = endlessEvents{}
	server := New(Config{Connections: inbound.Bounds{Most: 16, Displace: true}, Metrics: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}, readers)
	address, stop := serve(t, server)
	defer func() { _ = stop() }()
	get := func(path string) {
		t.Helper()
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v, %v", path, response, err)
		}
		if path != "/v1/qos/events" {
			if _, err := io.Copy(io.Discard, response.Body); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 12 {
		get("/v1/qos/events")
	}
	for range 20 {
		get("/v1/health")
		get(MetricsPath)
	}
	if open := len(server.streams.open); open > 8 {
		t.Errorf("%d streams are open", open)
	}
}
