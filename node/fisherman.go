package node

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/network/pocket"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/samples"
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
	options := local.DefaultOptions()
	options.Logger = logger
	if n.samples, err = local.OpenSamples(filepath.Join(n.config.Home, "samples"), options); err != nil {
		return fmt.Errorf("open sample store: %w", err)
	}
	n.reader, n.stream = samples.NewReader(n.samples, proverOf(role.Key)), samples.NewStream(n.samples, logger)
	probes := make(map[string]fisherman.Probe, len(role.Config.ControlProbes))
	for chain, target := range role.Config.ControlProbes {
		probes[chain] = pocket.Control(target)
	}
	n.fishing = newFishing(n.utility, role.Key.Address())
	dialer := &wire.Dialer{AllowPrivate: role.Config.AllowPrivate}
	n.fisherman, err = fisherman.New(fisherman.Config{
		Secret:        secretOf(role),
		Catalogues:    catalogues,
		Probes:        probes,
		IgnoredFields: role.Config.IgnoredFields,
		BlockInterval: n.config.BlockTime,
		MostRequests:  n.budget.requests,
		Logger:        logger,
		Hooks:         fisherman.Hooks{Round: n.observeRound, Session: n.stream.Session},
	}, pocket.New(n.chain.Heads(), n.fishing, role.Key), dialer.Dial, n.samples)
	if err != nil {
		return fmt.Errorf("make fisherman: %w", err)
	}
	return nil
}

// secretOf derives the seed of schedules and questions from the fisherman's key.
func secretOf(role *FishermanRole) [32]byte {
	return sha256.Sum256(append([]byte("pocket/fisherman-secret/v1\x00"), role.Key.Bytes()...))
}
