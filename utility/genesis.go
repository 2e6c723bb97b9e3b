package utility

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// InitGenesis writes the first state into an empty store. The genesis is validated first; an invalid one changes
// nothing. The order of its actors and accounts does not matter.
func InitGenesis(store Store, g *genesis.Genesis) error {
	if err := g.Validate(); err != nil {
		return fmt.Errorf("init genesis: %w", err)
	}
	switch present, err := store.Get([]byte(chainIDKey)); {
	case err != nil:
		return fmt.Errorf("init genesis: %w", err)
	case present != nil:
		return fmt.Errorf("init genesis: the state already belongs to chain %q", present)
	}
	if err := store.Set([]byte(chainIDKey), []byte(g.GetChainId())); err != nil {
		return fmt.Errorf("init genesis: store chain id: %w", err)
	}
	if err := setMessage(store, []byte(paramsKey), g.GetParams()); err != nil {
		return fmt.Errorf("init genesis: store parameters: %w", err)
	}
	if err := setActors(store, g.GetActors()); err != nil {
		return fmt.Errorf("init genesis: store actors: %w", err)
	}
	accounts := slices.Clone(g.GetAccounts())
	slices.SortFunc(accounts, func(a, b *types.Account) int { return strings.Compare(a.GetAddress(), b.GetAddress()) })
	for _, account := range accounts {
		if err := setAccount(store, account); err != nil {
			return fmt.Errorf("init genesis: %w", err)
		}
	}
	return nil
}

// setActors stores the actors by key, because the hash of the state depends on the order in which keys were added.
func setActors(store Store, actors []*types.Actor) error {
	type entry struct {
		key   []byte
		actor *types.Actor
	}
	entries := make([]entry, len(actors))
	for i, actor := range actors {
		key, err := actorKey(actor.GetType(), actor.GetAddress())
		if err != nil {
			return err
		}
		entries[i] = entry{key, actor}
	}
	slices.SortFunc(entries, func(a, b entry) int { return bytes.Compare(a.key, b.key) })
	for _, e := range entries {
		if err := setMessage(store, e.key, e.actor); err != nil {
			return err
		}
	}
	return nil
}
