package localnet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// fleetHome writes a home of a Fleet whose servicers are at hosts.
func fleetHome(t *testing.T, hosts ...string) string {
	t.Helper()
	home := t.TempDir()
	fleet := Fleet{Options: DefaultOptions(), Validators: 1, Fishermen: 1, FeedReplicas: 1, ListenHost: "127.0.0.1"}
	fleet.Options.Servicers, fleet.Options.Slow, fleet.Options.Down, fleet.Options.Lying = len(hosts), 0, 0, 0
	if err := fleet.WriteHome("fisherman-0", home, "secret"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(home, genesisName)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i, at := range hosts {
		text = strings.ReplaceAll(text, host(fleetServicer, i), at)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return home
}

// Servicers are awaited until each of them says that it is ready.
func TestAwaitServicers(t *testing.T) {
	t.Parallel()
	var hosts []string
	var listeners []net.Listener
	for len(hosts) < 3 {
		at := fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(250), rand.IntN(250), 1+rand.IntN(250))
		listener, err := net.Listen("tcp", net.JoinHostPort(at, fleetAPIPort))
		if err != nil {
			t.Skip("the port of a node's API is taken, or there is one loopback address only: ", err)
		}
		hosts, listeners = append(hosts, at), append(listeners, listener)
	}
	var asked atomic.Int64
	level := make(chan struct{})
	for i, listener := range listeners {
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1/ready" {
				t.Errorf("asked for %s", r.URL.Path)
			}
			if i == 1 && asked.Add(1) < 3 { // the second one still fetches blocks
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			if i == 2 {
				close(level)
			}
		})}
		go server.Serve(listener)
		defer server.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := AwaitServicers(ctx, fleetHome(t, hosts...)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-level:
	default:
		t.Error("the last one was not asked")
	}
	if asked.Load() != 3 {
		t.Errorf("the second one was asked %d times", asked.Load())
	}
}

func TestAwaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := AwaitServicers(ctx, fleetHome(t, "127.0.0.1")); !errors.Is(err, ErrNotLevel) {
		t.Error(err)
	}
	if err := AwaitServicers(t.Context(), t.TempDir()); !errors.Is(err, ErrHomeUnusable) {
		t.Errorf("no home: %v", err)
	}
}
