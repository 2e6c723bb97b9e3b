package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// heldPair is a held connection with the kernel's stamps, and its far side.
func heldPair(t *testing.T) (*stampedConn, *heldSocket, net.Conn) {
	t.Helper()
	conn, far := stampedPair(t, "127.0.0.1:0", false)
	return conn.stamped, conn.stamped.Conn.(*heldSocket), far
}

// awakened tells whether the runtime's poller would be woken.
func awakened(t *testing.T, held *heldSocket) bool {
	t.Helper()
	events := []unix.PollFd{{Fd: int32(held.epoll.descriptor), Events: unix.POLLIN}}
	n, err := unix.Poll(events, 0)
	if err != nil {
		t.Fatal(err)
	}
	return n > 0
}

// pendingReports tells whether the socket counts as having an event.
func pendingReports(t *testing.T, held *heldSocket) (events int) {
	t.Helper()
	err := heldRaw{held}.Control(func(descriptor uintptr) {
		events, _ = unix.Poll([]unix.PollFd{{Fd: int32(descriptor)}}, 0)
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestReportsWakeNobody(t *testing.T) {
	conn, held, far := heldPair(t)
	conn.expect(len(askedFor))
	if _, err := io.WriteString(conn, askedFor); err != nil {
		t.Fatal(err)
	}
	hear(t, far) // so it was sent, and reported
	if pendingReports(t, held) == 0 {
		t.Fatal("nothing was reported")
	}
	if awakened(t, held) {
		t.Error("the report of a transmission wakes the poller")
	}
	go io.WriteString(far, "hi")
	if _, err := io.ReadFull(conn, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	if held.armed || awakened(t, held) {
		t.Error("the socket is watched after it was read")
	}
	if instanceHas(held) {
		t.Error("the instance looks at each report of what is sent next")
	}
}

// instanceHas reports whether the epoll instance has the socket, though it may report nothing.
func instanceHas(held *heldSocket) bool {
	return !errors.Is(unix.EpollCtl(held.epoll.descriptor, unix.EPOLL_CTL_MOD, held.descriptor, &unix.EpollEvent{}), unix.ENOENT)
}

func TestHeldSocketEndsReading(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(conn *stampedConn, far net.Conn)
		want error
	}{
		"closed here":  {func(conn *stampedConn, _ net.Conn) { conn.Close() }, net.ErrClosed},
		"closed there": {func(_ *stampedConn, far net.Conn) { far.Close() }, io.EOF},
		"deadline":     {func(conn *stampedConn, _ net.Conn) { conn.SetDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
		"reset there": {func(_ *stampedConn, far net.Conn) {
			far.(*net.TCPConn).SetLinger(0)
			far.Close()
		}, unix.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			conn, held, far := heldPair(t)
			ended := make(chan error, 1)
			go func() {
				_, err := conn.Read(make([]byte, 1))
				ended <- err
			}()
			test.end(conn, far)
			if err := <-ended; !errors.Is(err, test.want) {
				t.Errorf("reading ended with %v, want %v", err, test.want)
			}
			if held.armed {
				t.Error("the socket is still watched")
			}
		})
	}
}

// A write that the kernel does not take ends as well, while another goroutine reads.
func TestHeldSocketEndsWriting(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(conn *stampedConn)
		want error
	}{
		"closed":   {func(conn *stampedConn) { conn.Close() }, net.ErrClosed},
		"deadline": {func(conn *stampedConn) { conn.SetDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			conn, _, _ := heldPair(t)
			ended := make(chan error, 2)
			go func() {
				_, err := conn.Read(make([]byte, 1))
				ended <- err
			}()
			go func() {
				_, err := conn.Write(make([]byte, 64<<20)) // more than both sides' buffers
				ended <- err
			}()
			for !conn.output.waited.Load() {
				<-time.After(time.Millisecond)
			}
			test.end(conn)
			for range 2 {
				if err := <-ended; !errors.Is(err, test.want) {
					t.Errorf("ended with %v, want %v", err, test.want)
				}
			}
		})
	}
}

func TestHeldSocketWaitsForRoom(t *testing.T) {
	conn, _, far := heldPair(t)
	const size = 16 << 20
	go func() {
		conn.Write(make([]byte, size))
		conn.Close()
	}()
	if n, err := io.Copy(io.Discard, far); n != size || err != nil {
		t.Errorf("%d bytes came, %v; want %d", n, err, size)
	}
}

func TestHeldSocketIsClosedOnce(t *testing.T) {
	conn, held, far := heldPair(t)
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := conn.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closing again: %v", err)
	}
	if _, err := far.Read(make([]byte, 1)); err == nil {
		t.Error("the far side sees no end")
	}
	if held.waker.epoll != nil || len(held.waker.sockets) > 0 {
		t.Error("closed, and still watched")
	}
	if _, err := conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("writing: %v", err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading: %v", err)
	}
	if err := conn.SetDeadline(time.Now()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("deadline: %v", err)
	}
}

// TestHeldSocketsLeaveNoDescriptor looks at the process's own.
func TestHeldSocketsLeaveNoDescriptor(t *testing.T) {
	before := descriptors(t)
	for range 20 {
		conn, far := stampedPair(t, "127.0.0.1:0", false)
		conn.Close()
		far.Close()
	}
	if after := descriptors(t); after > before+5 {
		t.Errorf("%d descriptors, before %d", after, before)
	}
}

// A connection takes one descriptor, beside those that a dialer's connections share.
func TestHeldSocketTakesOneDescriptor(t *testing.T) {
	const connections = 50
	listener := listen(t)
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for range connections {
			if far, err := listener.Accept(); err == nil {
				accepted <- far
			}
		}
	}()
	dialer, before := &Dialer{AllowPrivate: true}, descriptors(t)
	for range connections {
		conn, err := dialer.Dial(t.Context(), "http://"+listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		far := <-accepted
		t.Cleanup(func() { conn.Close(); far.Close() })
	}
	// The far sides are of this process too, and the runtime's poller may have been started.
	if taken := descriptors(t) - before - connections; taken > connections+8 {
		t.Errorf("%d connections take %d descriptors", connections, taken)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(entries)
}
