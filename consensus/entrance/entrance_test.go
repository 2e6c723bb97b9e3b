package entrance

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pocket-fisherman/fisherman/inbound"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests; none comes near it.
const patience = 10 * time.Second

const (
	friend = "friend"
	other  = "other"
)

// house is an entrance with what is behind it.
type house struct {
	*Entrance
	t     *testing.T
	inner net.Listener
}

func newHouse(t *testing.T, bounds Bounds) *house {
	t.Helper()
	inner, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{Entrance: New(bounds, []string{friend}), t: t, inner: inner}
	if err := h.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	h.Serve(inner.Addr().String())
	t.Cleanup(func() {
		h.Close()
		inner.Close()
	})
	return h
}

func (h *house) dial() net.Conn {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.listener.Addr().String())
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

func greeting() []byte { return append(bytes.Clone(keyPrefix), make([]byte, 32+answerBytes)...) }

// visit makes a connection that sends its part of the handshake, and returns both of its ends.
func (h *house) visit() (outer, inner net.Conn) {
	h.t.Helper()
	outer = h.dial()
	if _, err := outer.Write(greeting()); err != nil {
		h.t.Fatal(err)
	}
	return outer, h.arrive()
}

// arrive returns the next connection that reaches CometBFT, after the handshake.
func (h *house) arrive() net.Conn {
	h.t.Helper()
	_ = h.inner.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	inner, err := h.inner.Accept()
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { inner.Close() })
	_ = inner.SetDeadline(time.Now().Add(patience))
	key := make([]byte, keyBytes+answerBytes)
	if _, err := io.ReadFull(inner, key); err != nil || !bytes.Equal(key, greeting()) {
		h.t.Fatalf("%x, %v", key, err)
	}
	return inner
}

func (h *house) prove(inner net.Conn, id string) {
	h.t.Helper()
	at := inner.RemoteAddr().(*net.TCPAddr).AddrPort()
	if !h.Expects(at) {
		h.t.Fatalf("%s is not expected", at)
	}
	h.Proved(at, id)
}

// talk checks that bytes pass both ways.
func (h *house) talk(a, b net.Conn) {
	h.t.Helper()
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		text := []byte("good day")
		got := make([]byte, len(text))
		if _, err := pair[0].Write(text); err != nil {
			h.t.Fatal(err)
		}
		if _, err := io.ReadFull(pair[1], got); err != nil || !bytes.Equal(got, text) {
			h.t.Fatalf("%q, %v", got, err)
		}
	}
}

// ended waits until a connection is closed.
func (h *house) ended(conn net.Conn) {
	h.t.Helper()
	if _, err := conn.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		h.t.Fatalf("the connection is open: %v", err)
	}
}

func isTimeout(err error) bool {
	timeout, is := err.(net.Error)
	return is && timeout.Timeout()
}

func TestBytesPass(t *testing.T) {
	h := newHouse(t, DefaultBounds())
	outer, inner := h.visit()
	h.prove(inner, friend)
	h.talk(outer, inner)
	outer.Close()
	h.ended(inner)

	outer, inner = h.visit()
	h.prove(inner, other)
	h.talk(outer, inner)
	inner.Close()
	h.ended(outer)

	outer, inner = h.visit()
	h.prove(inner, friend)
	h.Shut()
	h.talk(outer, inner)
	h.Close()
	h.ended(outer)
	h.ended(inner)
}

// What does not begin like a peer never reaches CometBFT.
func TestOthersAreClosed(t *testing.T) {
	h := newHouse(t, DefaultBounds())
	conn := h.dial()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: nobody\r\n\r\n")
	h.ended(conn)
	if h.Expects(conn.LocalAddr().(*net.TCPAddr).AddrPort()) {
		t.Error("a stranger's address is expected")
	}
}

// A crowd of the silent makes room for who speaks; a crowd of those who begin does so after a while. Peers stay.
func TestCrowdsMakeRoom(t *testing.T) {
	h := newHouse(t, Bounds{Strangers: 2, Waiting: 3, Proving: 2})
	outer, inner := h.visit()
	h.prove(inner, friend)

	var silent []net.Conn
	for range 4 {
		silent = append(silent, h.dial())
	}
	h.ended(silent[0])
	second, behind := h.visit()
	h.prove(behind, other)
	h.talk(second, behind)

	first, _ := h.visit()
	_, _ = h.visit()
	_, late := h.visit()
	h.ended(first)
	h.prove(late, friend)
	h.talk(outer, inner)
	h.talk(second, behind)
}

func TestStrangersAreBounded(t *testing.T) {
	h := newHouse(t, Bounds{Strangers: 1, Waiting: 4, Proving: 4})
	known, inner := h.visit()
	h.prove(inner, other)
	refused, behind := h.visit()
	h.prove(behind, "another")
	h.ended(refused)
	configured, room := h.visit()
	h.prove(room, friend)
	h.talk(configured, room)
	known.Close()
	h.ended(inner)
	again, behind := h.visit()
	h.prove(behind, "another")
	h.talk(again, behind)
}

// With few descriptors left, strangers are closed and configured peers are not.
func TestConfiguredPeersTakeTheReserve(t *testing.T) {
	h := newHouse(t, Bounds{Strangers: 9, Waiting: 9, Proving: 9, Descriptors: 1})
	refused, inner := h.visit()
	h.prove(inner, other)
	h.ended(refused)
	outer, inner := h.visit()
	h.prove(inner, friend)
	h.talk(outer, inner)
	silent := h.dial()
	for range leastUnproven {
		h.dial()
	}
	h.ended(silent)
}

// Connections from addresses of configured peers have places apart.
func TestConfiguredAddressesAreApart(t *testing.T) {
	h := newHouse(t, Bounds{Strangers: 9, Waiting: 2, Proving: 2})
	silent := h.dial() // as a stranger
	h.dial()
	h.await(func() bool { return len(h.unnamed.waiting.open) == 2 })
	h.Locate(friend, netip.MustParseAddrPort("[::ffff:127.0.0.1]:26656"))
	if !h.Expects(netip.MustParseAddrPort("127.0.0.1:26656")) || h.Expects(netip.MustParseAddrPort("127.0.0.1:26657")) {
		t.Error("not exactly the configured peer may be dialled")
	}
	for range 2 {
		h.visit()
	}
	h.await(func() bool { return len(h.named.proving.open) == 2 && len(h.unnamed.waiting.open) == 2 })
	h.Locate(friend)
	h.dial()
	h.ended(silent)
}

// await waits until something is so. Connections come and go by themselves here, so that there is nothing to wait on.
func (h *house) await(is func() bool) {
	h.t.Helper()
	deadline := time.After(patience)
	for {
		h.mu.Lock()
		reached := is()
		h.mu.Unlock()
		if reached {
			return
		}
		select {
		case <-deadline:
			h.t.Fatal("it never became so")
		case <-time.After(time.Millisecond):
		}
	}
}

// The client with the most loses its oldest, and the newest of the client with the fewest goes on first.
func TestCrowdingAndNext(t *testing.T) {
	client := func(address string) inbound.Client {
		return inbound.ClientOf(net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 1)))
	}
	crowd, quiet := client("203.0.113.1"), client("198.51.100.1")
	var l lane
	add := func(s *stage, from inbound.Client, spoke bool) *connection {
		c := &connection{from: from, spoke: spoke}
		s.add(c)
		return c
	}
	if l.waiting.crowding() != nil || l.next() != nil {
		t.Error("nobody is there")
	}
	early := add(&l.waiting, quiet, false)
	oldest := add(&l.waiting, crowd, true)
	newest := add(&l.waiting, crowd, true)
	if got := l.waiting.crowding(); got != oldest {
		t.Errorf("%p crowds, not %p", got, oldest)
	}
	if got := l.next(); got != newest {
		t.Errorf("%p is next, not %p", got, newest)
	}
	add(&l.proving, crowd, true)
	early.spoke = true
	if got := l.next(); got != early {
		t.Errorf("%p is next, not %p", got, early)
	}
	l.waiting.remove(oldest)
	if got := l.waiting.crowding(); got != early {
		t.Errorf("%p crowds, not %p", got, early)
	}
}
