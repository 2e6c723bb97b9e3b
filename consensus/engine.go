package consensus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	cmtcfg "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/proxy"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/pocket-fisherman/fisherman/shared/heads"
	"github.com/pocket-fisherman/fisherman/shared/pause"
)

// drainPatience bounds how long shutdown waits for JSON-RPC requests that are being answered.
const drainPatience = 500 * time.Millisecond

// Stages of an engine, in order.
const (
	stageBuilt int32 = iota
	stageRunning
	stageEnded
)

// Engine is one CometBFT node with our state machine. It runs once.
type Engine struct {
	heads  *heads.Publisher
	node   *node.Node
	app    *application
	logger log.Logger
	signs  *engineSigns
	gate   *gate
	// inbound is where peers connect.
	inbound *inbound
	// redialer connects to the peers with host names.
	redialer *redialer
	// validators returns the validators that voted on a block.
	validators validatorSets
	history    *history
	// snapshots takes snapshots while Run runs.
	snapshots *snapshotter
	standing  standing
	// blockTime is the pause between blocks.
	blockTime time.Duration
	// signer is the validator's, or that of a key that belongs to no validator.
	signer *recorder
	// now is the clock that decides whether a block is fresh.
	now func() time.Time
	// databases are CometBFT's, open from New until the end of Run.
	databases []io.Closer
	// failed holds the first error after which there are no more blocks.
	failed chan error
	stage  atomic.Int32
	// waiters counts the calls of Broadcast that have waited, so that each has a unique name.
	waiters atomic.Int64
}

// New opens the chain in the home directory and replays into state all blocks that the state has not committed. It
// opens the databases below the home: end the engine with Run or Close. Errors: ErrForeignHome.
func New(cfg Config, state State) (*Engine, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("configure consensus: %w", err)
	}
	config, err := cfg.cometConfig()
	if err != nil {
		return nil, fmt.Errorf("configure CometBFT: %w", err)
	}
	return newEngine(cfg, config, state)
}

func newEngine(cfg Config, config *cmtcfg.Config, state State) (*Engine, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	e := &Engine{heads: cmp.Or(cfg.heads, &heads.Publisher{}), gate: &gate{}, failed: make(chan error, 1), now: time.Now, blockTime: cfg.BlockTime}
	e.signs = &engineSigns{failed: e.fail, hide: hiding(cfg.History)}
	e.logger = newLogger(cfg.Logger, e.signs)
	e.inbound = newInbound(cfg, config.P2P)
	e.redialer = newRedialer(cfg.Peers, e.inbound.Locate, e.logger)
	if err := e.openNode(cfg, config, state); err != nil {
		return nil, errors.Join(fmt.Errorf("open chain in %s: %w", cfg.Home, err), e.closeDatabases())
	}
	return e, nil
}

// openNode builds the CometBFT node. Its handshake with the state is where blocks are replayed.
func (e *Engine) openNode(cfg Config, config *cmtcfg.Config, state State) error {
	doc, err := genesisDoc(cfg.Genesis)
	if err != nil {
		return err
	}
	databases := databasesOf(cfg)
	if cfg.History.Sync != nil {
		if err := cfg.clean(config, databases, state.Version()); err != nil {
			return err
		}
	}
	begun, err := openHome(config, databases, doc, state.Version())
	if err != nil {
		return err
	}
	signer, err := newSigner(cfg.signingKey(), config.PrivValidatorStateFile(), begun)
	if err != nil {
		return err
	}
	e.signer = newRecorder(signer, signer.LastSignState.Height)
	e.app = &application{state: state, publish: e.publish, fail: e.fail, admits: e.inbound.admits, offered: cfg.History.Snapshots}
	e.rememberPast(cfg, config)
	err = guard("shake hands with the state", func() error {
		var err error
		e.node, err = node.NewNode(config, e.signer, cfg.peerKey(), proxy.NewLocalClientCreator(e.app),
			func() (*cmttypes.GenesisDoc, error) { return doc, nil },
			remembering(databases, &e.databases),
			node.DefaultMetricsProvider(config.Instrumentation), e.logger,
			node.CustomReactors(map[string]p2p.Reactor{"PROOF": newProof(e.inbound.Entrance, newDropped(cfg.peerKey().ID(), e.logger))}))
		return err
	})
	select {
	case cause := <-e.failed:
		// CometBFT passes on only the text of the application's error.
		return cause
	default:
	}
	if err != nil {
		return err
	}
	environment, err := e.node.ConfigureRPC()
	if err != nil {
		return fmt.Errorf("find CometBFT's stores: %w", err)
	}
	e.validators = environment.StateStore
	e.history = newHistory(environment.BlockStore, environment.StateStore)
	e.app.retention.blocks, e.app.retention.params = environment.BlockStore, environment.StateStore
	return nil
}

// rememberPast gives the application what it does with old heights and snapshots.
func (e *Engine) rememberPast(cfg Config, config *cmtcfg.Config) {
	e.app.retention = &retention{History: cfg.History, log: filepath.Dir(config.Consensus.WalFile())}
	e.snapshots = newSnapshotter(cfg.History, cfg.Logger)
	e.app.snapshots = e.snapshots
	if cfg.History.Sync != nil {
		e.app.joining = &joining{History: cfg.History, logger: cfg.Logger}
	}
}

// Heads returns the committed blocks. Those that New replays are published before it returns.
func (e *Engine) Heads() *heads.Publisher { return e.heads }

// RPC returns the chain's own JSON-RPC over HTTP. It may be called at any time; the handler answers 503 except while
// Run has the node running.
func (e *Engine) RPC() (http.Handler, error) {
	handler, err := newRPC(e.node, e.gate, e.logger)
	if err != nil {
		return nil, fmt.Errorf("configure the chain's JSON-RPC: %w", err)
	}
	return handler, nil
}

// Run makes and follows blocks until the context ends, then stops the node and closes its databases. It returns nil
// when the context ended it, and an error when the chain could not start or cannot go on.
func (e *Engine) Run(ctx context.Context) error {
	if !e.stage.CompareAndSwap(stageBuilt, stageRunning) {
		return errors.New("run consensus: the engine was run or closed before")
	}
	defer e.stage.Store(stageEnded)
	// CometBFT would sleep until the genesis time and ignore the context.
	if pause.For(ctx, time.Until(e.node.GenesisDoc().GenesisTime)) != nil {
		return e.release()
	}
	looking, err := e.newTwin()
	if err != nil {
		return errors.Join(fmt.Errorf("run consensus: %w", err), e.release())
	}
	e.signer.hesitates = looking.hesitates
	if err := guard("start node", func() error { return e.inbound.start(e.node) }); err != nil {
		if e.signs.hide != nil {
			err = failure{text: e.signs.hidden(err.Error()), cause: nil}
		}
		return errors.Join(fmt.Errorf("run consensus: %w", err), e.release())
	}
	e.signs.witnessing.Store(true)
	e.gate.open()
	beside, stopBeside := context.WithCancel(ctx)
	var besides sync.WaitGroup
	besides.Go(func() { e.redialer.run(beside, e.node.Switch()) })
	besides.Go(func() { e.watchKey(beside, looking) })
	besides.Go(func() { e.snapshots.run(beside) })
	var cause error
	select {
	case <-ctx.Done():
	case cause = <-e.failed:
	}
	stopBeside()
	besides.Wait()
	if cause != nil {
		head, _ := e.heads.Latest()
		err = fmt.Errorf("run consensus: %w", looking.because(cause, head.Height))
	}
	return errors.Join(err, e.stop())
}

// Close releases an engine that is not run. After Run it does nothing.
func (e *Engine) Close() error {
	if !e.stage.CompareAndSwap(stageBuilt, stageEnded) {
		return nil
	}
	return e.release()
}

// fail keeps the first error after which there are no more blocks.
func (e *Engine) fail(err error) {
	select {
	case e.failed <- err:
	default:
	}
}

// stop ends a running node. CometBFT closes its databases itself, but forgets the connections to the state machine.
func (e *Engine) stop() error {
	e.gate.close(drainPatience)
	e.signs.stopping.Store(true)
	e.inbound.Shut()
	defer e.inbound.Close()
	err := e.node.Stop()
	e.app.end()
	e.snapshots.forget() // of a block that was committed meanwhile
	if err != nil {
		return fmt.Errorf("stop node: %w", err)
	}
	if err := e.node.ProxyApp().Stop(); err != nil {
		return fmt.Errorf("stop connections to the state machine: %w", err)
	}
	return nil
}

// release ends a node that is built but does not run; CometBFT cannot do that itself.
func (e *Engine) release() error {
	e.signs.stopping.Store(true)
	e.inbound.Close()
	if e.snapshots != nil {
		e.snapshots.forget()
	}
	return errors.Join(e.node.EventBus().Stop(), e.node.ProxyApp().Stop(), e.closeDatabases())
}

func (e *Engine) closeDatabases() error {
	var errs []error
	for _, database := range e.databases {
		errs = append(errs, database.Close())
	}
	return errors.Join(errs...)
}

// remembering records every database that CometBFT opens, because CometBFT leaves them open when it fails half-way.
func remembering[DB io.Closer](
	open func(*cmtcfg.DBContext) (DB, error), opened *[]io.Closer,
) func(*cmtcfg.DBContext) (DB, error) {
	return func(at *cmtcfg.DBContext) (DB, error) {
		db, err := open(at)
		if err == nil {
			*opened = append(*opened, db)
		}
		return db, err
	}
}

// guard adds what failed to an error, and turns a panic into one: CometBFT panics when its stores contradict each
// other.
func guard(doing string, do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			cause, _ := r.(error)
			err = failure{text: fmt.Sprintf("%s: %s", doing, gist(fmt.Sprint(r))), cause: cause}
		}
	}()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
