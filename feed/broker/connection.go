package broker

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Problem is why there is no connection.
type Problem uint8

// Problems.
const (
	// ProblemNone: connected.
	ProblemNone Problem = iota
	// ProblemUnreachable: no server answers.
	ProblemUnreachable
	// ProblemRefused: a server answers, and refuses who we are.
	ProblemRefused
	// ProblemTLS: a server answers, and one of the two does not accept the other's certificate.
	ProblemTLS
)

const (
	connectTimeout = 5 * time.Second
	// ackTimeout is how long a server may take to acknowledge a message.
	ackTimeout = 10 * time.Second
	// slowest is the pause between attempts of somebody who is refused, and the longest of all.
	slowest = 30 * time.Second
	fastest = 250 * time.Millisecond
	// pingInterval and mostPings decide when a silent server is given up.
	pingInterval = 10 * time.Second
	mostPings    = 2
)

// Connection is a connection to NATS that is made again whenever it is lost.
type Connection struct {
	conn   *nats.Conn
	stream jetstream.JetStream
	logger *slog.Logger
	// closed is closed when the library calls nothing of ours any more.
	closed chan struct{}

	mu      sync.Mutex
	problem Problem
	reason  string
	// forbidden is set when the server did not permit something; waiting, unless it is nil, ends what waits for an answer then, since
	// none comes.
	forbidden bool
	waiting   context.CancelFunc
	// changed is closed and replaced when problem changes.
	changed chan struct{}
}

// Connect begins to connect and returns at once: State says whether there is a connection. Errors are those of the options. End
// it with Close.
func Connect(o Options) (*Connection, error) {
	servers, err := o.servers()
	if err != nil {
		return nil, err
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	c := &Connection{logger: cmp.Or(o.Logger, slog.New(slog.DiscardHandler)), problem: ProblemUnreachable, reason: "not connected yet",
		changed: make(chan struct{}), closed: make(chan struct{})}
	options, err := c.options(o)
	if err != nil {
		return nil, err
	}
	if c.conn, err = nats.Connect(strings.Join(servers, ","), options...); err != nil {
		return nil, errors.New(describe(err))
	}
	if c.conn.IsConnected() {
		c.set(ProblemNone, "")
	}
	if c.stream, err = jetstream.New(c.conn, jetstream.WithPublishAsyncTimeout(ackTimeout), jetstream.WithDefaultTimeout(connectTimeout)); err != nil {
		c.Close()
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	return c, nil
}

func (c *Connection) options(o Options) ([]nats.Option, error) {
	options := []nats.Option{
		nats.Name(o.Name), nats.Timeout(connectTimeout), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true), nats.IgnoreAuthErrorAbort(),
		nats.ReconnectBufSize(-1), // what is not sent is sent again from the outbox, not from memory
		nats.PingInterval(pingInterval), nats.MaxPingsOutstanding(mostPings), nats.DontRandomize(),
		nats.CustomReconnectDelay(c.delay),
		nats.ConnectHandler(func(*nats.Conn) { c.set(ProblemNone, "") }),
		nats.ReconnectHandler(func(*nats.Conn) { c.set(ProblemNone, "") }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { c.lost(err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { c.lost(err) }),
		nats.ClosedHandler(func(*nats.Conn) { close(c.closed) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { c.failed(err) }),
	}
	if o.Credentials != "" {
		options = append(options, nats.UserCredentials(o.Credentials))
	}
	secure, err := o.TLS.config()
	if err != nil {
		return nil, err
	}
	if secure != nil {
		options = append(options, nats.Secure(secure))
	}
	if o.Embedded != nil {
		options = append(options, nats.InProcessServer(o.Embedded.server))
	}
	return options, nil
}

// delay is the pause before all servers are tried again.
func (c *Connection) delay(attempts int) time.Duration {
	c.mu.Lock()
	refused := c.problem == ProblemRefused
	c.mu.Unlock()
	if refused {
		return slowest
	}
	return Backoff(attempts)
}

// Backoff returns the pause after a number of failures in a row: it doubles from 250 ms to 30 s, less up to a quarter at random.
func Backoff(failures int) time.Duration {
	pause := slowest
	if failures < 8 {
		pause = min(fastest<<max(failures-1, 0), slowest)
	}
	return pause - time.Duration(rand.Int64N(int64(pause)/4))
}

// lost notes that there is no connection.
func (c *Connection) lost(err error) {
	if err == nil {
		err = net.ErrClosed
	}
	c.set(problemOf(err), describe(err))
}

// failed notes an error of a connection that goes on.
func (c *Connection) failed(err error) {
	switch {
	case errors.Is(err, nats.ErrPermissionViolation):
		c.mu.Lock()
		c.forbidden = true
		if c.waiting != nil {
			c.waiting()
		}
		c.mu.Unlock()
		c.logger.Debug("NATS: the server does not permit something")
	case problemOf(err) == ProblemRefused:
		c.set(ProblemRefused, describe(err))
	}
}

func (c *Connection) set(problem Problem, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.problem == problem && c.reason == reason {
		return
	}
	turned := c.problem != problem
	c.problem, c.reason = problem, reason
	close(c.changed)
	c.changed = make(chan struct{})
	switch {
	case turned && problem == ProblemNone:
		c.logger.Info("connected to NATS")
	case turned:
		c.logger.Warn("no connection to NATS; it is tried again", "reason", reason)
	}
}

// State returns why there is no connection, an explanation for people that names no server and no secret, and a channel that is
// closed when that changes.
func (c *Connection) State() (problem Problem, reason string, changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.problem, c.reason, c.changed
}

// Await returns once there is a connection, or the context ends, with its error.
func (c *Connection) Await(ctx context.Context) error {
	for {
		problem, _, changed := c.State()
		if problem == ProblemNone {
			return ctx.Err()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// JetStream returns what publishes and reads.
func (c *Connection) JetStream() jetstream.JetStream { return c.stream }

// MaxPayload returns the largest message that the server takes, in bytes; 0 while it is not known.
func (c *Connection) MaxPayload() int64 { return c.conn.MaxPayload() }

// wasForbidden reports whether the server did not permit something since untilForbidden was called.
func (c *Connection) wasForbidden() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.forbidden
}

// untilForbidden returns a context that ends when the server does not permit something.
func (c *Connection) untilForbidden(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forbidden, c.waiting = false, cancel
	return ctx, cancel
}

// Close ends the connection. Closing a closed one does nothing.
func (c *Connection) Close() {
	c.conn.Close()
	<-c.closed
}

// problemOf returns what kind of problem an error of connecting is.
func problemOf(err error) Problem {
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked),
		errors.Is(err, nats.ErrAccountAuthExpired), errors.Is(err, nats.ErrNkeysNotSupported):
		return ProblemRefused
	case unverified || alert || record || host || errors.Is(err, nats.ErrSecureConnRequired) || errors.Is(err, nats.ErrSecureConnWanted):
		return ProblemTLS
	}
	return ProblemUnreachable
}

// describe says what an error of connecting is, without the server's address: it may have a password in it.
func describe(err error) string {
	timeout, isTimeout := errors.AsType[net.Error](err)
	_, isDNS := errors.AsType[*net.DNSError](err)
	code, isCode := errors.AsType[syscall.Errno](err)
	switch {
	case problemOf(err) == ProblemRefused:
		return "the server refuses the credentials"
	case problemOf(err) == ProblemTLS:
		return "the TLS handshake with the server fails"
	case isDNS:
		return "the server's host name does not resolve"
	case isTimeout && timeout.Timeout() || errors.Is(err, nats.ErrTimeout):
		return "the server does not answer in time"
	case errors.Is(err, nats.ErrNoServers):
		return "no server takes the connection"
	case isCode:
		return code.Error()
	case errors.Is(err, nats.ErrStaleConnection):
		return "the server does not answer any more"
	}
	return "the connection was lost"
}
