package localnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pocket-fisherman/fisherman/node"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// LocalNet is a whole network, in this process or in processes that end with it. From New on it holds its home's lock
// and all its sockets.
type LocalNet struct {
	options   Options
	addresses addresses
	home      *home
	endpoints *endpoints
	// node runs the network without its faults; if the actors run in processes, it is nil and processes runs them.
	node      *node.Node
	processes *actorProcesses
	// geth serves the Ethereum chain; nil without that chain.
	geth    *geth
	proxies []proxy
	logger  *slog.Logger
	close   sync.Once
	closed  error
}

// proxy is a part that runs with the node until its context ends.
type proxy interface {
	Serve(ctx context.Context) error
}

// New returns a LocalNet: it claims the home, opens every socket, and builds the node and the faults. Nothing runs yet.
// Call Run or Close next. If it fails, everything is as before; errors are ErrBadOption, ErrRecordedOption,
// ErrForeignHome, ErrHomeInUse, ErrHomeUnusable, ErrAddressInUse, ErrNoGeth, and those of an invalid genesis.json.
func New(ctx context.Context, options Options) (_ *LocalNet, err error) {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	h, err := findHome(options.Home)
	if err != nil {
		return nil, err
	}
	settled, err := h.settle(options)
	if err != nil {
		return nil, err
	}
	if settled.Ethereum {
		if options.Geth, err = findGeth(options.Geth); err != nil {
			return nil, err
		}
	}
	if err := h.claim(); err != nil {
		return nil, err
	}
	l := &LocalNet{home: h, logger: options.Logger}
	defer func() {
		if err != nil {
			l.abandon()
		}
	}()
	// Repeated under the lock: another instance may have claimed the home meanwhile.
	if l.options, err = h.settle(options); err != nil {
		return nil, err
	}
	if err = l.open(ctx); err != nil {
		return nil, err
	}
	if err = l.assemble(); err != nil {
		return nil, err
	}
	return l, nil
}

// open opens the sockets, and records their addresses in a new home.
func (l *LocalNet) open(ctx context.Context) error {
	wanted := freeAddresses(l.options)
	if l.home.marker != nil {
		wanted = l.home.marker.Addresses
	}
	var err error
	if l.endpoints, l.addresses, err = openEndpoints(ctx, wanted); err != nil {
		return err
	}
	if l.home.marker != nil {
		return nil
	}
	return l.home.fill(newMarker(l.options, l.addresses, time.Now().UTC()))
}

// assemble builds the node and the proxies around it.
func (l *LocalNet) assemble() error {
	first, err := l.home.genesis(newGenesis(l.options, 1, l.addresses.serviceURLs(), l.home.marker.GenesisTime))
	if err != nil {
		return err
	}
	servicers, err := l.servicerRoles()
	if err != nil {
		return err
	}
	if l.options.Ethereum {
		l.geth = &geth{program: l.options.Geth, home: filepath.Join(l.home.path, gethName),
			listener: l.endpoints.ethereum, address: l.addresses.Ethereum, logger: l.logger}
		l.proxies = append(l.proxies, &traffic{url: l.EthereumURL(), logger: l.logger})
	}
	if l.options.Processes != nil {
		return l.assembleProcesses(servicers)
	}
	home, err := l.home.nodeHome()
	if err != nil {
		return err
	}
	l.node, err = node.New(l.nodeConfig(home, first, servicers))
	if errors.Is(err, node.ErrForeignHome) {
		return fmt.Errorf("%w: genesis.json is not the one that the chain began with", ErrForeignHome)
	}
	if err != nil {
		return fmt.Errorf("make node: %w", err)
	}
	return nil
}

func (l *LocalNet) nodeConfig(home string, first *genesis.Genesis, servicers []node.ServicerRole) node.Config {
	return node.Config{
		Home:         home,
		Genesis:      first,
		ValidatorKey: Key(l.options.Seed, types.ActorType_ACTOR_TYPE_VALIDATOR, 0),
		BlockTime:    l.options.BlockTime,
		KeepHeights:  max(configs.KeepWeek.Heights(l.options.BlockTime), node.LeastKept(first)),
		ChainRPC:     l.endpoints.chainRPC,
		RPC:          l.endpoints.rpc,
		Servicers:    servicers,
		Fisherman: &node.FishermanRole{
			Key:         Key(l.options.Seed, types.ActorType_ACTOR_TYPE_FISHERMAN, 0),
			Config:      configs.Fisherman{ControlProbes: configs.URLs(l.nodes()), AllowPrivate: true, Feed: l.options.Feed},
			RelayChains: l.options.asked(),
		},
		Logger: l.logger,
	}
}

// nodes returns the honest nodes: relay chain → URL.
func (l *LocalNet) nodes() map[string]string {
	nodes := map[string]string{RelayChain: l.ChainRPCURL()}
	if l.options.Ethereum {
		nodes[EthereumChain] = l.EthereumURL()
	}
	return nodes
}

// servicerRoles returns the servicers that run in the node, each with its fault. A servicer that is down does not run
// at all.
func (l *LocalNet) servicerRoles() ([]node.ServicerRole, error) {
	var roles []node.ServicerRole
	for i, at := range l.addresses.Servicers {
		sockets := l.endpoints.servicers[i]
		relays, upstreams := sockets.service, l.nodes()
		switch at.Fault {
		case FaultDown:
			continue
		case FaultSlow:
			relays = sockets.delayed
			l.proxies = append(l.proxies, &delayProxy{
				listener: sockets.service, target: at.Delayed, delay: l.options.Delay, logger: l.logger})
		case FaultLying, FaultBehind:
			var err error
			if upstreams, err = l.faultyNodes(i); err != nil {
				return nil, err
			}
		}
		targets, err := node.Upstreams(configs.URLs(upstreams), l.options.asked())
		if err != nil {
			return nil, err
		}
		roles = append(roles, node.ServicerRole{Key: servicerKey(l.options.Seed, i), Relays: relays, Upstreams: targets})
	}
	return roles, nil
}

// faultyNodes puts a proxy in front of every honest node, for the servicer with the given index.
func (l *LocalNet) faultyNodes(index int) (map[string]string, error) {
	at, sockets, faulty := l.addresses.Servicers[index], l.endpoints.servicers[index], make(map[string]string)
	for chain, honest := range l.nodes() {
		target, err := url.Parse(honest)
		if err != nil {
			return nil, fmt.Errorf("read URL of relay chain %s: %w", chain, err)
		}
		listener, address := sockets.upstream, at.Upstream
		if chain == EthereumChain {
			listener, address = sockets.ethereumUpstream, at.EthereumUpstream
		}
		if at.Fault == FaultBehind {
			l.proxies = append(l.proxies, newBehindProxy(listener, target, chainViewOf(chain), l.logger))
		} else {
			l.proxies = append(l.proxies, newLyingProxy(listener, target, index, l.logger))
		}
		faulty[chain] = httpURL(address)
	}
	return faulty, nil
}

// Run runs the network until ctx ends (nil) or a part of it fails, and then stops every part, closes every socket and
// releases the home; a temporary one is removed. It may be called once.
func (l *LocalNet) Run(ctx context.Context) error {
	parts, partsCtx := errgroup.WithContext(ctx)
	if l.geth != nil {
		parts.Go(func() error { return toTheEnd(partsCtx, "geth", l.geth.Serve) })
		// The network starts when geth has blocks to ask about.
		if err := l.geth.await(partsCtx); err != nil {
			parts.Go(func() error { return unlessEnded(partsCtx, fmt.Errorf("start geth: %w", err)) })
			return cmp.Or(parts.Wait(), l.Close())
		}
	}
	parts.Go(func() error { return toTheEnd(partsCtx, "node", l.actors().Run) })
	for _, p := range l.proxies {
		parts.Go(func() error { return toTheEnd(partsCtx, "proxy", p.Serve) })
	}
	err := parts.Wait()
	// The node closed itself.
	return cmp.Or(err, l.giveUp(func() error { return nil }))
}

// unlessEnded returns the error, or nil when the context ended.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// toTheEnd runs a part. If the part returns before its context ends, that is an error in any case.
func toTheEnd(ctx context.Context, name string, run func(context.Context) error) error {
	err := run(ctx)
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return nil
	case err != nil:
		return fmt.Errorf("run %s: %w", name, err)
	case ctx.Err() == nil:
		return fmt.Errorf("run %s: it ended by itself", name)
	default:
		return nil
	}
}

// Close releases a LocalNet that does not run: its node, its sockets and its home. After Run it does nothing.
func (l *LocalNet) Close() error { return l.giveUp(l.actors().Close) }

// actors returns the part that runs the actors.
func (l *LocalNet) actors() interface {
	Run(ctx context.Context) error
	Close() error
} {
	if l.processes != nil {
		return l.processes
	}
	return l.node
}

func (l *LocalNet) giveUp(closeNode func() error) error {
	l.close.Do(func() {
		err := closeNode()
		l.endpoints.Close()
		l.closed = cmp.Or(err, l.home.keep())
	})
	return l.closed
}

// abandon restores the state before a New that failed.
func (l *LocalNet) abandon() {
	if l.endpoints != nil {
		l.endpoints.Close()
	}
	l.home.undo()
}

// RPCURL returns the base URL of the node's HTTP API.
func (l *LocalNet) RPCURL() string { return httpURL(l.addresses.RPC) }

// ChainRPCURL returns the URL of the chain's own CometBFT JSON-RPC: an honest node of relay chain 0001.
func (l *LocalNet) ChainRPCURL() string { return httpURL(l.addresses.ChainRPC) }

// EthereumURL returns the URL of geth's JSON-RPC, an honest node of relay chain 0021; empty without one.
func (l *LocalNet) EthereumURL() string {
	if l.addresses.Ethereum == "" {
		return ""
	}
	return httpURL(l.addresses.Ethereum)
}

// Home returns the absolute path of the home directory.
func (l *LocalNet) Home() string { return l.home.path }

// ChainID returns the id of the chain.
func (l *LocalNet) ChainID() string { return ChainID(l.options.Seed) }

// Options returns the effective options: fitted, or those of the home.
func (l *LocalNet) Options() Options { return l.options }

// Application returns the address of the application.
func (l *LocalNet) Application() string {
	return Key(l.options.Seed, types.ActorType_ACTOR_TYPE_APPLICATION, 0).Address()
}

// FishermanAddress returns the address of the fisherman.
func (l *LocalNet) FishermanAddress() string {
	return Key(l.options.Seed, types.ActorType_ACTOR_TYPE_FISHERMAN, 0).Address()
}

// Servicers returns the servicers by index: honest, behind, slow, down, lying.
func (l *LocalNet) Servicers() []Servicer {
	servicers := make([]Servicer, len(l.addresses.Servicers))
	for i, at := range l.addresses.Servicers {
		servicers[i] = Servicer{Address: at.Address, ServiceURL: httpURL(at.Service), Fault: at.Fault}
	}
	return servicers
}
