package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/pocket-fisherman/fisherman/inbound"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// Config says how the API is served.
type Config struct {
	// Logger takes failures of the node (error) and clients that go away (debug). Nil discards them.
	Logger *slog.Logger
	// Connections bounds the connections that are open at once; zero means DefaultConnections.
	Connections inbound.Bounds
	// Metrics answers scrapes at MetricsPath; without it there is no such path. It bounds what a scrape takes itself.
	Metrics http.Handler
	// Public answers whatever name a request calls the node by. Otherwise Serve answers only requests to this machine's
	// own: "localhost" or a loopback address. A web page whose host name was pointed at loopback (DNS rebinding) is of the
	// node's origin to a browser, and shows itself by that name.
	Public bool
	// Pages are served beside the API, by path, without its rules; nil for none. They have none of its paths.
	Pages map[string]http.Handler
}

// DefaultConnections returns the bounds on open connections when the configuration names none.
func DefaultConnections() inbound.Bounds {
	return inbound.Bounds{Most: 128, PerClient: 32, Displace: true}
}

// Server answers the HTTP API. It is an http.Handler as well, for a caller that serves it itself.
type Server struct {
	readers     Readers
	network     Network
	logger      *slog.Logger
	metrics     http.Handler
	paths       map[string]endpoint
	pages       map[string]http.Handler
	connections inbound.Bounds
	public      bool
	limits      limits
	// reading has a place for each read of a store under way.
	reading chan struct{}
	// waiting has a place for each request that reads or waits for that; nil for any number.
	waiting chan struct{}
	// compressing has a place for each answer that is being compressed.
	compressing chan struct{}
	streams     *streams
	// unwritten is what clients have not taken yet.
	unwritten outbox
}

// limits bound what one connection may take.
type limits struct {
	header      time.Duration // a request's header, from its first byte
	read        time.Duration // a request, from its first byte
	answer      time.Duration // reading state for an answer
	act         time.Duration // doing something for an answer: a check with its timeout
	write       time.Duration // an answer, from its first byte; one event of a stream
	take        time.Duration // a part of an answer: a client that takes nothing of it is let go
	idle        time.Duration // between requests
	grace       time.Duration // for answers that are under way when the server stops
	keepAlive   time.Duration // between the signs of life of a stream
	headerBytes int
}

func defaultLimits() limits {
	return limits{
		header:      5 * time.Second,
		read:        10 * time.Second,
		answer:      10 * time.Second,
		act:         25 * time.Second,
		write:       30 * time.Second,
		take:        5 * time.Second,
		idle:        time.Minute,
		grace:       2 * time.Second,
		keepAlive:   15 * time.Second,
		headerBytes: 16 << 10,
	}
}

// New fits a server to its readers.
func New(config Config, readers Readers) *Server {
	server := &Server{readers: readers, network: readers.Network.completed(), logger: config.Logger, metrics: config.Metrics, pages: config.Pages, connections: config.Connections,
		public: config.Public, limits: defaultLimits(), reading: make(chan struct{}, mostReads), compressing: make(chan struct{}, mostCompressing)}
	if server.logger == nil {
		server.logger = slog.New(slog.DiscardHandler)
	}
	if server.connections.Most <= 0 {
		server.connections = DefaultConnections()
	}
	server.waiting = make(chan struct{}, mostWaiting(server.connections.Most))
	server.streams = newStreams(server.connections)
	server.paths = server.endpoints()
	return server
}

// served handles the requests of a listener.
func (s *Server) served(ctx context.Context) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.public && !isThisMachine(r.Host) {
			refused := refusal{http.StatusMisdirectedRequest, api.ErrorCodeBadHost,
				"this node answers to localhost and loopback addresses only, unless api.public is set"}
			s.write(w, r, refused.status, refused.view())
			return
		}
		s.handle(w, r, ctx.Done())
	})
}

// Serve answers requests on the listener, which it owns, until the context ends; then it lets answers under way finish
// for at most two seconds and returns nil. It returns an error when the listener fails before that.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	bounded := inbound.Listen(listener, s.connections)
	server := &http.Server{
		Handler:           s.served(ctx),
		ConnState:         bounded.Track,
		ReadHeaderTimeout: s.limits.header,
		ReadTimeout:       s.limits.read,
		WriteTimeout:      s.limits.write,
		IdleTimeout:       s.limits.idle,
		MaxHeaderBytes:    s.limits.headerBytes,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(bounded) }()
	select {
	case err := <-served:
		_ = server.Close()
		return fmt.Errorf("serve rpc: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limits.grace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		_ = server.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve rpc: %w", err)
	}
	return nil
}
