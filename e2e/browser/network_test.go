package browser

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/localnet"
)

// network is a running LocalNet. Its first servicer, an honest one, is reached through a gate.
type network struct {
	*localnet.LocalNet
	gate *gate
	stop func()
}

// withEthereum adds an Ethereum chain, served by bin/geth.
func withEthereum(options *localnet.Options) {
	options.Ethereum, options.Geth = true, filepath.Join("..", "..", "bin", "geth")
}

// startNetwork starts a network of three honest servicers, a slow one, one that is down, and one that lies.
func startNetwork(t *testing.T, blockTime time.Duration, change ...func(*localnet.Options)) *network {
	t.Helper()
	options := localnet.DefaultOptions()
	options.Home = filepath.Join(t.TempDir(), "home")
	options.RPCListen = "127.0.0.1:0"
	options.BlockTime = blockTime
	for _, change := range change {
		change(&options)
	}
	gate := openGate(t)
	// The home is made, and its genesis says that the first servicer is at the gate.
	made, err := localnet.New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	served := made.Servicers()[0].ServiceURL
	gate.target = strings.TrimPrefix(served, "http://")
	if err := made.Close(); err != nil {
		t.Fatal(err)
	}
	redirect(t, options.Home, served, gate.url())
	net, err := localnet.New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- net.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run LocalNet: %v", err)
		}
	})
	t.Cleanup(stop)
	return &network{LocalNet: net, gate: gate, stop: stop}
}

// redirect changes a service URL in the genesis of a home whose chain has not begun.
func redirect(t *testing.T, home, from, to string) {
	t.Helper()
	path := filepath.Join(home, "genesis.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.ReplaceAll(string(text), from+`"`, to+`"`)
	if changed == string(text) {
		t.Fatalf("the genesis does not name %s", from)
	}
	if err := errors.Join(os.WriteFile(path, []byte(changed), 0o600), os.RemoveAll(filepath.Join(home, "node"))); err != nil {
		t.Fatal(err)
	}
}

// gate forwards connections until it is closed.
type gate struct {
	listener net.Listener
	target   string

	mu   sync.Mutex
	open map[net.Conn]bool
	shut bool
	done sync.WaitGroup
}

func openGate(t *testing.T) *gate {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{listener: listener, open: make(map[net.Conn]bool)}
	g.done.Go(g.serve)
	t.Cleanup(g.close)
	return g
}

func (g *gate) url() string { return "http://" + g.listener.Addr().String() }

func (g *gate) serve() {
	for {
		near, err := g.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", g.target)
		if err != nil {
			near.Close()
			continue
		}
		if !g.keep(near, far) {
			return
		}
		g.done.Go(func() { pass(near, far) })
		g.done.Go(func() { pass(far, near) })
	}
}

func (g *gate) keep(connections ...net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, connection := range connections {
		if g.shut {
			connection.Close()
		}
		g.open[connection] = true
	}
	return !g.shut
}

// pass copies until an end is closed, and closes both.
func pass(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	_, _ = io.Copy(to, from)
}

// close makes the servicer behind it unreachable: connections end, and new ones are refused.
func (g *gate) close() {
	g.mu.Lock()
	g.shut = true
	g.listener.Close()
	for connection := range g.open {
		connection.Close()
	}
	g.mu.Unlock()
	g.done.Wait()
}
