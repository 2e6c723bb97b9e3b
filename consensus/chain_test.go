package consensus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/disk"
)

// fullDisk is a disk below a chain: what it answers can be set.
type fullDisk struct {
	*memoryState
	full   atomic.Bool
	low    atomic.Bool
	reopen atomic.Pointer[error]
	// probed receives something each time that the full disk is tried, if somebody waits.
	probed chan struct{}
	opened atomic.Int32
}

func newFullDisk() *fullDisk {
	d := &fullDisk{memoryState: newMemoryState(), probed: make(chan struct{})}
	d.onCommit = func(_ int64, commit func()) error {
		if d.full.Load() {
			return fmt.Errorf("commit: %w", &os.PathError{Op: "write", Path: "000001.log", Err: syscall.ENOSPC})
		}
		commit()
		return nil
	}
	return d
}

func (d *fullDisk) Reopen() error {
	d.opened.Add(1)
	if err := d.reopen.Load(); err != nil {
		return *err
	}
	d.Rollback()
	return nil
}

func (d *fullDisk) probe() error {
	if !d.full.Load() && !d.low.Load() {
		return nil
	}
	select {
	case d.probed <- struct{}{}:
	default:
	}
	return syscall.ENOSPC
}

func (d *fullDisk) free() (uint64, error) {
	if d.low.Load() {
		return reserve - 1, nil
	}
	return reserve, nil
}

// journal is a log that may be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

// of returns the lines of a level.
func (j *journal) of(level string) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var lines []string
	for line := range strings.Lines(j.text.String()) {
		if strings.Contains(line, "level="+level+" ") {
			lines = append(lines, line)
		}
	}
	return lines
}

// chained runs a chain on a disk.
type chained struct {
	*Chain
	*runner
	disk *fullDisk
	log  *journal
}

func startChain(t *testing.T) *chained {
	t.Helper()
	c := &chained{disk: newFullDisk(), log: &journal{}}
	config := testConfig(t, t.TempDir())
	config.Logger = slog.New(slog.NewTextHandler(c.log, nil))
	chain, err := NewChain(config, c.disk)
	if err != nil {
		t.Fatal(err)
	}
	chain.retry, chain.probe, chain.free = 20*time.Millisecond, c.disk.probe, c.disk.free
	heads, unsubscribe := chain.Heads().Subscribe()
	ctx, cancel := context.WithCancel(t.Context())
	c.Chain, c.runner = chain, &runner{t: t, heads: heads, cancel: cancel, ended: make(chan error, 1)}
	go func() {
		defer unsubscribe()
		c.ended <- chain.Run(ctx)
	}()
	return c
}

// awaitHalt waits until the disk of the halted chain was tried.
func (c *chained) awaitHalt() {
	c.t.Helper()
	for range 2 { // the first may still be the question why the engine ended
		select {
		case <-c.disk.probed:
		case err := <-c.ended:
			c.t.Fatalf("the chain ended: %v", err)
		case <-time.After(patience):
			c.t.Fatal("the chain does not halt")
		}
	}
}

func (c *chained) get() *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	c.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/status", nil))
	return answer
}

// A chain halts when the disk is full, says so once, answers all calls with the reason, and goes on when there is room.
func TestChainOutlivesAFullDisk(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]func(*fullDisk) *atomic.Bool{
		"a write fails": func(d *fullDisk) *atomic.Bool { return &d.full },
		"space is low":  func(d *fullDisk) *atomic.Bool { return &d.low },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startChain(t)
			c.awaitHeight(3)
			if err := c.Chain.Ready(); err != nil {
				t.Errorf("before: %v", err)
			}
			fill(c.disk).Store(true)
			c.awaitHalt()
			halted := c.disk.Version()
			_, blockErr := c.Chain.Block(1)
			_, txErr := c.Chain.Transaction(t.Context(), make([]byte, 32), 0, halted)
			_, castErr := c.Chain.Broadcast(t.Context(), []byte("tx"), false)
			for _, err := range []error{c.Chain.Ready(), blockErr, txErr, castErr} {
				if !errors.Is(err, ErrNotReady) || !strings.Contains(err.Error(), fmt.Sprintf("it has halted at height %d", halted)) {
					t.Errorf("halted: %v", err)
				}
			}
			if answer := c.get(); answer.Code != http.StatusServiceUnavailable || !strings.Contains(answer.Body.String(), "halted") {
				t.Errorf("halted: %d %s", answer.Code, answer.Body)
			}
			if peers := c.Chain.Peers(); peers != 0 {
				t.Errorf("%d peers", peers)
			}
			if lines := c.log.of("ERROR"); len(lines) != 1 || !strings.Contains(lines[0], "the chain has halted") {
				t.Errorf("logged %q", lines)
			}

			fill(c.disk).Store(false)
			c.await("a witnessed head after the halt", func(head types.Head) bool {
				return head.Height > halted+1 && !head.CatchingUp
			})
			if err := c.Chain.Ready(); err != nil {
				t.Errorf("after: %v", err)
			}
			if answer := c.get(); answer.Code != http.StatusOK {
				t.Errorf("after: %d %s", answer.Code, answer.Body)
			}
			if _, err := c.Chain.Block(halted); err != nil {
				t.Errorf("after: %v", err)
			}
			c.stop()
			if lines := c.log.of("ERROR"); len(lines) != 1 {
				t.Errorf("logged %q", lines)
			}
		})
	}
}

// A chain that has halted ends with its context.
func TestHaltedChainEnds(t *testing.T) {
	t.Parallel()
	c := startChain(t)
	c.awaitHeight(2)
	c.disk.full.Store(true)
	c.awaitHalt()
	c.stop()
	if err := c.Chain.Close(); err != nil {
		t.Error(err)
	}
}

// A store that does not open is opened again, unless the disk is not the reason.
func TestChainOpensAgain(t *testing.T) {
	t.Parallel()
	c := startChain(t)
	c.awaitHeight(2)
	c.disk.full.Store(true)
	c.awaitHalt()
	full := error(syscall.ENOSPC)
	c.disk.reopen.Store(&full)
	c.disk.full.Store(false)
	for deadline := time.Now().Add(patience); c.disk.opened.Load() < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the store is not opened again")
		}
	}
	damaged := errors.New("damaged")
	c.disk.reopen.Store(&damaged)
	if err := c.end(); !errors.Is(err, damaged) {
		t.Errorf("ended with %v", err)
	}
}

// What is not the disk's fault ends the chain.
func TestChainEndsWithItsState(t *testing.T) {
	t.Parallel()
	c := startChain(t)
	c.awaitHeight(2)
	broken := errors.New("broken")
	c.disk.mu.Lock()
	c.disk.onCommit = func(int64, func()) error { return broken }
	c.disk.mu.Unlock()
	if err := c.end(); !errors.Is(err, broken) {
		t.Errorf("ended with %v", err)
	}
}

// CometBFT passes on only the text of many errors; the disk's is remembered from the lines before, which are no errors
// of their own.
func TestLoggerRemembersAFullDisk(t *testing.T) {
	var told error
	var out bytes.Buffer
	l := newLogger(slog.New(slog.NewTextHandler(&out, nil)), &engineSigns{failed: func(err error) { told = err }})
	l.Error("failed writing to WAL", "err", fmt.Errorf("flush: %w", syscall.ENOSPC))
	l.Error(consensusFailure, "err", "failed to apply block; error flush: no space left on device\n\ndump", "stack", "main.go:1")
	if !disk.Full(told) || told.Error() != "consensus failed: failed to apply block; error flush: no space left on device" {
		t.Errorf("told %v", told)
	}
	if out.Len() > 0 {
		t.Errorf("logged %s", &out)
	}
}
