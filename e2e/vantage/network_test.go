package vantage

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// fisherman is a vantage point: a process with its data directory, which it keeps when it is killed.
type fisherman struct {
	*process
	place, dir, api string
	// config is the text of its configuration.
	config string
	key    crypto.PrivateKey
}

// samples is the directory of what it has stored.
func (f *fisherman) samples() string { return filepath.Join(f.dir, "data", "samples") }

// publish runs a fisherman that has been stopped until all that it has stored is published. It asks nobody meanwhile: its next
// check is hours away.
func (f *fisherman) publish(t *testing.T) {
	t.Helper()
	at := strings.Index(f.config, "  - name: pocket")
	write(t, filepath.Join(f.dir, "fisherman.yaml"), f.config[:at]+strings.NewReplacer("name: pocket", "name: later", "interval: "+checkInterval,
		"interval: 12h", "session: 10s", "session: 24h").Replace(f.config[at:]))
	f.start(t)
	asked := newClient(t, f.api)
	eventually(t, f.place+" has published all", func(ctx context.Context) error {
		status, err := asked.Status(ctx)
		if err != nil {
			return err
		}
		if feed := status.Feed; feed == nil || feed.State != "publishing" || feed.Waiting.Rounds+feed.Waiting.Sessions+feed.Waiting.Gaps > 0 {
			return fmt.Errorf("its feed is %+v", feed)
		}
		return nil
	})
	f.stop(t)
}

// take waits until the collector has taken all that is published.
func (c *collector) take(t *testing.T, at *cluster) {
	t.Helper()
	eventually(t, "the collector has taken all", func(ctx context.Context) error {
		found, err := at.stream.Stream(ctx, stream)
		if err != nil {
			return err
		}
		consumers := found.ListConsumers(ctx)
		for info := range consumers.Info() {
			if waiting := info.NumPending + uint64(info.NumAckPending); waiting > 0 {
				return fmt.Errorf("%d wait for %s", waiting, info.Name)
			}
		}
		return consumers.Err()
	})
}

// options say what a fisherman of a test is like.
type options struct {
	// host that it listens on.
	host string
	// group is the text of its only group, from its interval on.
	group string
	// prefix runs the program, as in a network namespace; empty for directly.
	prefix []string
}

// newFisherman starts a fisherman that publishes to a cluster.
func newFisherman(t testing.TB, place string, c *cluster, o options) *fisherman {
	t.Helper()
	f := &fisherman{place: place, dir: t.TempDir(), key: crypto.KeyFromSeed([32]byte([]byte(fmt.Sprintf("%-32s", place))))}
	data := filepath.Join(f.dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(data, "feed-key"), hex.EncodeToString(f.key.Bytes()[:32])+"\n")
	listen := freePorts(t, o.host, 1)[0]
	f.api = "http://" + listen
	f.config = fmt.Sprintf("listen: %s\ndata: ./data\nfeed: {nats: [%s], replicas: 3, max_bytes: 64MiB, place: %s}\ngroups:\n  - name: pocket\n%s",
		listen, strings.Join(c.urls, ", "), place, o.group)
	write(t, filepath.Join(f.dir, "fisherman.yaml"), f.config)
	f.process = newProcess(t, place, func() *exec.Cmd {
		args := append(append([]string{}, o.prefix...), programs.pocket, "fisherman", "start", "--config", filepath.Join(f.dir, "fisherman.yaml"))
		return exec.Command(args[0], args[1:]...)
	})
	return f
}

// collector merges what fishermen publish.
type collector struct {
	*process
	dir, api string
}

// samples is the directory of what it has stored of a fisherman.
func (c *collector) samples(f *fisherman) string {
	return filepath.Join(c.dir, "data", "vantage", f.key.Address(), "samples")
}

// newCollector starts a collector of fishermen.
func newCollector(t testing.TB, host string, at *cluster, fishermen ...*fisherman) *collector {
	t.Helper()
	c := &collector{dir: t.TempDir()}
	listen := freePorts(t, host, 1)[0]
	c.api = "http://" + listen
	var text strings.Builder
	fmt.Fprintf(&text, "listen: %s\ndata: ./data\nfeed: {nats: [%s]}\nverdicts: {replicas: 3}\nfishermen:\n", listen, strings.Join(at.urls, ", "))
	for _, f := range fishermen {
		fmt.Fprintf(&text, "  - {name: %s, key: %s}\n", f.place, f.key.PublicKeyHex())
	}
	write(t, filepath.Join(c.dir, "collector.yaml"), text.String())
	c.process = newProcess(t, "collector", func() *exec.Cmd {
		return exec.Command(programs.pocket, "collector", "--config", filepath.Join(c.dir, "collector.yaml"))
	})
	return c
}

// newNode starts a chain and returns the URL of its node.
func newNode(t testing.TB) string {
	t.Helper()
	o := localnet.DefaultOptions()
	o.Servicers, o.Slow, o.Down, o.Lying, o.RPCListen = 1, 0, 0, 0, "127.0.0.1:0"
	network, err := localnet.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- network.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return network.ChainRPCURL()
}

// newTarget starts an endpoint in front of a node, at an address, and returns its URL.
func newTarget(t testing.TB, address, node string) string {
	t.Helper()
	behind, err := url.Parse(node)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(behind) }})
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// checkInterval is how far apart checks are.
const checkInterval = "200ms"

// group is a group of targets, in YAML.
func group(targets map[string]string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "    chain: cometbft\n    interval: %s\n    session: 10s\n    rate: 1000\n    targets:\n", checkInterval)
	for name, at := range targets {
		fmt.Fprintf(&text, "      - {name: %s, url: %s, private: true}\n", name, at)
	}
	return text.String()
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// newClient asks an API.
func newClient(t testing.TB, api string) *client.Client {
	t.Helper()
	made, err := client.New(api)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(made.Close)
	return made
}
