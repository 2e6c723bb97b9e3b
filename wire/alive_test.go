package wire

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// listener on loopback, for as long as the test.
func listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

// tcpPair is a dialled connection and its far side.
func tcpPair(t testing.TB) (*Conn, *net.TCPConn) {
	t.Helper()
	listener := listen(t)
	accepted := make(chan net.Conn, 1)
	go func() {
		far, _ := listener.Accept()
		accepted <- far
	}()
	conn, err := (&Dialer{AllowPrivate: true}).Dial(t.Context(), "http://"+listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far := (<-accepted).(*net.TCPConn)
	t.Cleanup(func() { conn.Close(); far.Close() })
	return conn, far
}

// awaitBytes waits until the socket has something to read, without reading it.
func awaitBytes(t *testing.T, conn *Conn) {
	t.Helper()
	raw, err := conn.socket.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	conn.socket.SetReadDeadline(time.Now().Add(5 * time.Second))
	defer conn.socket.SetReadDeadline(time.Time{})
	if err := raw.Read(func(descriptor uintptr) bool {
		_, _, err := syscall.Recvfrom(int(descriptor), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return !errors.Is(err, syscall.EAGAIN)
	}); err != nil {
		t.Fatal(err)
	}
}

// alive returns what Alive says, which Living has to say as well, whatever stands beside it.
func alive(t *testing.T, conn *Conn) bool {
	t.Helper()
	alive := conn.Alive()
	if living := Living([]*Conn{nil, conn, nil, conn}); living[0] || living[2] || living[1] != alive || living[3] != alive {
		t.Errorf("alive is %t, living are %v", alive, living)
	}
	return alive
}

func TestAlive(t *testing.T) {
	for name, test := range map[string]struct {
		disturb func(conn *Conn, far *net.TCPConn)
		want    bool
	}{
		"untouched":       {nil, true},
		"closed":          {func(_ *Conn, far *net.TCPConn) { far.Close() }, false},
		"half closed":     {func(_ *Conn, far *net.TCPConn) { far.CloseWrite() }, false},
		"reset":           {func(_ *Conn, far *net.TCPConn) { far.SetLinger(0); far.Close() }, false},
		"unasked bytes":   {func(_ *Conn, far *net.TCPConn) { io.WriteString(far, "welcome") }, false},
		"bytes, then end": {func(_ *Conn, far *net.TCPConn) { io.WriteString(far, "welcome"); far.Close() }, false},
	} {
		conn, far := tcpPair(t)
		if !alive(t, conn) {
			t.Errorf("%s: not alive at first", name)
		}
		if test.disturb != nil {
			test.disturb(conn, far)
			awaitBytes(t, conn)
		}
		// Twice: looking changes nothing.
		for range 2 {
			if alive(t, conn) != test.want {
				t.Errorf("%s: alive is not %t", name, test.want)
			}
		}
		conn.Close()
		if alive(t, conn) {
			t.Errorf("%s: alive after it was closed", name)
		}
	}
}

// Looking takes none of the bytes that have come.
func TestAliveLeavesTheBytes(t *testing.T) {
	conn, far := tcpPair(t)
	io.WriteString(far, ok+"Content-Length: 2\r\n\r\nhi")
	awaitBytes(t, conn)
	for range 100 {
		if alive(t, conn) {
			t.Fatal("alive with an answer that nobody asked for")
		}
	}
	if answer, err := conn.Receive(); err != nil || string(answer.Body) != "hi" {
		t.Errorf("%v, %v", answer, err)
	}
}

func TestAliveBeyondBufferedBytes(t *testing.T) {
	conn, far := tcpPair(t)
	io.WriteString(far, ok+"Content-Length: 0\r\n\r\nmore")
	if _, err := conn.Receive(); err != nil {
		t.Fatal(err)
	}
	if alive(t, conn) || conn.Reusable() {
		t.Error("alive with an answer that nobody asked for")
	}
}

// tlsPair is a connection over TLS and its far side, for which nobody reads the first bytes after the handshake.
func tlsPair(t *testing.T) (*Conn, *tls.Conn) {
	t.Helper()
	loan := httptest.NewTLSServer(nil)
	defer loan.Close()
	roots := x509.NewCertPool()
	roots.AddCert(loan.Certificate())
	listener := listen(t)
	accepted := make(chan *tls.Conn, 1)
	go func() {
		socket, err := listener.Accept()
		if err != nil {
			close(accepted)
			return
		}
		far := tls.Server(socket, &tls.Config{Certificates: loan.TLS.Certificates})
		far.Handshake()
		accepted <- far
	}()
	conn, err := (&Dialer{AllowPrivate: true, RootCAs: roots}).Dial(t.Context(), "https://"+listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far := <-accepted
	t.Cleanup(func() { conn.Close(); far.Close() })
	// Go's servers send no tickets to a client without a cache; others do. An interim response stands in for them.
	io.WriteString(far, "HTTP/1.1 103 Early Hints\r\n\r\n")
	awaitBytes(t, conn)
	return conn, far
}

// A TLS server may send session tickets, which nobody reads before the first exchange. They must neither pass for unasked
// bytes nor hide that the server has hung up.
func TestAliveWithTickets(t *testing.T) {
	conn, far := tlsPair(t)
	if conn.Phases.TLS <= 0 || conn.Phases.Connect <= 0 {
		t.Errorf("phases %+v", conn.Phases)
	}
	if !alive(t, conn) {
		t.Error("tickets passed for unasked bytes")
	}
	io.WriteString(far, ok+"Content-Length: 2\r\n\r\nhi")
	if answer, err := conn.Receive(); err != nil || answer.Status != 200 || !conn.Reusable() || !alive(t, conn) {
		t.Errorf("%v, %v, reusable %t, alive %t", answer, err, conn.Reusable(), alive(t, conn))
	}
	io.WriteString(far, "more")
	awaitBytes(t, conn)
	if alive(t, conn) {
		t.Error("unasked bytes passed for tickets")
	}
}

func TestTicketsDoNotHideAHangUp(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	for name, linger := range map[string]int{"closed": -1, "reset": 0} {
		conn, far := tlsPair(t)
		socket := far.NetConn().(*net.TCPConn)
		socket.SetLinger(linger)
		socket.Close()
		if alive(t, conn) {
			t.Errorf("%s: alive", name)
		}
	}
}

func TestSendOnABrokenConnection(t *testing.T) {
	conn, far := tcpPair(t)
	far.SetLinger(0)
	far.Close()
	awaitBytes(t, conn)
	sent, err := conn.Send([]byte("request"), time.Now().Add(time.Second))
	failure, _ := errors.AsType[*Failure](err)
	if failure == nil || failure.Outcome != types.Outcome_OUTCOME_RESET || failure.Blame != types.Blame_BLAME_SERVICER || !sent.IsZero() {
		t.Errorf("%v, %v", sent, err)
	}
}
