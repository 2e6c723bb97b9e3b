package servicer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/inbound"
)

const (
	// A client may connect ahead of time and send later: a fisherman warms its connections before a round, and holds
	// one back for up to 10 s (the largest servicer offset). net/http counts that wait as reading the header.
	readHeaderTimeout = 15 * time.Second
	readTimeout       = 20 * time.Second
	// writeMargin is the time for the answer itself, in addition to reading the body and asking the upstream.
	writeMargin = 5 * time.Second
	// Fishermen keep connections between checks, so that connecting is not part of the measurement.
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 8 << 10

	// Together they bound the shutdown to 2 s.
	shutdownGrace = time.Second
	shutdownDrain = 500 * time.Millisecond
	shutdownStore = 400 * time.Millisecond
)

// Serve serves relays on the listener until the context ends. It owns the listener and the connections: they are closed
// when it returns. When the context ends, executions are cancelled (their relays are answered as BUSY), idle
// connections are closed, queued volume-applicable relays are stored, and Serve returns nil within 2 s. It fails if the
// listener does, or if a relay is still being processed or stored after that time.
func (s *Servicer) Serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer s.Close()
	defer s.executor.watch(ctx)()
	endStoring := s.startStoring()
	gate := &gate{Listener: inbound.Listen(listener, inbound.Bounds{
		Most: s.config.MaxConnections, PerClient: s.config.MaxClientConnections, Descriptors: s.config.MaxDescriptors,
	})}
	server := s.server(ctx, gate)
	served := make(chan error, 1)
	go func() { served <- server.Serve(gate) }()
	select {
	case err := <-served:
		cancel()
		served <- err
		return errors.Join(fmt.Errorf("serve relays: %w", err), stop(server, gate, served), endStoring())
	case <-ctx.Done():
		return errors.Join(stop(server, gate, served), endStoring())
	}
}

// startStoring starts the writer of volume-applicable relays. Shutdown waits for its end, but only for a bounded time:
// a hanging disk cannot be interrupted.
func (s *Servicer) startStoring() (end func() error) {
	if s.volume == nil {
		return func() error { return nil }
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.volume.run(ctx)
	}()
	return func() error {
		cancel()
		timer := time.NewTimer(shutdownStore)
		defer timer.Stop()
		select {
		case <-ended:
			return nil
		case <-timer.C:
			return errors.New("stop serving relays: the store of relays does not answer")
		}
	}
}

func (s *Servicer) server(ctx context.Context, gate *gate) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:                      s.Handler(),
		Protocols:                    protocols,
		DisableGeneralOptionsHandler: true,
		BaseContext:                  func(net.Listener) context.Context { return ctx },
		ConnState:                    gate.track,
		ReadHeaderTimeout:            readHeaderTimeout,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 readTimeout + s.config.UpstreamTimeout + writeMargin,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		ErrorLog:                     slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelDebug),
	}
}

// stop closes everything and waits for the connections' goroutines to end, so that nothing reads state after Serve
// returns.
func stop(server *http.Server, gate *gate, served <-chan error) error {
	grace, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	if server.Shutdown(grace) != nil {
		// Connections that never sent anything, or whose client does not read, get no more time than that.
		_ = server.Close()
	}
	// Nothing is accepted from here on, so the last connection is really the last.
	<-served
	if !gate.drained(shutdownDrain) {
		return errors.New("stop serving relays: a relay still runs")
	}
	return nil
}

// gate is a listener that knows when the last connection has ended. It learns that from the server's state hook rather
// than by wrapping the connection, which would hide its methods from net/http.
type gate struct {
	*inbound.Listener
	serving sync.WaitGroup
}

// track follows the connections' states; every accepted connection is first new and finally closed.
func (g *gate) track(connection net.Conn, state http.ConnState) {
	g.Track(connection, state)
	switch state {
	case http.StateNew:
		g.serving.Add(1)
	case http.StateClosed, http.StateHijacked:
		g.serving.Done()
	}
}

// drained waits for the last connection's goroutine to end, and reports whether it did in time.
func (g *gate) drained(timeout time.Duration) bool {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.serving.Wait()
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
		return false
	}
}
