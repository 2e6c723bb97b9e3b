package node

import (
	"context"
	"sync"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/utility"
)

// fishing is the state as a fisherman reads it: with its own sessions, kept from block to block. Sessions that are about to
// begin are found while nobody waits for them yet, by Run.
type fishing struct {
	*utility.Module
	address string
	// asked holds the newest height that the own sessions were asked for, until Run has seen it.
	asked chan int64

	mu    sync.Mutex
	catch *utility.Fishing
}

func newFishing(module *utility.Module, address string) *fishing {
	return &fishing{Module: module, address: address, asked: make(chan int64, 1), catch: utility.NewFishing(module, address)}
}

// FishermanSessions returns the sessions of a fisherman at a height; those of the node's own are found quickly.
func (f *fishing) FishermanSessions(ctx context.Context, height int64, fisherman string) ([]*types.Session, error) {
	if fisherman != f.address {
		return f.Module.FishermanSessions(ctx, height, fisherman)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	sessions, err := f.catch.Sessions(ctx, height)
	if err == nil {
		select {
		case <-f.asked:
		default:
		}
		f.asked <- height
	}
	return sessions, err
}

// Run prepares for the block after each that was asked for, until the context ends.
func (f *fishing) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case height := <-f.asked:
			f.prepare(ctx, height)
		}
	}
}

func (f *fishing) prepare(ctx context.Context, height int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	// If it fails, so will the next request for sessions, and say so.
	_ = f.catch.Prepare(ctx, height)
}
