package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/node"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

const (
	// nodeDataName is the directory within a home that belongs to the node alone.
	nodeDataName = "data"
)

func newStart(io command.Streams) *cobra.Command {
	var home, passphraseFile string
	var given settings
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Run a node with its roles until Ctrl-C",
		Long: `Runs the node that a home's configuration describes (see 'pocket node config'). The keys of all its roles are opened
with the same passphrase, unless a prompt asks for each. Without the role of a validator the node follows the chain of
its peers; a validator that is staked later votes from then on.`,
		Example: "  pocket node start --home node --passphrase-file passphrase.txt",
		Args:    command.Needs("home"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := nodeConfig(cmd, home, given)
			if err != nil {
				return err
			}
			opened, err := config.Open(home, os.LookupEnv)
			if err != nil {
				return fmt.Errorf("%s: %w", filepath.Join(home, nodeConfigName), err)
			}
			return startNode(cmd.Context(), io, home, opened, passphraseFile)
		},
	}
	addHome(cmd, &home)
	command.AddPassphrase(cmd.Flags(), &passphraseFile)
	given = addSettings(cmd, overrideUsage)
	return cmd
}

// startNode runs a node. What can be wrong is found in the order of what it costs: files, then passphrases, then sockets.
func startNode(ctx context.Context, io command.Streams, home string, config configs.Node, passphraseFile string) error {
	alerts, err := readAlerts(io, config)
	if err != nil {
		return err
	}
	first, err := readGenesis(config)
	if err != nil {
		return err
	}
	unlock, err := command.Lock(home, "node", "--home")
	if err != nil {
		return err
	}
	defer unlock()
	keys, err := openRoles(ctx, io, config, passphraseFile)
	if err != nil {
		return err
	}
	logger := command.NewLogger(io.Err, config.LogFormat, config.LogLevel)
	assembled, listeners, err := assembleNode(ctx, filepath.Join(home, nodeDataName), config, first, keys, logger)
	if err != nil {
		return err
	}
	defer closeAll(listeners)
	if assembled.NodeKey, err = nodeKey(home); err != nil {
		return err
	}
	assembled.Alerts = alerts
	built, err := node.New(assembled)
	if errors.Is(err, node.ErrForeignHome) {
		return command.Fail(command.ExitHome, "%w; choose another --home, or the genesis that the chain began with", err)
	}
	if errors.Is(err, node.ErrFewHeights) {
		return command.Fail(command.ExitUsage, "%w", err)
	}
	if err != nil {
		return fmt.Errorf("make node: %w", err)
	}
	if err := command.WriteText(io.Err, nodeWelcome(assembled, config)); err != nil {
		return errors.Join(err, built.Close())
	}
	running, stop := context.WithCancel(ctx)
	var telling sync.WaitGroup
	if _, shown := terminal.File(io.Err); shown {
		telling.Go(func() { tellCatchingUp(running, io.Err, built.Head) })
	}
	defer telling.Wait()
	defer stop()
	if err := built.Run(ctx); err != nil {
		return fmt.Errorf("run node: %w", err)
	}
	return nil
}

// readGenesis reads the genesis. A node that is none of its validators gets blocks from peers only.
func readGenesis(config configs.Node) (*genesis.Genesis, error) {
	data, err := command.ReadFile(config.Genesis, genesis.MaximumSize)
	if err != nil {
		return nil, command.Fail(command.ExitGenesis, "genesis cannot be read: %w", err)
	}
	parsed, err := genesis.Parse(data)
	if err != nil {
		return nil, command.Fail(command.ExitGenesis, "%s: %w", config.Genesis, err)
	}
	isOurs := func(actor *types.Actor) bool {
		return actor.GetType() == types.ActorType_ACTOR_TYPE_VALIDATOR && config.Validator != nil && actor.GetAddress() == config.Validator.Key
	}
	if len(config.Chain.Peers) == 0 && !slices.ContainsFunc(parsed.GetActors(), isOurs) {
		return nil, command.Fail(command.ExitGenesis, "this node is no validator of %s and has no peers, so it would never see a block; name one with --chain-peers",
			config.Genesis)
	}
	return parsed, nil
}

// openRoles opens the keys of all roles.
func openRoles(ctx context.Context, io command.Streams, config configs.Node, passphraseFile string) (map[string]crypto.PrivateKey, error) {
	store := keystore.New(config.Keys, io.Keys)
	if err := checkKeys(store, config.Addresses()); err != nil {
		return nil, err
	}
	keys := make(map[string]crypto.PrivateKey)
	for _, address := range config.Addresses() {
		key, err := command.OpenKey(ctx, io, store, address, passphraseFile)
		if err != nil {
			return nil, err
		}
		keys[address] = key
	}
	return keys, nil
}

// assembleNode makes the directory and opens the sockets of a node. If one cannot be opened, those opened so far are
// closed.
func assembleNode(ctx context.Context, data string, config configs.Node, first *genesis.Genesis, keys map[string]crypto.PrivateKey,
	logger *slog.Logger) (_ node.Config, listeners []net.Listener, err error) {
	defer func() {
		if err != nil {
			closeAll(listeners)
		}
	}()
	listen := func(setting, address string) net.Listener {
		if err != nil {
			return nil
		}
		var listener net.Listener
		if listener, err = command.Listen(ctx, setting, address, whereSet(setting)); err == nil {
			listeners = append(listeners, listener)
		}
		return listener
	}
	assembled := node.Config{
		Home:             data,
		Genesis:          first,
		BlockTime:        time.Duration(config.Chain.BlockTime),
		KeepHeights:      keptHeights(config.Chain, first),
		SnapshotInterval: config.Chain.SnapshotInterval,

		ChainRPC:  listen("chain.rpc_listen", config.Chain.RPCListen),
		RPC:       listen("api.listen", config.API.Listen),
		PublicRPC: config.API.Public,

		PublicChainRPC: config.Chain.RPCPublic,
		PublicPprof:    config.Pprof.AllowRemote,

		P2PListen: config.Chain.P2PListen,
		Peers:     config.Chain.Peers,
		Logger:    logger,
	}
	if err == nil {
		assembled.StateSync, err = stateSync(config.Chain.StateSync)
	}
	// A name that counts as loopback may resolve to something else.
	own := func(listener net.Listener, address, setting, exemption string, exempt bool) {
		if err == nil && !exempt && !command.OnLoopback(listener) {
			err = command.Fail(command.ExitUsage, "%s is %s, which is not this machine alone; give %s another address, or set %s",
				address, listener.Addr(), setting, exemption)
		}
	}
	own(assembled.ChainRPC, config.Chain.RPCListen, "chain.rpc_listen", "chain.rpc_public", config.Chain.RPCPublic)
	if config.Pprof.Listen != "" {
		assembled.Pprof = listen("pprof.listen", config.Pprof.Listen)
		own(assembled.Pprof, config.Pprof.Listen, "pprof.listen", "pprof.allow_remote", config.Pprof.AllowRemote)
	}
	if role := config.Validator; role != nil {
		assembled.ValidatorKey = keys[role.Key]
	}
	// CometBFT opens this one itself, later, and would say less.
	if peers := listen("chain.p2p_listen", config.Chain.P2PListen); peers != nil {
		_ = peers.Close()
	}
	for i, role := range config.Servicers {
		made := node.ServicerRole{Key: keys[role.Key], Relays: listen(fmt.Sprintf("servicers[%d].listen", i), role.Listen)}
		if err == nil {
			made.Upstreams, err = node.Upstreams(role.Upstreams, config.RelayChains)
		}
		assembled.Servicers = append(assembled.Servicers, made)
	}
	if role := config.Fisherman; role != nil {
		assembled.Fisherman = &node.FishermanRole{Key: keys[role.Key], Config: *role, RelayChains: config.RelayChains}
	}
	if err == nil {
		if err = os.MkdirAll(data, 0o700); err != nil {
			err = command.Fail(command.ExitHome, "home directory cannot be used: %w", err)
		}
	}
	return assembled, listeners, err
}

// whereSet says how a setting is given another value: by its flag, or in the file.
func whereSet(name string) string {
	file := name + " in " + nodeConfigName
	for _, setting := range configs.Settings() {
		if setting.Name == name {
			return "--" + setting.Flag() + " or " + file
		}
	}
	return file
}

// keptHeights returns the number of heights that a node keeps; 0 for all. A week of slow blocks may be fewer than it needs.
func keptHeights(chain configs.Chain, first *genesis.Genesis) int64 {
	kept := chain.KeepHeights.Heights(time.Duration(chain.BlockTime))
	if chain.KeepHeights == configs.KeepWeek {
		kept = max(kept, node.LeastKept(first))
	}
	return kept
}

// stateSync returns how an empty home begins; nil for with the genesis.
func stateSync(config *configs.StateSync) (*node.StateSync, error) {
	if config == nil {
		return nil, nil
	}
	hash, err := hex.DecodeString(config.TrustHash)
	if err != nil {
		return nil, command.Fail(command.ExitUsage, "chain.state_sync.trust_hash: %w", err)
	}
	return &node.StateSync{Servers: config.RPCServers, Height: config.TrustHeight, Hash: hash, Period: time.Duration(config.TrustPeriod)}, nil
}

// closeAll closes listeners; those that a node closed before stay closed.
func closeAll(listeners []net.Listener) {
	for _, listener := range listeners {
		_ = listener.Close()
	}
}

// nodeWelcome says where the node is and what it does.
func nodeWelcome(assembled node.Config, config configs.Node) string {
	text := fmt.Sprintf("node of %s\n  node API   http://%s\n  chain RPC  http://%s\n  node id    %s at %s\n", terminal.Clean(assembled.Genesis.GetChainId()),
		assembled.RPC.Addr(), assembled.ChainRPC.Addr(), node.ID(assembled.NodeKey), config.Chain.P2PListen)
	if assembled.Pprof != nil {
		text += fmt.Sprintf("  profiles   http://%s/debug/pprof/\n", assembled.Pprof.Addr())
	}
	if config.Validator != nil {
		text += fmt.Sprintf("  validator  %s\n", config.Validator.Key)
	}
	for i, role := range assembled.Servicers {
		text += fmt.Sprintf("  servicer   %s at %s\n", config.Servicers[i].Key, role.Relays.Addr())
	}
	if config.Fisherman != nil {
		text += fmt.Sprintf("  fisherman  %s\n", config.Fisherman.Key)
	}
	return text + "Stop it with Ctrl-C.\n"
}

// catchingUpEvery is the pause between two lines on how far a node is.
const catchingUpEvery = 5 * time.Second

// tellCatchingUp writes how far a node is that is not level with its chain yet, and at last that it is level, until then
// or until the context ends. A node that is level soon is not told of.
func tellCatchingUp(ctx context.Context, out io.Writer, latest func() (types.Head, bool)) {
	ticks := time.NewTicker(catchingUpEvery)
	defer ticks.Stop()
	var before types.Head
	for told := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		head, begun := latest()
		switch {
		case begun && !head.CatchingUp:
			if told {
				_, _ = fmt.Fprintf(out, "level with the chain at height %d\n", head.Height)
			}
			return
		case begun:
			rate := float64(head.Height-before.Height) / catchingUpEvery.Seconds()
			line := fmt.Sprintf("catching up: height %d, a block of %s", head.Height, head.Time.UTC().Format(time.RFC3339))
			if told {
				line += fmt.Sprintf(", %.0f blocks a second", rate)
			}
			_, _ = fmt.Fprintln(out, line)
			before, told = head, true
		}
	}
}
