package node

import (
	"crypto/sha256"
	"fmt"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/network/pocket"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// NativeChain is the relay chain that is served by CometBFT nodes: this network's own.
const NativeChain = types.NativeRelayChain

func (n *Node) buildFisherman() error {
	role := n.config.Fisherman
	if role == nil {
		return nil
	}
	catalogues, err := catalogues(role.RelayChains)
	if err != nil {
		return err
	}
	logger := n.config.Logger.With("part", "fisherman")
	if err := n.openSamples(n.config.Home, role.Config.Kept(), role.Config.Feed != nil, proverOf(role.Key), logger); err != nil {
		return err
	}
	chains := make(map[string]fisherman.Chain, len(catalogues))
	for name, catalogue := range catalogues {
		chains[name] = fisherman.Chain{Catalogue: catalogue, IgnoredFields: role.Config.IgnoredFields[name]}
	}
	for name, target := range role.Config.ControlProbes {
		chain := chains[name]
		address, header, err := target.Request()
		if err != nil {
			return fmt.Errorf("control probe of relay chain %s %w", name, err)
		}
		chain.Probe = pocket.Control(address, header)
		chains[name] = chain
		if watch := watchControl(name, chain, logger); watch != nil {
			n.controls = append(n.controls, watch)
		}
	}
	chainID := n.config.Genesis.GetChainId()
	if err := n.buildFeed(role.Config.Feed, n.config.Home, role.Key, func(string) string { return chainID }, n.config.Logger); err != nil {
		return err
	}
	n.fishing = newFishing(n.utility, role.Key.Address())
	dialer := &wire.Dialer{AllowPrivate: role.Config.AllowPrivate}
	if len(n.config.Alerts.Receivers) > 0 {
		if err := n.buildAlerts(n.config.Alerts, n.config.Home, n.ready, n.config.Logger); err != nil {
			return err
		}
	}
	return n.add(fisherman.Config{
		Secret:        secretOf(role),
		Chains:        chains,
		BlockInterval: n.config.BlockTime,
		MostRequests:  n.budget.requests,
		Logger:        logger,
		Hooks:         n.hooks(),
	}, pocket.New(n.chain.Heads(), n.fishing, role.Key), dialer.Dial, keptSamples{n.samples, n.kept.Sessions})
}

// secretOf derives the seed of schedules and questions from the fisherman's key.
func secretOf(role *FishermanRole) [32]byte {
	return sha256.Sum256(append([]byte("pocket/fisherman-secret/v1\x00"), role.Key.Bytes()...))
}
