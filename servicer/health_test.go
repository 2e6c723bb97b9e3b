package servicer_test

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// lines is a log that signals its lines.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
	each chan string
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	l.text.Write(line)
	l.mu.Unlock()
	l.each <- string(line)
	return len(line), nil
}

// await returns the next line that contains text.
func (l *lines) await(t *testing.T, text string) {
	t.Helper()
	for {
		select {
		case line := <-l.each:
			if strings.Contains(line, text) {
				return
			}
		case <-t.Context().Done():
			t.Fatalf("no line with %q:\n%s", text, l.text.String())
		}
	}
}

const plantedKey = "pl4nted"

// Each node is sent the header fields that are configured for it, and neither peers nor the log are told of them.
func TestConfiguredHeaders(t *testing.T) {
	var sent atomic.Pointer[http.Header]
	var refuses atomic.Bool
	node := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		header := r.Header.Clone()
		sent.Store(&header)
		if refuses.Load() {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(reply)
	})
	log := &lines{each: make(chan string, 1000)}
	configured := http.Header{"Authorization": {"Bearer " + plantedKey}, "Accept": {"text/plain"}}
	s := newServicer(t, newChain(25), node.URL, func(c *servicer.Config) {
		c.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		for chain, each := range c.Upstreams {
			each.URL, each.Header = each.URL+"/"+plantedKey, configured
			c.Upstreams[chain] = each
		}
	})
	wantReply(t, ask(t, s, seal(t, applicationKey, newRequest())))
	rest := newREST(restPayload("GET", "/x", header("Accept", "mine")))
	for _, request := range []*types.RelayRequest{newRequest(), rest} {
		response := ask(t, s, seal(t, applicationKey, request))
		if got := *sent.Load(); got.Get("Authorization") != "Bearer "+plantedKey || got.Get("Accept") != "text/plain" {
			t.Errorf("the node was sent %v", got)
		}
		if strings.Contains(string(marshal(t, response)), plantedKey) {
			t.Errorf("a peer is shown a key: %v", response)
		}
	}
	if len(configured) != 2 || len(configured["Accept"]) != 1 {
		t.Errorf("the configured header was changed: %v", configured)
	}
	refuses.Store(true)
	response := ask(t, s, seal(t, applicationKey, newRequest()))
	wantCode(t, response, upstreamUnreachable)
	log.await(t, "upstream failed")
	host := strings.TrimPrefix(node.URL, "http://")
	if text := log.text.String() + response.GetError().GetMessage(); strings.Contains(text, plantedKey) || strings.Contains(text, host) {
		t.Errorf("log or answer show a key or the node: %s", text)
	}
}

// A servicer that is served says of which relay chain the node does not answer, and when it answers again.
func TestNodesAreWatched(t *testing.T) {
	var up atomic.Bool
	node := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		if _, _ = io.Copy(io.Discard, r.Body); !up.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write(reply)
	})
	log := &lines{each: make(chan string, 1000)}
	s := newServicer(t, newChain(25), node.URL, func(c *servicer.Config) {
		c.Logger = slog.New(slog.NewTextHandler(log, nil))
		watched := c.Upstreams[servedChain]
		watched.Probe = &types.Payload{JSONRPC: question}
		c.Upstreams[servedChain] = watched
	})
	running := serve(t, s)
	log.await(t, "HTTP status 401: it does not accept our credentials")
	up.Store(true)
	log.await(t, "the node of a relay chain answers again")
	running.wait(t)
	text := log.text.String()
	if strings.Count(text, "does not answer: until it does") != 1 || !strings.Contains(text, "relay_chain="+servedChain) ||
		strings.Contains(text, "relay_chain="+restChain) || strings.Contains(text, strings.TrimPrefix(node.URL, "http://")) {
		t.Errorf("log:\n%s", text)
	}
}
