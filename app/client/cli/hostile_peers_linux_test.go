package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/runtime/configs"
)

// TestHostilePeers: raw connections crowd the port of each of four validator processes, made again as soon as they are
// closed. A validator that is killed and started amid the crowd is level with the others soon, and blocks go on.
func TestHostilePeers(t *testing.T) {
	if os.Getenv("POCKET_TEST_HOSTILE") == "" {
		t.Skip("four processes in a crowd: make test_hostile")
	}
	const (
		size  = 1200
		bound = 30 * time.Second
	)
	a := startAttacked(t)
	ctx, cancel := context.WithCancel(a.ctx)
	var crowd sync.WaitGroup
	var opened atomic.Int64
	for _, home := range a.homes {
		text, err := os.ReadFile(filepath.Join(home, configs.FileName))
		if err != nil {
			t.Fatal(err)
		}
		config, err := configs.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for range size {
			crowd.Go(func() {
				for ctx.Err() == nil {
					if stand(ctx, config.Chain.P2PListen, &opened) != nil {
						pause(ctx, 100*time.Millisecond) // nobody listens while a validator is down
					}
				}
			})
		}
	}
	a.await("the crowd", func() bool { return opened.Load() >= int64(len(a.homes)*size) })
	for at := range 2 {
		a.kill(a.running[at])
		before, begin := a.height(2), time.Now()
		a.running[at] = a.start(a.homes[at])
		a.reach(before + 3)
		took := time.Since(begin)
		t.Logf("validator %d: 3 blocks further after %s; %d raw connections", at, took.Round(time.Millisecond), opened.Load())
		if took > bound {
			t.Errorf("validator %d was kept out for %s", at, took)
		}
	}
	cancel()
	crowd.Wait()
}

// stand opens a connection, says nothing, and returns when it is closed; an error if it was never open.
func stand(ctx context.Context, address string, opened *atomic.Int64) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("join the crowd: %w", err)
	}
	defer conn.Close()
	opened.Add(1)
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	_, _ = io.Copy(io.Discard, conn)
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
