package servicer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
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
	front := s.newFront(ctx, inbound.Listen(listener, inbound.Bounds{
		Most: s.config.MaxConnections, PerClient: s.config.MaxClientConnections, Descriptors: s.config.MaxDescriptors,
	}))
	served := make(chan error, 1)
	go func() { served <- front.serve(ctx) }()
	select {
	case err := <-served:
		cancel()
		served <- err
		return errors.Join(fmt.Errorf("serve relays: %w", err), front.stop(served), endStoring())
	case <-ctx.Done():
		return errors.Join(front.stop(served), endStoring())
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

// server returns what serves the requests that are not plain.
func (s *Servicer) server(ctx context.Context, track func(net.Conn, http.ConnState)) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:                      s.Handler(),
		Protocols:                    protocols,
		DisableGeneralOptionsHandler: true,
		BaseContext:                  func(net.Listener) context.Context { return ctx },
		ConnState:                    track,
		ReadHeaderTimeout:            readHeaderTimeout,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 s.writeTimeout(),
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		ErrorLog:                     slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelDebug),
	}
}

// writeTimeout is the time from a request's header to the last byte of its answer.
func (s *Servicer) writeTimeout() time.Duration {
	return readTimeout + s.config.UpstreamTimeout + writeMargin
}
