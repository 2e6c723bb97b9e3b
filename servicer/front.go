package servicer

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/inbound"
)

// front accepts the connections of clients. It answers plain requests itself. A connection with any other request goes on
// with package net/http, from that request's first byte to the connection's end.
type front struct {
	listener     *inbound.Listener
	logger       *slog.Logger
	handle       func(ctx context.Context, envelope []byte) (response []byte, signed bool)
	writeTimeout time.Duration
	// server serves what is handed to others.
	server *http.Server
	others *handover
	// serving are the connections that have not ended, of both.
	serving sync.WaitGroup

	mu sync.Mutex
	// open are the connections that are not handed over; true for those that wait for a request.
	open map[*connection]bool
	// shut: no further request is taken.
	shut bool
}

func (s *Servicer) newFront(ctx context.Context, listener *inbound.Listener) *front {
	made := &front{
		listener:     listener,
		logger:       s.config.Logger,
		handle:       s.handle,
		writeTimeout: s.writeTimeout(),
		others:       newHandover(listener.Addr()),
		open:         make(map[*connection]bool),
	}
	made.server = s.server(ctx, made.trackOther)
	return made
}

// serve accepts connections until the listener fails or is closed.
func (f *front) serve(ctx context.Context) error {
	ended := make(chan struct{})
	go func() { defer close(ended); _ = f.server.Serve(f.others) }()
	defer func() { _ = f.others.Close(); <-ended }()
	for pause := time.Duration(0); ; {
		conn, err := f.listener.Accept()
		if err == nil {
			pause = 0
			f.begin(ctx, conn)
			continue
		}
		//lint:ignore SA1019 package net/http goes on after such errors too: the process may be out of descriptors for a moment
		if network, is := errors.AsType[net.Error](err); !is || !network.Temporary() {
			return err
		}
		pause = min(max(2*pause, minAcceptPause), maxAcceptPause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// Pauses after an error of accepting that may pass.
const (
	minAcceptPause = 5 * time.Millisecond
	maxAcceptPause = time.Second
)

// begin serves a connection in a goroutine of its own.
func (f *front) begin(ctx context.Context, conn net.Conn) {
	made := &connection{Conn: conn, front: f, reader: bufio.NewReaderSize(conn, readBufferSize)}
	made.context, made.cancel = context.WithCancel(ctx)
	f.mu.Lock()
	f.open[made] = true
	f.mu.Unlock()
	f.serving.Add(1)
	go f.run(made)
}

func (f *front) run(c *connection) {
	handed := false
	defer func() {
		if panicked := recover(); panicked != nil {
			f.logger.Error("a connection of a client panicked", "panic", panicked, "stack", string(debug.Stack()))
		}
		c.cancel()
		if !handed {
			_ = c.Close()
			f.listener.Track(c.Conn, http.StateClosed)
			f.serving.Done()
		}
	}()
	err := c.serve()
	f.mu.Lock()
	delete(f.open, c)
	f.mu.Unlock()
	handed = errors.Is(err, errOther) && f.others.give(c)
}

// busy notes that a request has begun.
func (f *front) busy(c *connection) { f.is(c, http.StateActive) }

// idle notes that a connection waits for the next request, and reports whether there may be one.
func (f *front) idle(c *connection) bool { return f.is(c, http.StateIdle) }

func (f *front) is(c *connection, state http.ConnState) bool {
	f.mu.Lock()
	f.open[c] = state == http.StateIdle
	shut := f.shut
	f.mu.Unlock()
	f.listener.Track(c.Conn, state)
	return !shut
}

// closing reports whether no further request is taken.
func (f *front) closing() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shut
}

// trackOther follows the states of the connections that are handed over.
func (f *front) trackOther(conn net.Conn, state http.ConnState) {
	f.listener.Track(conn.(*handed).Conn, state)
	if state == http.StateClosed || state == http.StateHijacked {
		f.serving.Done()
	}
}

// stop closes everything and waits for the connections' goroutines to end, so that nothing reads state afterwards. What has
// begun gets a moment to end by itself; connections that wait for a request get none.
func (f *front) stop(served <-chan error) error {
	grace, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	f.mu.Lock()
	f.shut = true
	f.mu.Unlock()
	_ = f.listener.Close()
	f.closeAll(func(idle bool) bool { return idle })
	// Nothing is accepted from here on, so the last connection is really the last.
	<-served
	ended := make(chan struct{})
	go func() { defer close(ended); f.serving.Wait() }()
	if f.server.Shutdown(grace) == nil && waitFor(grace, ended) {
		return nil
	}
	_ = f.server.Close()
	f.closeAll(func(bool) bool { return true })
	drain, cancel := context.WithTimeout(context.Background(), shutdownDrain)
	defer cancel()
	if !waitFor(drain, ended) {
		return errors.New("stop serving relays: a relay still runs")
	}
	return nil
}

// waitFor waits for an end, and reports whether it came before that of the context.
func waitFor(ctx context.Context, ended <-chan struct{}) bool {
	select {
	case <-ended:
		return true
	case <-ctx.Done():
		return false
	}
}

func (f *front) closeAll(which func(idle bool) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c, idle := range f.open {
		if which(idle) {
			_ = c.Close()
		}
	}
}
