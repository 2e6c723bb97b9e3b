package vantage

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pocket-fisherman/fisherman/localnet/port"
)

// stream is the name of the feed's stream.
const stream = "qos"

// cluster is three servers of NATS that keep each message three times.
type cluster struct {
	servers []*process
	// urls of the servers, and what they say of themselves.
	urls, monitors []string
	stream         jetstream.JetStream
}

// newCluster starts the servers and waits until they have a leader.
func newCluster(t testing.TB, host string) *cluster {
	t.Helper()
	const size = 3
	c := &cluster{}
	ports := freePorts(t, host, 3*size)
	var routes []string
	for i := range size {
		c.urls = append(c.urls, "nats://"+ports[i])
		c.monitors = append(c.monitors, "http://"+ports[size+i])
		routes = append(routes, "nats://"+ports[2*size+i])
	}
	dir := t.TempDir()
	for i := range size {
		name := fmt.Sprintf("nats-%d", i)
		_, port, _ := net.SplitHostPort(ports[i])
		_, monitor, _ := net.SplitHostPort(ports[size+i])
		c.servers = append(c.servers, newProcess(t, name, func() *exec.Cmd {
			return exec.Command(programs.nats, "--addr="+host, "--name="+name, "--port="+port, "--http_port="+monitor, "--jetstream",
				"--store_dir="+filepath.Join(dir, name), "--cluster_name=qos", "--cluster="+routes[i], "--routes="+strings.Join(routes, ","))
		}))
	}
	connection, err := nats.Connect(strings.Join(c.urls, ","), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connection.Close)
	if c.stream, err = jetstream.New(connection); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the cluster has a leader", func(ctx context.Context) error {
		_, err := c.stream.AccountInfo(ctx)
		return err
	})
	return c
}

// leader returns the server that leads the stream.
func (c *cluster) leader(ctx context.Context) (*process, error) {
	found, err := c.stream.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	for _, server := range c.servers {
		if in := found.CachedInfo().Cluster; in != nil && in.Leader == server.name {
			return server, nil
		}
	}
	return nil, fmt.Errorf("the stream has no leader: %+v", found.CachedInfo().Cluster)
}

// whole waits until each server is up and has what the others have.
func (c *cluster) whole(t testing.TB) {
	t.Helper()
	eventually(t, "all servers are level", func(ctx context.Context) error {
		for _, monitor := range c.monitors {
			if err := healthy(ctx, monitor+"/healthz"); err != nil {
				return err
			}
		}
		return nil
	})
}

// healthy returns an error unless a URL answers 200.
func healthy(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", response.Status)
	}
	return nil
}

// given are the addresses that freePorts has returned, at which nothing may listen yet.
var given sync.Map

// freePorts returns addresses that nothing listens at, each once.
func freePorts(t testing.TB, host string, count int) (addresses []string) {
	t.Helper()
	for len(addresses) < count {
		listener, err := port.Listen(t.Context(), net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		if _, was := given.LoadOrStore(listener.Addr().String(), true); !was {
			addresses = append(addresses, listener.Addr().String())
		}
	}
	return addresses
}
