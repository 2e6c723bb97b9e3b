package wire

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// mostAddresses bounds how many of a host's addresses are tried.
const mostAddresses = 4

// Phases are the parts of making a connection. They are never part of a round-trip time.
type Phases struct {
	// DNS is the resolution of the host's name.
	DNS time.Duration
	// Connect is from the first attempt to the connection that is used, the attempts to other addresses included.
	Connect time.Duration
	// TLS is the handshake; 0 without one.
	TLS time.Duration
}

// Total returns how long the connection took to be made.
func (p Phases) Total() time.Duration { return p.DNS + p.Connect + p.TLS }

// Conn is one connection, for one exchange at a time.
type Conn struct {
	// Phases of its making.
	Phases Phases
	// Place of the far side's address; empty if it has none.
	Place string

	made     time.Time
	socket   net.Conn     // the TCP connection
	stamped  *stampedConn // over the socket; nil where the kernel gives no stamps
	stream   net.Conn     // the socket, stamped where it can be, or TLS over it
	timed    *timedReader
	meter    *meter
	reader   *bufio.Reader // nil while the connection is idle
	borrowed bool          // the reader is one that a Pool lends
	deadline time.Time     // of a released request, for the receiver to set; zero when it is set
	released bool          // a request was, and its answer is not received yet
	begun    bool          // an answer is being received that has not come as a whole
	later    later         // whom an answer is received for
	ready    func()        // receiveReady; nil before it is needed
	secured  bool          // TLS
	used     bool          // an exchange was completed on it
	reusable bool
}

// Dialer makes connections. Its zero value dials public addresses only.
type Dialer struct {
	// AllowPrivate permits loopback, private, link-local and other addresses that are not of the public internet.
	AllowPrivate bool
	// RootCAs verify servers; nil means the system's.
	RootCAs *x509.CertPool
	// Resolver of host names; nil means the system's.
	Resolver *net.Resolver
	// UserSpace leaves the kernel's timestamps aside, as on a system that has none.
	UserSpace bool

	// waker of the readers of connections that were made.
	waker waker
	// dial connects to one address; nil means by TCP.
	dial func(ctx context.Context, address netip.AddrPort) (net.Conn, error)
}

// Dial resolves the URL's host, connects and, for https, shakes hands; all within the context's deadline. A service
// URL is a stranger's choice, so every address is judged after resolution and before it is dialled. Those that are left
// are raced, so that one that is dead costs little. Errors are *Failure with the outcome DNS, CONNECT, TLS or TIMEOUT.
func (d *Dialer) Dial(ctx context.Context, serviceURL string) (*Conn, error) {
	conn := &Conn{made: time.Now()}
	target, socket, err := d.reach(ctx, serviceURL, &conn.Phases)
	if err != nil {
		return nil, err
	}
	conn.socket = socket
	if far, ok := conn.socket.RemoteAddr().(*net.TCPAddr); ok {
		conn.Place = Place(far.AddrPort())
	}

	conn.stream = conn.socket
	if !d.UserSpace {
		conn.stamped = newStampedConn(conn.socket, &d.waker)
	}
	if conn.stamped != nil {
		conn.socket, conn.stream = conn.stamped.Conn, conn.stamped
	}
	if target.Scheme == "https" {
		started := time.Now()
		secured := tls.Client(conn.stream, d.tlsConfig(target.Hostname()))
		if err := secured.HandshakeContext(ctx); err != nil {
			conn.socket.Close()
			return nil, d.tlsFailure(ctx, err)
		}
		conn.stream, conn.secured = secured, true
		conn.Phases.TLS = time.Since(started)
	}
	conn.timed, conn.meter, conn.reader = newReader(conn.stream)
	if conn.stamped != nil {
		conn.timed.stamped = conn.stamped
		conn.stamped.begin()
	}
	return conn, nil
}

// reach connects to the URL's host, and notes how long that took.
func (d *Dialer) reach(ctx context.Context, serviceURL string, phases *Phases) (*url.URL, net.Conn, error) {
	target, err := url.Parse(serviceURL)
	if err != nil {
		return nil, nil, Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_PARSE_SERVICE_URL, withoutURL(err))
	}
	if target.Scheme != "http" && target.Scheme != "https" {
		return nil, nil, Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_PARSE_SERVICE_URL, errors.New("its scheme is neither http nor https"))
	}
	started := time.Now()
	addresses, err := d.resolve(ctx, target)
	if err != nil {
		return nil, nil, err
	}
	phases.DNS = time.Since(started)

	started = time.Now()
	socket, err := d.connect(ctx, addresses)
	if err != nil {
		return nil, nil, err
	}
	phases.Connect = time.Since(started)
	return target, socket, nil
}

// tlsConfig offers no protocol to choose from (ALPN): HTTP/1.1 is what a server then speaks, and some that would speak it
// refuse a handshake that names it, since they know the names of others only.
func (d *Dialer) tlsConfig(host string) *tls.Config {
	return &tls.Config{
		ServerName: host, RootCAs: d.RootCAs, MinVersion: tls.VersionTLS12,
		DynamicRecordSizingDisabled: true, // a request goes out in one record, so in one write
	}
}

// Over returns a connection over any stream, such as one end of a net.Pipe. It has no stamps, and counts as alive until
// an exchange on it fails.
func Over(stream net.Conn) *Conn {
	conn := &Conn{made: time.Now(), socket: stream, stream: stream}
	conn.timed, conn.meter, conn.reader = newReader(stream)
	return conn
}

func (d *Dialer) resolve(ctx context.Context, target *url.URL) ([]netip.AddrPort, error) {
	network, err := cmp.Or(d.Resolver, net.DefaultResolver).LookupNetIP(ctx, "ip", target.Hostname())
	if err != nil {
		failure := dialFailure(ctx, types.Outcome_OUTCOME_DNS, types.Attempt_ATTEMPT_RESOLVE_HOST_NAME, err)
		var dns *net.DNSError
		if errors.As(err, &dns) && !dns.IsNotFound && failure.Blame == types.Blame_BLAME_SERVICER {
			// Our resolver gave no verdict on the name. That may be its own fault or that of the zone, which is the
			// owner's: nobody can tell from here.
			failure.Blame = types.Blame_BLAME_UNKNOWN
			failure.Outcome = types.Outcome_OUTCOME_VOID
		}
		return nil, failure
	}
	service := target.Port()
	if service == "" {
		service = target.Scheme
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", service)
	if err != nil {
		return nil, Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_READ_PORT, err)
	}
	var allowed []netip.AddrPort
	for _, address := range network {
		if d.AllowPrivate || Public(address) {
			allowed = append(allowed, netip.AddrPortFrom(address.Unmap(), uint16(port)))
		}
	}
	if len(allowed) == 0 {
		return nil, Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_CONNECT, fmt.Errorf("%s has no public address; private ones are not dialled", target.Hostname()))
	}
	allowed = interleave(allowed)
	return allowed[:min(len(allowed), mostAddresses)], nil
}

// tlsFailure takes a handshake's failure for our own when there is nothing here to verify any server by, as in a
// container without root certificates.
func (d *Dialer) tlsFailure(ctx context.Context, err error) *Failure {
	failure := dialFailure(ctx, types.Outcome_OUTCOME_TLS, types.Attempt_ATTEMPT_TLS_HANDSHAKE, err)
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) && d.rootless() {
		failure.Outcome, failure.Blame = types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF
	}
	return failure
}

func (d *Dialer) rootless() bool {
	roots := d.RootCAs
	if roots == nil {
		var err error
		if roots, err = x509.SystemCertPool(); err != nil {
			return true
		}
	}
	return roots.Equal(x509.NewCertPool())
}

// dialFailure names a time-out before the outcome of the phase.
func dialFailure(ctx context.Context, outcome types.Outcome, attempt types.Attempt, err error) *Failure {
	if errors.Is(ctx.Err(), context.Canceled) {
		return Fail(outcome, attempt, context.Canceled)
	}
	if ctx.Err() != nil || timedOut(err) {
		return Fail(types.Outcome_OUTCOME_TIMEOUT, attempt, errors.New("not finished in time"))
	}
	return Fail(outcome, attempt, err)
}

// Reusable reports whether the connection may carry another exchange after the last one.
func (c *Conn) Reusable() bool { return c.reusable }

// Alive reports whether the connection can carry a request. It looks at the socket without reading, and
// not while somebody receives: false when the far side has closed or reset it, or has sent bytes that nobody asked for.
func (c *Conn) Alive() bool {
	if c.unread() {
		return false
	}
	socket, ok := c.socket.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	// A TLS server sends session tickets after the handshake; they wait unread until the first exchange, and hide
	// whether the far side closed after them.
	tickets := c.secured && !c.used
	alive := false
	err = raw.Control(func(descriptor uintptr) {
		var one [1]byte
		n, _, err := syscall.Recvfrom(int(descriptor), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		alive = errors.Is(err, syscall.EAGAIN) || tickets && n > 0 && !hungUp(int(descriptor))
	})
	return err == nil && alive
}

// Close closes the connection; an exchange on it fails with the blame SELF.
func (c *Conn) Close() error { return c.socket.Close() }
