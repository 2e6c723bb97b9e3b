package node

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/inbound"
)

// The profiles are served for reading, for a bounded time, until the node ends.
func TestProfiles(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- serveProfiles(ctx, listener, false, inbound.Bounds{Most: profileClients}, slog.New(slog.DiscardHandler))
	}()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for path, want := range map[string]struct {
		method string
		status int
		says   string
	}{
		"/debug/pprof/":                    {http.MethodGet, http.StatusOK, "goroutine"},
		"/debug/pprof/goroutine?debug=1":   {http.MethodGet, http.StatusOK, "serveProfiles"},
		"/debug/pprof/symbol":              {http.MethodPost, http.StatusMethodNotAllowed, ""},
		"/debug/pprof/cmdline":             {http.MethodGet, http.StatusNotFound, ""},
		"/debug/pprof/profile?seconds=600": {http.MethodGet, http.StatusBadRequest, "seconds has to be 0 to 60"},
		"/debug/pprof/trace?seconds=NaN":   {http.MethodGet, http.StatusBadRequest, "0 to 60"},
		"/":                                {http.MethodGet, http.StatusNotFound, ""},
	} {
		request, err := http.NewRequestWithContext(t.Context(), want.method, "http://"+listener.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != want.status || !strings.Contains(string(body), want.says) {
			t.Errorf("%s: %d, %.200s", path, response.StatusCode, body)
		}
	}
	rebound, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+"/debug/pprof/", nil)
	if err != nil {
		t.Fatal(err)
	}
	rebound.Host = "evil.example"
	response, err := client.Do(rebound)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("a rebound name: %d", response.StatusCode)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestProfilesSayWhyTheyEnd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	if err := serveProfiles(t.Context(), listener, false, inbound.Bounds{Most: profileClients}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("served on a closed listener")
	}
}
