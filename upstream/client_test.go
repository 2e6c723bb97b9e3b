package upstream

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// node is a node at the other end of pipes. It answers everything, with these header lines.
type node struct {
	lines           string
	connected, open atomic.Int64
}

// newClient returns a client that reaches the node only.
func (n *node) newClient(t *testing.T) *Client {
	t.Helper()
	client := NewClient(&url.URL{Scheme: "http", Host: "node.example"}, time.Minute, 2)
	client.connect = func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		n.connected.Add(1)
		n.open.Add(1)
		go func() {
			defer n.open.Add(-1)
			defer far.Close()
			for reader := bufio.NewReader(far); ; {
				request, err := http.ReadRequest(reader)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, request.Body)
				if _, err := fmt.Fprintf(far, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%s\r\n{}", n.lines); err != nil {
					return
				}
			}
		}()
		return near, nil
	}
	t.Cleanup(client.Close)
	return client
}

// begin sends a request; what it returns reads the answer.
func begin(t *testing.T, client *Client) (end func()) {
	t.Helper()
	address := &url.URL{Scheme: "http", Host: "node.example"}
	request, err := NewRequest(t.Context(), address, types.Payload{JSONRPC: []byte("{}")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(t.Context(), time.Now().Add(time.Hour), serialise(t, request))
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if body, err := ReadBody(response, 2); err != nil || string(body) != "{}" {
			t.Errorf("answer %q, error %v", body, err)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}

func serialise(t *testing.T, request *http.Request) Request {
	t.Helper()
	serialised, err := Serialise(request)
	if err != nil {
		t.Fatal(err)
	}
	return serialised
}

func ask(t *testing.T, client *Client) {
	t.Helper()
	begin(t, client)()
}

// A connection is kept for 50 s, or a second less than the node says; then it is closed, also when nobody asks.
func TestIdleTime(t *testing.T) {
	for lines, want := range map[string]time.Duration{
		"":                                    50 * time.Second,
		"Keep-Alive: timeout=5\r\n":           4 * time.Second,
		"Keep-Alive: max=7, Timeout = 20\r\n": 19 * time.Second,
		"Keep-Alive: timeout=1000\r\n":        50 * time.Second,
		"Keep-Alive: timeout=65536\r\n":       50 * time.Second,
		"Keep-Alive: timeout=-1\r\n":          50 * time.Second,
		"Keep-Alive: timeout=soon\r\n":        50 * time.Second,
		"Keep-Alive: timeout=1\r\n":           0,
		"Keep-Alive: timeout=0\r\n":           0,
		"Connection: close\r\n":               0,
	} {
		t.Run(lines, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &node{lines: lines}
				client := n.newClient(t)
				ask(t, client)
				if want > 0 {
					time.Sleep(want - time.Nanosecond)
					ask(t, client)
					time.Sleep(want - time.Nanosecond)
					synctest.Wait()
					if n.connected.Load() != 1 || n.open.Load() != 1 {
						t.Errorf("%d connections, %d open, before the time was over", n.connected.Load(), n.open.Load())
					}
					time.Sleep(time.Nanosecond)
				}
				synctest.Wait()
				if n.open.Load() != 0 {
					t.Errorf("%d connections are open", n.open.Load())
				}
				ask(t, client)
				if connected := n.connected.Load(); connected != 2 {
					t.Errorf("%d connections", connected)
				}
			})
		})
	}
}

// Connections beyond what is kept are closed, and those that go unused end one by one.
func TestKeptConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(node)
		client := n.newClient(t)
		ends := []func(){begin(t, client), begin(t, client), begin(t, client)}
		for _, end := range ends {
			end()
			time.Sleep(time.Second)
		}
		if synctest.Wait(); n.connected.Load() != 3 || n.open.Load() != 2 {
			t.Fatalf("%d connections, %d open", n.connected.Load(), n.open.Load())
		}
		for range 100 {
			ask(t, client) // over the one last used
			time.Sleep(time.Second)
		}
		if synctest.Wait(); n.connected.Load() != 3 || n.open.Load() != 1 {
			t.Errorf("%d connections, %d open", n.connected.Load(), n.open.Load())
		}
	})
}

// Close closes what is kept, and what was in use is not kept afterwards.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(node)
		client := n.newClient(t)
		one, two := begin(t, client), begin(t, client)
		one()
		client.Close()
		if synctest.Wait(); n.open.Load() != 1 {
			t.Errorf("%d connections are open", n.open.Load())
		}
		two()
		if synctest.Wait(); n.open.Load() != 0 {
			t.Errorf("%d connections are open", n.open.Load())
		}
		ask(t, client)
		ask(t, client)
		if n.connected.Load() != 3 {
			t.Errorf("%d connections", n.connected.Load())
		}
	})
}

// Over TLS, nodes are asked by HTTP/1.1 as well, on connections that are kept, and have to show a certificate of theirs.
func TestTLS(t *testing.T) {
	var protocols, remotes []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocols, remotes = append(protocols, r.Proto), append(remotes, r.RemoteAddr)
		_, _ = io.WriteString(w, "{}")
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := NewClient(address, time.Minute, 1)
	defer client.Close()
	if request, _ := NewRequest(t.Context(), address, types.Payload{}, nil); request != nil {
		if _, err := client.Do(t.Context(), time.Now().Add(time.Minute), serialise(t, request)); err == nil {
			t.Error("a certificate of nobody's was taken")
		}
	}
	client.tls = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	client.tls.NextProtos = nil
	for range 2 {
		ask(t, client)
	}
	if len(protocols) != 2 || protocols[0] != "HTTP/1.1" || remotes[0] != remotes[1] {
		t.Errorf("asked by %v from %v", protocols, remotes)
	}
}

func TestAddress(t *testing.T) {
	for given, want := range map[string]string{
		"http://node.example/rpc":  "node.example:80",
		"https://node.example":     "node.example:443",
		"https://node.example:":    "node.example:443",
		"http://node.example:8545": "node.example:8545",
		"https://[2001:db8::1]/":   "[2001:db8::1]:443",
		"http://127.0.0.1:1":       "127.0.0.1:1",
		"https://bücher.example":   "xn--bcher-kva.example:443",
		"http://under_score":       "under_score:80",
		"http://LOCALHOST":         "localhost:80",
	} {
		node, err := url.Parse(given)
		if err != nil {
			t.Fatal(err)
		}
		if got := address(node); got != want {
			t.Errorf("%s: %s, want %s", given, got, want)
		}
	}
}
