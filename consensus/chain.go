package consensus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/disk"
	"github.com/pocket-fisherman/fisherman/shared/heads"
)

const (
	// retryInterval is how often the disk of a chain that halted is tried.
	retryInterval = 5 * time.Second
	// watchInterval is how often the space of a running chain is looked at.
	watchInterval = time.Second
)

// Store is a State that outlives a disk that was full.
type Store interface {
	State
	// Reopen drops what is not committed and continues from what the disk holds. If it fails, it may be called again.
	Reopen() error
}

// Chain runs one engine, and after the disk was full, the next. It runs once.
//
// While the disk takes no writes the chain has halted on this node: there are no heads, every call is answered with
// ErrNotReady and the reason, and committed state stays readable.
type Chain struct {
	config Config
	store  Store
	// running is the engine with its JSON-RPC. Each has its own: an engine runs once.
	running atomic.Pointer[running]
	// halted is why there is no engine that runs; nil while there is one.
	halted atomic.Pointer[error]
	// free is the space of the disk in bytes.
	free func() (uint64, error)
	// probe checks that the disk takes writes. A chain that halted calls it every retry.
	probe func() error
	retry time.Duration
}

type running struct {
	*Engine
	rpc http.Handler
}

// NewChain opens the chain as New does, and as often as it has to. End it with Run or Close. Errors: ErrForeignHome.
func NewChain(config Config, store Store) (*Chain, error) {
	config.Logger = cmp.Or(config.Logger, slog.New(slog.DiscardHandler))
	config.heads = &heads.Publisher{}
	c := &Chain{config: config, store: store, retry: retryInterval}
	c.free = func() (uint64, error) { return disk.Free(config.Home) }
	c.probe = func() error { return disk.Probe(config.Home, room) }
	if err := c.open(); err != nil {
		return nil, err
	}
	return c, nil
}

// open makes the next engine.
func (c *Chain) open() error {
	engine, err := New(c.config, c.store)
	if err != nil {
		return err
	}
	rpc, err := engine.RPC()
	if err != nil {
		return errors.Join(err, engine.Close())
	}
	c.running.Store(&running{Engine: engine, rpc: rpc})
	return nil
}

// Run makes and follows blocks until the context ends. It returns nil when the context ended it, and an error when the
// chain cannot go on for another reason than a disk that takes no writes.
func (c *Chain) Run(ctx context.Context) error {
	for {
		reason, err := c.runEngine(ctx)
		if reason == nil || ctx.Err() != nil {
			return err
		}
		c.halt(reason)
		if err := c.resume(ctx); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// runEngine runs the engine until the context or the engine ends, or the disk is almost full; reason is what the disk
// has to do with it. An engine that stops before a write fails leaves nothing to repair.
func (c *Chain) runEngine(ctx context.Context) (reason, err error) {
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		c.watch(running, stop)
	}()
	err = c.running.Load().Run(running)
	low := context.Cause(running)
	stop(nil)
	<-watched
	switch {
	case err != nil:
		return c.diskReason(err), err
	case ctx.Err() != nil:
		return nil, nil
	}
	return low, nil
}

// watch stops the engine when the disk is almost full.
func (c *Chain) watch(ctx context.Context, stop context.CancelCauseFunc) {
	ticks := time.NewTicker(watchInterval)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			if free, err := c.free(); err == nil && free < reserve {
				stop(fmt.Errorf("%d KiB are free, fewer than %d", free>>10, reserve>>10))
			}
		}
	}
}

// diskReason returns why the disk ended an engine; nil if it did not. CometBFT passes on only the text of some errors,
// so the disk is asked as well.
func (c *Chain) diskReason(err error) error {
	if disk.Full(err) {
		return err
	}
	if probed := c.probe(); disk.Full(probed) {
		return fmt.Errorf("%w: %w", err, probed)
	}
	return nil
}

// halt notes and says that the chain has halted.
func (c *Chain) halt(reason error) {
	height := c.store.Version()
	halted := fmt.Errorf("%w: it has halted at height %d, because the disk is full or takes no writes; it goes on when there are %d MiB of room",
		ErrNotReady, height, room>>20)
	c.halted.Store(&halted)
	c.config.Logger.Error("the chain has halted on this node: the disk is full or takes no writes; it goes on by itself when there is room",
		"height", height, "home", c.config.Home, "needed_mib", room>>20, "reason", gist(reason.Error()))
}

// resume waits until the disk takes writes, and opens the chain again. It returns nil when the context ends.
func (c *Chain) resume(ctx context.Context) error {
	since := time.Now()
	ticks := time.NewTicker(c.retry)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
		err := c.probe()
		if err == nil {
			err = c.reopen()
			if err != nil && !disk.Full(err) && c.probe() == nil {
				return fmt.Errorf("open the chain again after the disk was full: %w", err)
			}
		}
		if err == nil {
			c.halted.Store(nil)
			c.config.Logger.Info("the chain goes on: the disk takes writes again", "height", c.store.Version(),
				"after", time.Since(since).Round(time.Second))
			return nil
		}
		c.config.Logger.Debug("the disk still takes no writes", "error", err)
	}
}

func (c *Chain) reopen() error {
	if err := c.store.Reopen(); err != nil {
		return err
	}
	return c.open()
}

// Close releases a chain that is not run. After Run it does nothing.
func (c *Chain) Close() error { return c.running.Load().Close() }

// Heads returns the committed blocks, those of all engines.
func (c *Chain) Heads() *heads.Publisher { return c.config.heads }

// Peers returns the number of connected peers; 0 while the chain has halted.
func (c *Chain) Peers() int {
	if c.halted.Load() != nil {
		return 0
	}
	return c.running.Load().Peers()
}

// ServeHTTP answers the chain's own JSON-RPC (see Engine.RPC).
func (c *Chain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := c.standing(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	c.running.Load().rpc.ServeHTTP(w, r)
}

// Ready is Engine.Ready, and while the chain has halted ErrNotReady with the reason.
func (c *Chain) Ready() error {
	return cmp.Or(c.standing(), c.running.Load().Ready())
}

// Block is Engine.Block.
func (c *Chain) Block(height int64) (Block, error) {
	if err := c.standing(); err != nil {
		return Block{}, err
	}
	return c.running.Load().Block(height)
}

// Transaction is Engine.Transaction.
func (c *Chain) Transaction(ctx context.Context, hash []byte, height, latest int64) (Transaction, error) {
	if err := c.standing(); err != nil {
		return Transaction{}, err
	}
	return c.running.Load().Transaction(ctx, hash, height, latest)
}

// Broadcast is Engine.Broadcast.
func (c *Chain) Broadcast(ctx context.Context, raw []byte, wait bool) (Receipt, error) {
	if err := c.standing(); err != nil {
		return Receipt{}, err
	}
	return c.running.Load().Broadcast(ctx, raw, wait)
}

// standing returns why the chain has halted; nil while it has not.
func (c *Chain) standing() error {
	if halted := c.halted.Load(); halted != nil {
		return *halted
	}
	return nil
}
