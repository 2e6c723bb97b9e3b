package servicer_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	upstreamTimeout     = types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TIMEOUT
	upstreamUnreachable = types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_UNREACHABLE
	upstreamTooLarge    = types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TOO_LARGE
	upstreamNotJSON     = types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_NOT_JSON
)

// jsonOf returns a JSON string of that many bytes, quotes included.
func jsonOf(size int) []byte {
	text := bytes.Repeat([]byte("x"), size)
	text[0], text[size-1] = '"', '"'
	return text
}

func TestExecution(t *testing.T) {
	for _, test := range []struct {
		name    string
		node    http.HandlerFunc
		code    types.RelayErrorCode
		status  uint32
		payload []byte
	}{
		{"JSON", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(reply) }, 0, 200, reply},
		{"JSON with status 500", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write(reply)
		}, 0, 500, reply},
		{"JSON at the limit", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(jsonOf(relay.MaxResponsePayloadBytes)) },
			0, 200, jsonOf(relay.MaxResponsePayloadBytes)},
		{"JSON at the limit, chunked", func(w http.ResponseWriter, _ *http.Request) {
			whole := jsonOf(relay.MaxResponsePayloadBytes)
			_, _ = w.Write(whole[:100])
			w.(http.Flusher).Flush()
			_, _ = w.Write(whole[100:])
		}, 0, 200, jsonOf(relay.MaxResponsePayloadBytes)},
		{"one over the limit, announced", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(relay.MaxResponsePayloadBytes+1))
			_, _ = w.Write(jsonOf(relay.MaxResponsePayloadBytes + 1))
		}, upstreamTooLarge, 200, nil},
		{"one over the limit, chunked", func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			_, _ = w.Write(jsonOf(relay.MaxResponsePayloadBytes + 1))
		}, upstreamTooLarge, 200, nil},
		{"announces too much and stalls", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Length", strconv.Itoa(relay.MaxResponsePayloadBytes+1))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, upstreamTooLarge, 200, nil},
		{"without end", func(w http.ResponseWriter, r *http.Request) {
			for chunk := make([]byte, 1<<16); r.Context().Err() == nil; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, upstreamTooLarge, 200, nil},
		{"text", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, upstreamNotJSON, 200, nil},
		{"nothing", func(http.ResponseWriter, *http.Request) {}, upstreamNotJSON, 200, nil},
		{"two documents", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}{}") }, upstreamNotJSON, 200, nil},
		{"text with status 502", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "bad gateway", http.StatusBadGateway) },
			upstreamNotJSON, 502, nil},
		{"HTTP 429 with a page", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "slow down", http.StatusTooManyRequests) },
			upstreamNotJSON, 429, nil},
		{"HTTP 429 with nothing", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
			upstreamNotJSON, 429, nil},
		{"HTTP 429 with JSON that is no JSON-RPC", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `"slow down"`)
		}, 0, 429, []byte(`"slow down"`)},
		{"huge header", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Big", string(bytes.Repeat([]byte("x"), 1<<17)))
			_, _ = w.Write(reply)
		}, upstreamUnreachable, 0, nil},
		{"closes before the answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, upstreamUnreachable, 0, nil},
		{"breaks off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write(reply)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, upstreamUnreachable, 200, nil},
		{"never answers", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}, upstreamTimeout, 0, nil},
		{"stalls", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = w.Write(reply[:10])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, upstreamTimeout, 200, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			node := newUpstream(t, test.node)
			s := newServicer(t, newChain(25), node.URL, func(c *servicer.Config) {
				if test.code == upstreamTimeout {
					c.UpstreamTimeout = 50 * time.Millisecond
				}
			})
			response := ask(t, s, seal(t, applicationKey, newRequest()))
			wantCode(t, response, test.code)
			if response.GetUpstreamStatus() != test.status || !bytes.Equal(response.GetPayload(), test.payload) {
				t.Errorf("status %d and %d bytes, want %d and %d", response.GetUpstreamStatus(), len(response.GetPayload()), test.status, len(test.payload))
			}
			if node.asked.Load() != 1 {
				t.Errorf("the upstream was asked %d times", node.asked.Load())
			}
		})
	}
}

// Whatever bytes a node answers, the peer gets a signed answer.
func TestExecutionAgainstRawBytes(t *testing.T) {
	for name, test := range map[string]struct {
		wire   string
		code   types.RelayErrorCode
		status uint32
	}{
		"not HTTP":            {"hello\r\n\r\n", upstreamUnreachable, 0},
		"status 000":          {"HTTP/1.1 000 Nothing\r\nContent-Length: 2\r\n\r\n{}", upstreamUnreachable, 0},
		"status 099":          {"HTTP/1.1 099 Little\r\nContent-Length: 2\r\n\r\n{}", upstreamUnreachable, 0},
		"status 999":          {"HTTP/1.1 999 Much\r\nContent-Length: 2\r\n\r\n{}", 0, 999},
		"switching protocols": {"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", upstreamUnreachable, 0},
		"bad chunk":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", upstreamUnreachable, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServicer(t, newChain(25), rawNode(t, test.wire))
			response := ask(t, s, seal(t, applicationKey, newRequest()))
			wantCode(t, response, test.code)
			if response.GetUpstreamStatus() != test.status {
				t.Errorf("status %d, want %d", response.GetUpstreamStatus(), test.status)
			}
		})
	}
}

// rawNode answers its one request with the bytes given, and closes when the client does.
func rawNode(t *testing.T, wire string) string {
	t.Helper()
	listener := listen(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
		request, err := http.ReadRequest(bufio.NewReader(connection))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body)
		_, _ = io.WriteString(connection, wire)
		_, _ = connection.Read(make([]byte, 1))
	}()
	t.Cleanup(func() { _ = listener.Close(); <-ended })
	return "http://" + listener.Addr().String()
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

func TestExecutionAgainstClosedPort(t *testing.T) {
	listener := listen(t)
	_ = listener.Close()
	s := newServicer(t, newChain(25), "http://"+listener.Addr().String())
	response := ask(t, s, seal(t, applicationKey, newRequest()))
	wantCode(t, response, upstreamUnreachable)
	if bytes.Contains([]byte(response.GetError().GetMessage()), []byte("127.0.0.1")) {
		t.Errorf("the message tells the internal address: %q", response.GetError().GetMessage())
	}
}

// The upstream sees the payload, the header fields that every client sends, and nothing of the relay or of the servicer.
func TestUpstreamRequest(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	type seen struct {
		method, target, host string
		header               http.Header
		body                 []byte
	}
	asked := make(chan seen, 1)
	node := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked <- seen{r.Method, r.RequestURI, r.Host, r.Header, body}
		http.SetCookie(w, &http.Cookie{Name: "track", Value: "me"})
		_, _ = w.Write(reply)
	})
	s := newServicer(t, newChain(25), node.URL+"/rpc/v1?token=t")
	for range 2 {
		wantReply(t, ask(t, s, seal(t, applicationKey, newRequest())))
		got := <-asked
		if got.method != http.MethodPost || got.target != "/rpc/v1?token=t" || "http://"+got.host != node.URL || !bytes.Equal(got.body, question) {
			t.Errorf("asked %s %s of %s with %s", got.method, got.target, got.host, got.body)
		}
		want := http.Header{"Accept": {"application/json"}, "Accept-Encoding": {"gzip"}, "Content-Type": {"application/json"},
			"Content-Length": {strconv.Itoa(len(question))}, "User-Agent": {"Go-http-client/1.1"}}
		if fmt.Sprint(got.header) != fmt.Sprint(want) {
			t.Errorf("header %v, want %v", got.header, want)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := newHonest(t)
	node := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	response := ask(t, newServicer(t, newChain(25), node.URL), seal(t, applicationKey, newRequest()))
	wantCode(t, response, upstreamNotJSON)
	if response.GetUpstreamStatus() != http.StatusTemporaryRedirect || elsewhere.asked.Load() != 0 {
		t.Errorf("status %d, elsewhere asked %d times", response.GetUpstreamStatus(), elsewhere.asked.Load())
	}
}

func TestUpstreamConnectionIsKept(t *testing.T) {
	remotes := make(chan string, 3)
	node := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		remotes <- r.RemoteAddr
		_, _ = w.Write(reply)
	})
	s := newServicer(t, newChain(25), node.URL)
	for range 3 {
		wantReply(t, ask(t, s, seal(t, applicationKey, newRequest())))
	}
	if a, b, c := <-remotes, <-remotes, <-remotes; a != b || b != c {
		t.Errorf("asked from %s, %s, %s", a, b, c)
	}
}

// A caller that leaves, or whose deadline is over, gets its answer at once.
func TestCallerEndsRelay(t *testing.T) {
	node, asked, _ := newHeld(t)
	s := newServicer(t, newChain(25), node.URL, func(c *servicer.Config) { c.UpstreamTimeout = time.Minute })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	sealed := seal(t, applicationKey, newRequest())
	wantCode(t, open(t, s.HandleRelay(ctx, sealed.Envelope), sealed.BodyHash), types.RelayErrorCode_RELAY_ERROR_CODE_BUSY)

	ctx, cancel = context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	sealed = seal(t, applicationKey, newRequest())
	wantCode(t, open(t, s.HandleRelay(ctx, sealed.Envelope), sealed.BodyHash), upstreamTimeout)
}
