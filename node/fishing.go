package node

import (
	"context"
	"sync"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/utility"
)

// fishing is the state as a fisherman reads it: with its own sessions, kept from block to block.
type fishing struct {
	*utility.Module
	address string

	mu    sync.Mutex
	catch *utility.Fishing
}

func newFishing(module *utility.Module, address string) *fishing {
	return &fishing{Module: module, address: address, catch: utility.NewFishing(module, address)}
}

// FishermanSessions returns the sessions of a fisherman at a height; those of the node's own are found quickly.
func (f *fishing) FishermanSessions(ctx context.Context, height int64, fisherman string) ([]*types.Session, error) {
	if fisherman != f.address {
		return f.Module.FishermanSessions(ctx, height, fisherman)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.catch.Sessions(ctx, height)
}
