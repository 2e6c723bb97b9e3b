package entrance

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/pocket-fisherman/fisherman/inbound"
)

const (
	// keyBytes is the length of the first message of CometBFT's handshake: a length, a field, and an ephemeral key.
	keyBytes = 3 + 32
	// answerBytes is the length of the second one, with which the peer proves its ID: a frame with its length and seal.
	answerBytes = 1024 + 4 + 16
	// passedBytes is read at once in each direction. It is copied rather than spliced: a splice takes two more descriptors.
	passedBytes = 16 << 10
	// dialPatience bounds the connection to a listener of this process.
	dialPatience = time.Second
)

// keyPrefix is what stands before the ephemeral key.
var keyPrefix = []byte{2 + 32, 0x0a, 32}

// connection is an open one. Its fields belong to the entrance's lock, once it is admitted; outer does not change.
type connection struct {
	outer net.Conn
	// inner leads to CometBFT, from the address at; nil and zero before.
	inner net.Conn
	at    netip.AddrPort
	from  inbound.Client
	// lane of its kind.
	lane *lane
	// spoke: it has sent its key. turn is closed when it may go on.
	spoke bool
	turn  chan struct{}
	// since when it is where it is in the handshake, and how long it may stay although others wait; zero before.
	since  time.Time
	tenure time.Duration
	// tight: it was made while as many descriptors were open as connections may use.
	tight bool
	// stage that an unproven connection is at; nil when it is proved or closed.
	stage *stage
	// stranger: it is proved, and the peer is not configured.
	stranger bool
	closed   bool
	// limit closes it unless it is proved in time.
	limit *time.Timer
}

// serve passes the bytes of a connection until it ends. CometBFT sends its key unasked. It gets the peer's together with the
// answer to its own, so that a key without an answer costs no work.
func (e *Entrance) serve(c *connection) {
	defer e.drop(c)
	opening := make([]byte, keyBytes+answerBytes)
	key, answer := opening[:keyBytes], opening[keyBytes:]
	if _, err := io.ReadFull(c.outer, key); err != nil || !bytes.HasPrefix(key, keyPrefix) {
		return
	}
	e.spoke(c)
	<-c.turn
	inner, err := e.connect(c)
	if err != nil {
		return
	}
	var passing sync.WaitGroup
	defer passing.Wait()
	passing.Go(func() {
		pass(c.outer, inner)
		e.drop(c)
	})
	if _, err := io.ReadFull(c.outer, answer); err == nil {
		e.answered(c)
		if _, err := inner.Write(opening); err == nil {
			pass(inner, c.outer)
		}
	}
	e.drop(c)
}

// pass copies until one of the two ends.
func pass(to io.Writer, from io.Reader) {
	_, _ = io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, passedBytes))
}

// connect connects a connection to CometBFT. The address is known before CometBFT can ask for it.
func (e *Entrance) connect(c *connection) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialPatience, Control: func(_, _ string, socket syscall.RawConn) error {
		at, err := bind(socket)
		if err != nil {
			return err
		}
		return e.expect(c, at)
	}}
	inner, err := dialer.Dial("tcp4", e.to)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.closed {
		abort(inner)
		return nil, net.ErrClosed
	}
	c.inner = inner
	return inner, nil
}

// bind gives a socket a free port of loopback and returns its address.
func bind(socket syscall.RawConn) (at netip.AddrPort, err error) {
	loopback := [4]byte{127, 0, 0, 1}
	failed := socket.Control(func(fd uintptr) {
		if err = syscall.Bind(int(fd), &syscall.SockaddrInet4{Addr: loopback}); err != nil {
			return
		}
		var name syscall.Sockaddr
		if name, err = syscall.Getsockname(int(fd)); err != nil {
			return
		}
		bound, is := name.(*syscall.SockaddrInet4)
		if !is {
			err = fmt.Errorf("socket has the address %v", name)
			return
		}
		at = netip.AddrPortFrom(netip.AddrFrom4(bound.Addr), uint16(bound.Port))
	})
	if failed != nil {
		return at, failed
	}
	return at, err
}

// abort closes a connection without a farewell, which would occupy the port for a while.
func abort(conn net.Conn) {
	if tcp, is := conn.(*net.TCPConn); is {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
