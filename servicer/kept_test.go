package servicer_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// exchange is one request as a keptNode got it: the nth connection, and the nth request on it, both from 1.
type exchange struct {
	net.Conn
	connection, request int
	method              string
	body                []byte
}

func (x exchange) answer() bool {
	body := reply
	if x.method == http.MethodHead {
		body = nil
	}
	_, err := fmt.Fprintf(x, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(reply), body)
	return err == nil
}

// hangUp ends the connection without a word.
func (x exchange) hangUp() bool { return false }

// say ends the connection after some bytes.
func (x exchange) say(text string) bool {
	_, _ = io.WriteString(x, text)
	return false
}

// keptNode is a node at the level of connections: serve answers one request and reports whether the connection stays.
type keptNode struct {
	url string
	// asked and connected count requests and connections.
	asked, connected atomic.Int64
}

func newKeptNode(t *testing.T, serve func(exchange) bool) *keptNode {
	t.Helper()
	listener, node := listen(t), new(keptNode)
	node.url = "http://" + listener.Addr().String()
	var running sync.WaitGroup
	running.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			number := int(node.connected.Add(1))
			running.Go(func() {
				defer connection.Close()
				reader := bufio.NewReader(connection)
				for count := 1; ; count++ {
					request, err := http.ReadRequest(reader)
					if err != nil {
						return
					}
					body, _ := io.ReadAll(request.Body)
					node.asked.Add(1)
					if !serve(exchange{connection, number, count, request.Method, body}) {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); running.Wait() })
	return node
}

// kinds are requests that hold all that matters to a repetition: a body or none, idempotent or not.
var kinds = map[string]func() *types.RelayRequest{
	"JSON-RPC": newRequest,
	"GET":      func() *types.RelayRequest { return newREST(restPayload("GET", "/")) },
	"HEAD":     func() *types.RelayRequest { return newREST(restPayload("HEAD", "/")) },
	"DELETE":   func() *types.RelayRequest { return newREST(restPayload("DELETE", "/")) },
	"POST": func() *types.RelayRequest {
		payload := restPayload("POST", "/")
		payload.Rest.Body = question
		return newREST(payload)
	},
}

// later answers the first request of a connection, and does something else with those after it.
func later(otherwise func(exchange) bool) func(exchange) bool {
	return func(x exchange) bool {
		if x.request == 1 {
			return x.answer()
		}
		return otherwise(x)
	}
}

// A relay over a kept connection: what the node does with it, what comes of it, and how often the node is asked.
func TestKeptConnection(t *testing.T) {
	for _, test := range []struct {
		name  string
		serve func(exchange) bool
		code  types.RelayErrorCode
		asked int64
	}{
		{"stays", exchange.answer, 0, 1},
		{"ends", later(exchange.hangUp), 0, 2},
		{"is reset", later(func(x exchange) bool {
			_ = x.Conn.(*net.TCPConn).SetLinger(0)
			return false
		}), 0, 2},
		{"ends, and the new one too", func(x exchange) bool { return x.connection == 1 && x.request == 1 && x.answer() }, upstreamUnreachable, 2},
		{"ends after one byte", later(func(x exchange) bool { return x.say("H") }), upstreamUnreachable, 1},
		{"ends within the header", later(func(x exchange) bool { return x.say("HTTP/1.1 200 OK\r\nContent-Le") }), upstreamUnreachable, 1},
		{"ends within the body", later(func(x exchange) bool { return x.say("HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{") }), upstreamUnreachable, 1},
		{"ends after an interim answer", later(func(x exchange) bool { return x.say("HTTP/1.1 102 Processing\r\n\r\n") }), upstreamUnreachable, 1},
		{"ends after what is not HTTP", later(func(x exchange) bool { return x.say("hello\r\n\r\n") }), upstreamUnreachable, 1},
	} {
		for kind, request := range kinds {
			if kind == "HEAD" && test.name == "ends within the body" {
				continue // it has none
			}
			t.Run(test.name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				node := newKeptNode(t, test.serve)
				s := newServicer(t, newChain(25), node.url)
				wantCode(t, ask(t, s, seal(t, applicationKey, newRequest())), 0)
				before := node.asked.Load()
				wantCode(t, ask(t, s, seal(t, applicationKey, request())), test.code)
				if asked := node.asked.Load() - before; asked != test.asked {
					t.Errorf("the node was asked %d times, want %d", asked, test.asked)
				}
			})
		}
	}
}

// A node that hangs up on a new connection fails: nothing says that it would not do so again.
func TestNewConnectionIsNotTriedAgain(t *testing.T) {
	for kind, request := range kinds {
		t.Run(kind, func(t *testing.T) {
			node := newKeptNode(t, exchange.hangUp)
			wantCode(t, ask(t, newServicer(t, newChain(25), node.url), seal(t, applicationKey, request())), upstreamUnreachable)
			if node.asked.Load() != 1 {
				t.Errorf("the node was asked %d times", node.asked.Load())
			}
		})
	}
}

// Several kept connections may have ended together, as when a node was started again: only one of them is tried, and what
// it was asked is asked again as it was.
func TestSecondTryIsOnANewConnection(t *testing.T) {
	const kept = 4
	for kind, request := range kinds {
		t.Run(kind, func(t *testing.T) {
			var first sync.WaitGroup
			first.Add(kept)
			bodies := make(chan string, 2)
			node := newKeptNode(t, func(x exchange) bool {
				if x.connection <= kept && x.request == 1 {
					first.Done()
					first.Wait()
					return x.answer()
				}
				bodies <- x.method + string(x.body)
				return x.connection > kept && x.answer()
			})
			s := newServicer(t, newChain(25), node.url)
			var asking sync.WaitGroup
			for range kept {
				asking.Go(func() { wantReply(t, ask(t, s, seal(t, applicationKey, newRequest()))) })
			}
			asking.Wait()
			wantCode(t, ask(t, s, seal(t, applicationKey, request())), 0)
			if asked := node.asked.Load() - kept; asked != 2 || node.connected.Load() != kept+1 {
				t.Fatalf("the node was asked %d times, and had %d connections", asked, node.connected.Load())
			}
			if one, two := <-bodies, <-bodies; one != two {
				t.Errorf("asked %q, then %q", one, two)
			}
		})
	}
}

// A kept connection on which nothing comes costs the time that an answer may take, and nothing is sent again.
func TestKeptConnectionThatStalls(t *testing.T) {
	node := newKeptNode(t, later(func(x exchange) bool {
		_, _ = x.Read(make([]byte, 1)) // until the servicer leaves
		return false
	}))
	s := newServicer(t, newChain(25), node.url, func(c *servicer.Config) { c.UpstreamTimeout = 100 * time.Millisecond })
	wantReply(t, ask(t, s, seal(t, applicationKey, newRequest())))
	wantCode(t, ask(t, s, seal(t, applicationKey, newRequest())), upstreamTimeout)
	if node.asked.Load() != 2 || node.connected.Load() != 1 {
		t.Errorf("the node was asked %d times over %d connections", node.asked.Load(), node.connected.Load())
	}
}

// Relay chains of one node share its connections.
func TestChainsShareConnections(t *testing.T) {
	node := newKeptNode(t, exchange.answer)
	s := newServicer(t, newChain(25), node.url)
	wantReply(t, ask(t, s, seal(t, applicationKey, newRequest())))
	wantReply(t, ask(t, s, seal(t, applicationKey, newREST(restPayload("GET", "/")))))
	if node.connected.Load() != 1 {
		t.Errorf("%d connections", node.connected.Load())
	}
}
