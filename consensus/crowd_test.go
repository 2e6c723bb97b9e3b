package consensus

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// crowd keeps connections to an address open, and makes each again when it is closed.
type crowd struct {
	opened  atomic.Int64
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// gather starts a crowd; each connection sends a greeting and then nothing.
func gather(t *testing.T, address string, size int, greeting func() []byte) *crowd {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &crowd{cancel: cancel}
	for range size {
		c.running.Go(func() {
			for ctx.Err() == nil {
				c.visit(ctx, address, greeting())
			}
		})
	}
	t.Cleanup(c.leave)
	return c
}

// visit holds one connection until it is closed.
func (c *crowd) visit(ctx context.Context, address string, greeting []byte) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return
	}
	defer conn.Close()
	c.opened.Add(1)
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	_, _ = conn.Write(greeting)
	_, _ = io.Copy(io.Discard, conn)
}

func (c *crowd) leave() {
	c.cancel()
	c.running.Wait()
}

// keyAnd begins the handshake with a key, and what follows it.
func keyAnd(further int) []byte {
	greeting := append([]byte{34, 0x0a, 32}, make([]byte, 32+further)...)
	_, _ = rand.Read(greeting[3:])
	return greeting
}

// Raw connections crowd the port of a validator, each made again as soon as it is closed. The other validator, which the
// first can only wait for, is restarted, and the chain goes on; and so does a follower that no validator names.
func TestPeersGetThroughACrowd(t *testing.T) {
	if testing.Short() {
		t.Skip("engines in a crowd")
	}
	const bound = 30 * time.Second
	for name, test := range map[string]struct {
		size     int
		greeting func() []byte
	}{
		"silent": {1000, func() []byte { return nil }},
		"a key":  {350, func() []byte { return keyAnd(0) }},
		"noise":  {350, func() []byte { return keyAnd(2 << 10) }},
	} {
		t.Run(name, func(t *testing.T) {
			port := freePort(t)
			genesis := testGenesis(t, "crowd", stake, stake)
			listening := Config{Home: t.TempDir(), Genesis: genesis, ValidatorKey: key(1), BlockTime: 4 * testBlockTime,
				Listen: fmt.Sprintf("127.0.0.1:%d", port), Peers: []string{peer(key(2), freePort(t))}}
			calling := Config{Home: t.TempDir(), Genesis: genesis, ValidatorKey: key(2), BlockTime: 4 * testBlockTime,
				Peers: []string{peer(key(1), port)}}
			state := newMemoryState()
			waiting, caller := start(t, listening, newMemoryState()), start(t, calling, state)
			caller.awaitHeight(2)
			caller.stop()

			c := gather(t, listening.Listen, test.size, test.greeting)
			for c.opened.Load() < int64(test.size) {
				select {
				case err := <-waiting.ended:
					t.Fatal(err)
				case <-time.After(10 * time.Millisecond):
				}
			}
			begin := time.Now()
			caller = start(t, calling, state)
			caller.awaitWithin(bound, state.Version()+2)
			t.Logf("the configured peer: a block after %s, %d connections", time.Since(begin).Round(time.Millisecond), c.opened.Load())

			begin = time.Now()
			following := Config{Home: t.TempDir(), Genesis: genesis, NodeKey: key(9), BlockTime: 4 * testBlockTime, Peers: calling.Peers}
			follower := start(t, following, newMemoryState())
			follower.awaitWithin(bound, state.Version())
			t.Logf("the follower: level after %s, %d connections", time.Since(begin).Round(time.Millisecond), c.opened.Load())
			c.leave()
			follower.stop()
			caller.stop()
			waiting.stop()
		})
	}
}

// awaitWithin is awaitHeight with a bound of its own.
func (r *runner) awaitWithin(bound time.Duration, height int64) {
	r.t.Helper()
	timeout := time.After(bound)
	for {
		select {
		case head := <-r.heads:
			if head.Height >= height {
				return
			}
		case err := <-r.ended:
			r.t.Fatalf("the engine ended before height %d: %v", height, err)
		case <-timeout:
			r.t.Fatalf("height %d was not reached within %s", height, bound)
		}
	}
}
