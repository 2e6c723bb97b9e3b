package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pocket-fisherman/fisherman/consensus"
	"github.com/pocket-fisherman/fisherman/inbound"
	"github.com/pocket-fisherman/fisherman/persistence"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/telemetry"
	"github.com/pocket-fisherman/fisherman/upstream"
	"github.com/pocket-fisherman/fisherman/utility"
	"github.com/pocket-fisherman/fisherman/web"
)

// ErrForeignHome: the home holds the chain of another genesis.
var ErrForeignHome = consensus.ErrForeignHome

// ID is how peers name the node with a node key.
func ID(key crypto.PrivateKey) string { return consensus.NodeID(key) }

// Node takes part in the chain, as a validator or following it, for itself and for the servicers and the fisherman that
// run beside it.
type Node struct {
	config    Config
	budget    budget
	state     *persistence.StateStore
	chain     *consensus.Chain
	utility   *utility.Module
	servicers []*servicer.Servicer
	relays    *local.RelayStore
	sampling
	fishing *fishing
	// controls watch the control probes that the fisherman does not ask by itself.
	controls []*upstream.Watch
	api      *rpc.Server
	close    sync.Once
	closed   error
}

// New opens the node's stores and fits its parts together. Nothing runs until Run. When it fails it leaves nothing
// open but the listeners, which stay the caller's. Errors: ErrForeignHome among others.
func New(config Config) (_ *Node, err error) {
	config.Logger = cmp.Or(config.Logger, slog.New(slog.DiscardHandler))
	budget, err := budgetWith(descriptorLimit(), rolesOf(config))
	if err != nil {
		return nil, err
	}
	n := &Node{config: config, budget: budget}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	if err := os.MkdirAll(config.Home, 0o700); err != nil {
		return nil, fmt.Errorf("make home: %w", err)
	}
	if err := persistence.ForgetUnfinished(config.Home); err != nil {
		return nil, err
	}
	if err := n.buildChain(); err != nil {
		return nil, err
	}
	n.metrics = telemetry.New(n.sources(), n.config.Logger.With("part", "telemetry"))
	if err := n.buildServicers(); err != nil {
		return nil, err
	}
	if err := n.buildFisherman(); err != nil {
		return nil, err
	}
	if err := n.buildAPI(); err != nil {
		return nil, err
	}
	return n, nil
}

func (n *Node) buildChain() error {
	var err error
	if n.state, err = persistence.OpenTables(filepath.Join(n.config.Home, "state"), n.budget.tables); err != nil {
		return fmt.Errorf("open state: %w", err)
	}
	n.utility = utility.NewModule(versions{n.state})
	history, err := n.history()
	if err != nil {
		return err
	}
	chain, err := consensus.NewChain(consensus.Config{
		Home:         filepath.Join(n.config.Home, "chain"),
		Genesis:      n.config.Genesis,
		ValidatorKey: n.config.ValidatorKey,
		NodeKey:      n.config.NodeKey,
		Listen:       n.config.P2PListen,
		Peers:        n.config.Peers,
		Inbound:      n.budget.peers,
		Tables:       n.budget.tables,
		BlockTime:    n.config.BlockTime,
		History:      history,
		Logger:       n.config.Logger.With("part", "consensus"),
	}, n.state)
	if err != nil {
		return fmt.Errorf("make consensus: %w", err)
	}
	n.chain = chain
	return nil
}

// buildServicers makes the servicers, which share one store of volume-applicable relays.
func (n *Node) buildServicers() error {
	if len(n.config.Servicers) == 0 {
		return nil
	}
	options := local.DefaultOptions()
	options.Logger = n.config.Logger.With("part", "servicer")
	var err error
	if n.relays, err = local.OpenRelays(filepath.Join(n.config.Home, "relays"), options); err != nil {
		return fmt.Errorf("open relay store: %w", err)
	}
	for _, role := range n.config.Servicers {
		config := servicer.DefaultConfig()
		config.Key = role.Key
		config.Upstreams = role.Upstreams
		config.Volume = n.relays
		config.MaxConcurrent = n.budget.concurrent
		config.MaxConnections, config.MaxClientConnections, config.MaxDescriptors = n.budget.servicer.Most, n.budget.servicer.PerClient, n.budget.servicer.Descriptors
		config.Logger = n.config.Logger.With("part", "servicer", "address", role.Key.Address(), "servicer", role.Key.Address())
		config.Hooks.Relay = n.metrics.Relays(role.Key.Address())
		built, err := servicer.New(config, n.utility, relayPolicies{utility: n.utility})
		if err != nil {
			return fmt.Errorf("make servicer %s: %w", role.Key.Address(), err)
		}
		n.servicers = append(n.servicers, built)
	}
	return nil
}

func (n *Node) buildAPI() error {
	pages, err := web.Pages()
	if err != nil {
		return err
	}
	address := ""
	if role := n.config.Fisherman; role != nil {
		address = role.Key.Address()
	}
	readers := n.sampling.readers(address)
	readers.Chain = chainReader{Module: n.utility, chainID: n.config.Genesis.GetChainId()}
	readers.Blocks = blockReader{n.chain}
	readers.Params, readers.NextParams = n.params, n.nextParams
	readers.Accounts, readers.Addresses = n.utility, n.utility
	readers.Check = n.check
	readers.Broadcast = n.broadcast
	if n.relays != nil {
		readers.Relays = relayReader{servicers: n.servicers, store: n.relays}
	}
	n.api = rpc.New(rpc.Config{Logger: n.config.Logger.With("part", "rpc"), Connections: n.budget.api, Metrics: n.metrics.Handler(),
		Public: n.config.PublicRPC, Pages: pages}, readers)
	return nil
}

// Head is the newest committed block; false before the first.
func (n *Node) Head() (types.Head, bool) { return n.chain.Heads().Latest() }

// Run runs all parts until the context ends or one of them fails, then stops them all and closes what the node holds,
// listeners included. It returns nil when the context ended it.
func (n *Node) Run(ctx context.Context) error {
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return n.chain.Run(ctx) })
	parts.Go(func() error {
		return serveChainRPC(ctx, n.config.ChainRPC, rpc.Guard(n.chain, n.config.PublicChainRPC), n.budget.chainRPC, n.config.Logger)
	})
	parts.Go(func() error { return n.api.Serve(ctx, n.config.RPC) })
	if n.config.Pprof != nil {
		parts.Go(func() error {
			return serveProfiles(ctx, n.config.Pprof, n.config.PublicPprof, n.budget.profiles, n.config.Logger)
		})
	}
	for i, servicer := range n.servicers {
		parts.Go(func() error { return servicer.Serve(ctx, n.config.Servicers[i].Relays) })
	}
	if n.alerter != nil {
		parts.Go(func() error { n.alerter.Run(ctx); return nil })
	}
	if n.feed != nil {
		parts.Go(func() error { n.feed.Run(ctx); return nil })
	}
	if n.reader != nil {
		parts.Go(func() error { n.reader.KeepReady(ctx); return nil })
	}
	for _, each := range n.fishermen {
		parts.Go(func() error { return each.Run(ctx) })
		parts.Go(func() error { n.fishing.Run(ctx); return nil })
	}
	for _, watch := range n.controls {
		parts.Go(func() error { watch.Run(ctx); return nil })
	}
	return errors.Join(parts.Wait(), n.Close())
}

// Close releases a node that is not run; its listeners stay the caller's. After Run it does nothing.
func (n *Node) Close() error {
	n.close.Do(func() { n.closed = n.closeStores() })
	return n.closed
}

func (n *Node) closeStores() error {
	var errs []error
	n.closeFeed()
	if n.chain != nil {
		errs = append(errs, n.chain.Close())
	}
	if n.relays != nil {
		errs = append(errs, n.relays.Close())
	}
	if n.samples != nil {
		errs = append(errs, n.samples.Close())
	}
	if n.state != nil {
		errs = append(errs, n.state.Close())
	}
	return errors.Join(errs...)
}

// serveChainRPC serves a handler on a listener until the context ends, then closes it within two seconds.
func serveChainRPC(ctx context.Context, listener net.Listener, handler http.Handler, bounds inbound.Bounds, logger *slog.Logger) error {
	bounded := inbound.Listen(listener, bounds)
	server := &http.Server{
		Handler:           handler,
		ConnState:         bounded.Track,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(grace) != nil {
			server.Close()
		}
	})
	err := server.Serve(bounded)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve chain RPC: %w", err)
}
