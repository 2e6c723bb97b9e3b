package upstream

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// rawNode is a node of bytes on a socket: serve gets each connection, with its number from 1.
type rawNode struct {
	address   *url.URL
	connected atomic.Int64
}

func newRawNode(t *testing.T, secure *tls.Config, serve func(number int64, conn net.Conn, reader *bufio.Reader)) *rawNode {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	made := &rawNode{address: &url.URL{Scheme: "http", Host: listener.Addr().String()}}
	if secure != nil {
		made.address.Scheme, listener = "https", tls.NewListener(listener, secure)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			number := made.connected.Add(1)
			running.Go(func() {
				defer conn.Close()
				serve(number, conn, bufio.NewReader(conn))
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); running.Wait() })
	return made
}

// hear reads a request and returns its body; ok is false at the connection's end.
func hear(reader *bufio.Reader) (body string, ok bool) {
	request, err := http.ReadRequest(reader)
	if err != nil {
		return "", false
	}
	read, err := io.ReadAll(request.Body)
	return string(read), err == nil
}

func (n *rawNode) ask(t *testing.T, ctx context.Context, client *Client, body string) (answer string, err error) {
	t.Helper()
	request, err := NewRequest(ctx, n.address, types.Payload{JSONRPC: []byte(body)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(ctx, time.Now().Add(20*time.Second), serialise(t, request))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	read, err := ReadBody(response, 1<<20)
	return string(read), err
}

// What a node sends without being asked is no answer to the next question: neither together with an answer, nor later, with
// TLS or without.
func TestUnaskedAnswers(t *testing.T) {
	const answer, unasked = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	for _, secure := range []*tls.Config{nil, server.TLS} {
		for _, later := range []bool{false, true} {
			sent := make(chan struct{}, 1)
			node := newRawNode(t, secure, func(_ int64, conn net.Conn, reader *bufio.Reader) {
				for {
					body, ok := hear(reader)
					if !ok {
						return
					}
					if !later {
						_, _ = io.WriteString(conn, answer+body+unasked)
						continue
					}
					_, _ = io.WriteString(conn, answer+body)
					_, _ = io.WriteString(conn, unasked)
					sent <- struct{}{}
				}
			})
			client := NewClient(node.address, time.Minute, 4)
			client.tls = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
			for _, question := range []string{"first", "other", "third"} {
				if got, err := node.ask(t, t.Context(), client, question); got != question || err != nil {
					t.Errorf("%s, later %t: asked %q, answered %q, %v", node.address.Scheme, later, question, got, err)
				}
				if later {
					<-sent
				}
			}
			if node.connected.Load() != 3 {
				t.Errorf("%s, later %t: %d connections", node.address.Scheme, later, node.connected.Load())
			}
			client.Close()
		}
	}
}

// Connections are kept after answers that end by themselves, and only after those.
func TestWhatIsKept(t *testing.T) {
	for name, test := range map[string]struct {
		answer, body string
		kept         bool
	}{
		"a length":                 {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "{}", true},
		"chunks":                   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "{}", true},
		"chunks with a trailer":    {"HTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n", "{}", true},
		"interim answers":          {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "{}", true},
		"nothing":                  {"HTTP/1.1 204 No Content\r\n\r\n", "", true},
		"version 1.0":              {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", "{}", false},
		"version 1.0, kept":        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}", "{}", true},
		"close":                    {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", "{}", false},
		"length and chunks":        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "{}", true},
		"a redirect, not followed": {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\n{}", "{}", true},
	} {
		t.Run(name, func(t *testing.T) {
			node := newRawNode(t, nil, func(_ int64, conn net.Conn, reader *bufio.Reader) {
				for _, ok := hear(reader); ok; _, ok = hear(reader) {
					_, _ = io.WriteString(conn, test.answer)
				}
			})
			client := NewClient(node.address, time.Minute, 4)
			defer client.Close()
			for range 3 {
				if got, err := node.ask(t, t.Context(), client, "?"); got != test.body || err != nil {
					t.Errorf("%q, %v", got, err)
				}
			}
			if got := node.connected.Load(); got != 1 && test.kept || got != 3 && !test.kept {
				t.Errorf("%d connections", got)
			}
		})
	}
}

// An answer that is none, or has no end, is an error in bounded time and memory, and its connection is not kept.
func TestAnswersThatAreNone(t *testing.T) {
	for name, answer := range map[string]string{
		"two lengths":            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"a broken length":        "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
		"broken chunks":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"another coding":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{}",
		"a large header":         "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHeaderBytes) + "\r\nContent-Length: 2\r\n\r\n{}",
		"many fields":            "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", maxHeaderBytes/6) + "Content-Length: 2\r\n\r\n{}",
		"interim answers, often": strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", maxHeaderBytes/20),
		"not HTTP":               "hello\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			node := newRawNode(t, nil, func(_ int64, conn net.Conn, reader *bufio.Reader) {
				if _, ok := hear(reader); ok {
					_, _ = io.WriteString(conn, answer)
					_, _ = reader.ReadByte() // until the client leaves
				}
			})
			client := NewClient(node.address, time.Minute, 4)
			defer client.Close()
			if got, err := node.ask(t, t.Context(), client, "?"); err == nil {
				t.Errorf("answered %q", got)
			}
			if len(client.pool.idle) != 0 || node.connected.Load() != 1 {
				t.Errorf("%d connections, %d kept", node.connected.Load(), len(client.pool.idle))
			}
		})
	}
}

// A node may answer before it has read a large request, and never read the rest.
func TestEarlyAnswer(t *testing.T) {
	for _, closes := range []bool{false, true} {
		asked := make(chan struct{})
		node := newRawNode(t, nil, func(_ int64, conn net.Conn, reader *bufio.Reader) {
			if _, err := http.ReadRequest(reader); err != nil {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
			if closes {
				_ = conn.(*net.TCPConn).CloseWrite()
			}
			<-asked
		})
		client := NewClient(node.address, time.Minute, 4)
		if got, err := node.ask(t, t.Context(), client, strings.Repeat("x", 16<<20)); got != "no" || err != nil {
			t.Errorf("closes %t: %q, %v", closes, got, err)
		}
		close(asked)
		if len(client.pool.idle) != 0 {
			t.Errorf("closes %t: a connection with half a request is kept", closes)
		}
		client.Close()
	}
}

// A cancelled request ends at once, wherever it is.
func TestCancelled(t *testing.T) {
	for _, answered := range []string{"", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{"} {
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan struct{})
		node := newRawNode(t, nil, func(_ int64, conn net.Conn, reader *bufio.Reader) {
			_, _ = hear(reader)
			_, _ = io.WriteString(conn, answered)
			cancel()
			_, _ = reader.ReadByte()
			close(left)
		})
		client := NewClient(node.address, time.Minute, 4)
		if got, err := node.ask(t, ctx, client, "?"); !errors.Is(err, context.Canceled) {
			t.Errorf("after %q: %q, %v", answered, got, err)
		}
		<-left
		if len(client.pool.idle) != 0 || node.connected.Load() != 1 {
			t.Errorf("after %q: %d connections, %d kept", answered, node.connected.Load(), len(client.pool.idle))
		}
	}
}

// A template makes the requests that NewRequest makes, byte by byte.
func TestTemplate(t *testing.T) {
	for _, base := range []string{"http://node.example", "http://node.example:8545/a%2Fb/?key=x&y", "https://[2001:db8::1]:443/", "http://bücher.example/"} {
		address, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		for _, header := range []http.Header{nil, {"Authorization": {"Bearer x"}, "X-A": {"1", "2"}}, {"Content-Type": {"a/b"}, "Accept": {"c/d"}, "User-Agent": {"me"}, "Host": {"other"}}} {
			template, err := NewTemplate(address, header)
			if err != nil {
				t.Fatal(err)
			}
			for _, body := range []string{"{}", strings.Repeat("x", 100_000)} {
				request, err := NewRequest(t.Context(), address, types.Payload{JSONRPC: []byte(body)}, header.Clone())
				if err != nil {
					t.Fatal(err)
				}
				if got, want := template.Request([]byte(body)), serialise(t, request); got.method != want.method || !bytes.Equal(got.wire, want.wire) {
					t.Errorf("%s: got %.300q, want %.300q", base, got.wire, want.wire)
				}
			}
		}
	}
}

// A header that would be read as another one is not sent, and not shown.
func TestHeadersThatCannotBeSent(t *testing.T) {
	address := &url.URL{Scheme: "http", Host: "node.example"}
	for name, value := range map[string]string{"X-Secret": "a\r\nb", "X Secret": "a", "": "a", "X-Nul": "\x00"} {
		_, err := NewTemplate(address, http.Header{name: {value}})
		if err == nil || strings.Contains(err.Error(), "Secret") {
			t.Errorf("%q: %q: %v", name, value, err)
		}
	}
}
