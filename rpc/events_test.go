package rpc

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
)

// fakeEvents tells what it is given.
type fakeEvents struct {
	missed []samples.Event
	coming chan samples.Event
	heard  chan int64
	err    error
}

func (e fakeEvents) Listen(_ context.Context, after int64) ([]samples.Event, <-chan samples.Event, error) {
	if e.heard != nil {
		e.heard <- after
	}
	if e.coming == nil && e.err == nil {
		e.coming = make(chan samples.Event)
		close(e.coming)
	}
	return e.missed, e.coming, e.err
}

// recording keeps what is written to it; a recorder of httptest may not be read meanwhile.
type recording struct {
	mu     sync.Mutex
	header http.Header
	text   strings.Builder
	status int
}

func (r *recording) Header() http.Header    { return r.header }
func (r *recording) WriteHeader(status int) { r.status = status }
func (r *recording) Flush()                 {}

func (r *recording) Write(content []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(content)
}

func (r *recording) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func TestEventsAreStreamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := fakeEvents{missed: []samples.Event{{Kind: api.EventKindSession, Data: []byte(`{"a":1}`)}, {Kind: api.EventKindGap, Data: []byte(`{}`)}},
			coming: make(chan samples.Event), heard: make(chan int64, 1)}
		readers, _, _ := readersAt(9)
		readers.Events = events
		server := New(Config{}, readers)
		ctx, cancel := context.WithCancel(t.Context())
		request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/qos/events", nil)
		request.Header.Set("Last-Event-ID", "41")
		answer, ended := &recording{header: http.Header{}}, make(chan struct{})
		go func() {
			defer close(ended)
			server.ServeHTTP(answer, request)
		}()
		events.coming <- samples.Event{ID: 42, Kind: api.EventKindRound, Data: []byte(`{"b":2}`)}
		time.Sleep(server.limits.keepAlive) // virtual
		synctest.Wait()
		want := ": listening\n\n" + "event: session\ndata: {\"a\":1}\n\n" + "event: gap\ndata: {}\n\n" +
			"id: 42\nevent: round\ndata: {\"b\":2}\n\n" + ": alive\n\n"
		if got := answer.String(); got != want {
			t.Errorf("got %q", got)
		}
		if after := <-events.heard; after != 41 || answer.status != 200 || answer.header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("after %d, status %d, %v", after, answer.status, answer.header)
		}
		cancel()
		<-ended
	})
}

func TestEventsAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		last   string
		status int
		code   api.ErrorCode
	}{
		"too many":  {samples.ErrTooManyListeners, "", 503, api.ErrorCodeTooManyListeners},
		"fisherman": {ErrNoFisherman, "", 404, api.ErrorCodeNoFisherman},
		"no number": {nil, "x", 400, api.ErrorCodeBadRequest},
		"negative":  {nil, "-1", 400, api.ErrorCodeBadRequest},
		"too large": {nil, "9223372036854775808", 400, api.ErrorCodeBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			readers, _, _ := readersAt(9)
			readers.Events = fakeEvents{err: test.err}
			request := httptest.NewRequest(http.MethodGet, "/v1/qos/events", nil)
			request.Header.Set("Last-Event-ID", test.last)
			recorder := httptest.NewRecorder()
			New(Config{}, readers).ServeHTTP(recorder, request)
			expect(t, recorder, test.status, test.code)
		})
	}
}

// A stream outlives what bounds other requests, and ends with the server.
func TestStreamsOutliveRequests(t *testing.T) {
	readers, _, _ := readersAt(9)
	readers.Events = fakeEvents{coming: make(chan samples.Event)}
	server := New(Config{}, readers)
	server.limits.read, server.limits.answer, server.limits.write = 20*time.Millisecond, 20*time.Millisecond, 300*time.Millisecond
	server.limits.keepAlive, server.limits.grace = 10*time.Millisecond, time.Hour
	address, stop := serve(t, server)
	response, err := http.Get("http://" + address + "/v1/qos/events")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	lines, alive := bufio.NewScanner(response.Body), 0
	for alive < 50 && lines.Scan() {
		if lines.Text() == ": alive" {
			alive++
		}
	}
	if alive < 50 {
		t.Fatalf("the stream ended after %d signs of life: %v", alive, lines.Err())
	}
	if err := stop(); err != nil {
		t.Errorf("Serve: %v", err)
	}
}
