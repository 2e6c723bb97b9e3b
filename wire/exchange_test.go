package wire_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// peer speaks plain HTTP on loopback for as long as its test, and answers as it is told.
type peer struct {
	url      string
	roots    *x509.CertPool
	accepted atomic.Int32
	requests atomic.Int32
	// ended is closed with the test.
	ended chan struct{}
}

// answering is what a peer does with a request; it returns whether the connection stays open.
type answering func(p *peer, socket, stream net.Conn) bool

// startPeer starts a peer that is reached by http or, with a certificate of its own, by https.
func startPeer(t *testing.T, secured bool, answer answering) *peer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{url: "http://" + listener.Addr().String(), ended: make(chan struct{})}
	var secure *tls.Config
	if secured {
		p.url = "https://" + listener.Addr().String()
		secure, p.roots = certificate(t, []string{"127.0.0.1"}, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			socket, err := listener.Accept()
			if err != nil {
				return
			}
			p.accepted.Add(1)
			p.serve(socket, secure, answer) // a test has one connection at a time
		}
	}()
	t.Cleanup(func() {
		close(p.ended)
		listener.Close()
		<-served
	})
	return p
}

func (p *peer) serve(socket net.Conn, secure *tls.Config, answer answering) {
	defer socket.Close()
	stream := socket
	if secure != nil {
		stream = tls.Server(socket, secure)
	}
	reader := bufio.NewReader(stream)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		p.requests.Add(1)
		if !answer(p, socket, stream) {
			return
		}
	}
}

// wait lets time pass; false when the test ended first.
func (p *peer) wait(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-p.ended:
		return false
	}
}

func said(stream net.Conn, text string) bool {
	_, err := io.WriteString(stream, text)
	return err == nil
}

// saying is an answer of the given bytes.
func saying(text string) answering {
	return func(_ *peer, _, stream net.Conn) bool { return said(stream, text) }
}

const hello = "HTTP/1.1 200 OK\r\nContent-Type: Text/Plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello"

// result of one exchange.
type result struct {
	answer   *wire.Answer
	failure  *wire.Failure
	released time.Time
}

// exchange carries a request over a connection, receiver first, as a round does on connections without stamps.
func exchange(t *testing.T, conn *wire.Conn, timeout time.Duration) (got result) {
	t.Helper()
	request, err := wire.Request("POST", "http://peer.example/path", nil, []byte("a question"))
	if err != nil {
		t.Fatal(err)
	}
	received := make(chan error)
	go func() {
		var err error
		got.answer, err = conn.Receive()
		received <- err
	}()
	if got.released, err = conn.Send(request, time.Now().Add(timeout)); err != nil {
		t.Fatalf("send: %v", err)
	}
	if err = <-received; err != nil {
		var is bool
		if got.failure, is = errors.AsType[*wire.Failure](err); !is || got.answer != nil {
			t.Fatalf("not a failure: %v, %v", got.answer, err)
		}
	}
	return got
}

func connect(t *testing.T, p *peer) *wire.Conn {
	t.Helper()
	conn, failure := dial(t, &wire.Dialer{AllowPrivate: true, RootCAs: p.roots}, p.url, 5*time.Second)
	if failure != nil {
		t.Fatalf("dial: %v", failure)
	}
	return conn
}

func TestExchangeWithEachFault(t *testing.T) {
	const long, short = 10 * time.Second, 100 * time.Millisecond
	const okay, timeout, tooLarge = types.Outcome_OUTCOME_OK, types.Outcome_OUTCOME_TIMEOUT, types.Outcome_OUTCOME_TOO_LARGE
	const reset, malformed = types.Outcome_OUTCOME_RESET, types.Outcome_OUTCOME_MALFORMED
	for name, test := range map[string]struct {
		answer  answering
		timeout time.Duration
		outcome types.Outcome
	}{
		"good": {saying(hello), long, okay},
		"dripping": {func(p *peer, _, stream net.Conn) bool {
			for i := range len(hello) {
				if !p.wait(10*time.Millisecond) || !said(stream, hello[i:i+1]) {
					return false
				}
			}
			return true
		}, short, timeout},
		"hanging": {func(_ *peer, _, stream net.Conn) bool { io.Copy(io.Discard, stream); return false }, short, timeout},
		"sleepy":  {func(p *peer, _, stream net.Conn) bool { return p.wait(time.Second) && said(stream, hello) }, short, timeout},
		"endless chunks": {func(_ *peer, _, stream net.Conn) bool {
			chunk := "10000\r\n" + strings.Repeat("x", 0x10000) + "\r\n"
			for open := said(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"); open; {
				open = said(stream, chunk)
			}
			return false
		}, long, tooLarge},
		"endless header": {func(_ *peer, _, stream net.Conn) bool {
			for open := said(stream, "HTTP/1.1 200 OK\r\n"); open; {
				open = said(stream, "X: "+strings.Repeat("x", 1000)+"\r\n")
			}
			return false
		}, long, tooLarge},
		"a terabyte announced": {saying(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 1<<40)), long, tooLarge},
		"garbled":              {saying("\x00\x01\x02 no HTTP\r\n\r\n"), long, malformed},
		"resetting": {func(_ *peer, socket, _ net.Conn) bool {
			_ = socket.(*net.TCPConn).SetLinger(0)
			return false
		}, long, reset},
		"resetting in the body": {func(_ *peer, socket, stream net.Conn) bool {
			said(stream, hello[:len(hello)-2])
			_ = socket.(*net.TCPConn).SetLinger(0)
			return false
		}, long, reset},
		"cutting": {func(_ *peer, _, stream net.Conn) bool { said(stream, hello[:len(hello)-2]); return false }, long, reset},
	} {
		for _, secured := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, TLS %t", name, secured), func(t *testing.T) {
				t.Parallel()
				p := startPeer(t, secured, test.answer)
				conn := connect(t, p)
				started := time.Now()
				got := exchange(t, conn, test.timeout)
				took := time.Since(started)
				switch {
				case test.outcome == okay && (got.failure != nil || string(got.answer.Body) != "hello" || !conn.Reusable()):
					t.Fatalf("%v, %v", got.answer, got.failure)
				case test.outcome != okay && (got.failure == nil || got.failure.Outcome != test.outcome || got.failure.Blame != types.Blame_BLAME_SERVICER):
					t.Fatalf("%+v", got.failure)
				}
				if test.timeout == long && took > long/2 || test.timeout == short && took < short {
					t.Errorf("took %v", took)
				}
				if got.answer == nil && conn.Reusable() {
					t.Error("the connection is reusable")
				}
				if p.accepted.Load() != 1 || p.requests.Load() != 1 {
					t.Errorf("%d connections, %d requests", p.accepted.Load(), p.requests.Load())
				}
			})
		}
	}
}

// Statuses are the asker's to judge, and a redirect is one like any other.
func TestStatusesAreAnswers(t *testing.T) {
	target := startPeer(t, false, saying(hello))
	for status, header := range map[int]string{500: "", 404: "", 204: "", 301: "Location: " + target.url + "\r\n", 307: "Location: " + target.url + "\r\n"} {
		length := "Content-Length: 0\r\n"
		if status == http.StatusNoContent {
			length = ""
		}
		p := startPeer(t, false, saying(fmt.Sprintf("HTTP/1.1 %d Told\r\n%s%s\r\n", status, header, length)))
		got := exchange(t, connect(t, p), 5*time.Second)
		if got.failure != nil || got.answer.Status != status || len(got.answer.Body) > 0 {
			t.Errorf("%d: %v, %v", status, got.answer, got.failure)
		}
	}
	if target.accepted.Load() > 0 {
		t.Error("followed")
	}
}

func TestKeptConnection(t *testing.T) {
	for _, secured := range []bool{false, true} {
		hangUp, hungUp := make(chan struct{}), make(chan struct{})
		answered := 0
		p := startPeer(t, secured, func(p *peer, socket, stream net.Conn) bool {
			if answered++; answered < 5 {
				return said(stream, hello)
			}
			said(stream, hello)
			select {
			case <-hangUp:
			case <-p.ended:
			}
			socket.Close()
			close(hungUp)
			return false
		})
		conn := connect(t, p)
		for range 5 {
			if !conn.Alive() {
				t.Fatalf("TLS %t: not alive", secured)
			}
			if got := exchange(t, conn, 5*time.Second); got.failure != nil || string(got.answer.Body) != "hello" || !conn.Reusable() {
				t.Fatalf("TLS %t: %v, reusable %t", secured, got.failure, conn.Reusable())
			}
		}
		if p.accepted.Load() != 1 || p.requests.Load() != 5 || !conn.Alive() {
			t.Errorf("TLS %t: %d connections, %d requests, alive %t", secured, p.accepted.Load(), p.requests.Load(), conn.Alive())
		}
		close(hangUp)
		<-hungUp
		if conn.Alive() {
			t.Errorf("TLS %t: alive after it was hung up", secured)
		}
	}
}

// The time of an answer is that of its bytes.
func TestSleepyIsTimed(t *testing.T) {
	const delay = 50 * time.Millisecond
	p := startPeer(t, false, func(p *peer, _, stream net.Conn) bool { return p.wait(delay) && said(stream, hello) })
	conn := connect(t, p)
	sending := time.Now()
	got := exchange(t, conn, 5*time.Second)
	received := time.Now()
	if got.failure != nil {
		t.Fatal(got.failure)
	}
	first, last := got.answer.FirstByte, got.answer.LastByte
	if first.Sub(sending) < delay || last.Before(first) || received.Before(last) || got.released.Before(sending) {
		t.Errorf("sending %v, written +%v, first byte +%v, last byte +%v", sending, got.released.Sub(sending), first.Sub(sending), last.Sub(sending))
	}
}

func TestContentType(t *testing.T) {
	for header, want := range map[string]string{
		"":                                "",
		"application/json":                "application/json",
		"Application/JSON; charset=utf-8": "application/json",
		" text/html ":                     "text/html",
		";":                               "",
		"a\x1b[2J;b":                      "a\x1b[2j", // for the asker to make printable
	} {
		answer := &wire.Answer{Header: http.Header{"Content-Type": {header}}}
		if got := answer.ContentType(); got != want {
			t.Errorf("%q: %q", header, got)
		}
	}
	if got := new(wire.Answer).ContentType(); got != "" {
		t.Errorf("no header: %q", got)
	}
}
