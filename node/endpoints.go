package node

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/network/endpoints"
	"github.com/pocket-fisherman/fisherman/network/shannon"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/telemetry"
	"github.com/pocket-fisherman/fisherman/web"
)

// EndpointsConfig lists what a fisherman of endpoints is made of.
type EndpointsConfig struct {
	// Groups, valid; those of suppliers are left out.
	Groups []groups.Group
	// Data is the directory of the samples; it is made if need be, and belongs to this fisherman alone.
	Data string
	// History is how long is kept what was measured; nil for the default.
	History *configs.History
	// RPC is where the HTTP API is served; nil for nowhere.
	RPC net.Listener
	// PublicRPC lets the API answer requests that name the machine otherwise than as this one.
	PublicRPC bool
	// Signers are the keys of the groups of the live Pocket network, by group.
	Signers map[string]*protocol.PrivateKey
	// Alerts are the messages that are sent about verdicts, none with Once.
	Alerts groups.Alerts
	// Feed publishes the samples for collectors; nil for none.
	Feed *configs.Feed
	// Once ends Run when one session of each group is over.
	Once bool
	// Patience is how long a target may take to say who it is; 0 means 3 s.
	Patience time.Duration
	// RootCAs verify the targets; nil means the system's.
	RootCAs *x509.CertPool
	// Logger takes the log; nil discards it.
	Logger *slog.Logger
}

// Endpoints is a fisherman of groups of endpoints, with its samples and API. It takes part in no chain.
type Endpoints struct {
	config  EndpointsConfig
	budget  budget
	network *endpoints.Network
	// shannons are the networks of the groups of the live Pocket network; suppliers has the groups.
	shannons  []*shannon.Network
	suppliers *suppliers
	sampling
	api *rpc.Server
	// open counts the groups whose only session is not over.
	open atomic.Int64
	over chan struct{}
}

// NewEndpoints opens the samples and fits the parts together. Nothing runs until Run. End it with Close.
func NewEndpoints(config EndpointsConfig) (_ *Endpoints, err error) {
	config.Logger = cmp.Or(config.Logger, slog.New(slog.DiscardHandler))
	e := &Endpoints{config: config, over: make(chan struct{}), suppliers: newSuppliers(config.Groups)}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	lists, chains := split(config.Groups)
	if e.budget, err = endpointsBudget(descriptorLimit(), largest(lists), descriptorsOf(config.Feed)); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(config.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	secret, err := endpointsSecret(config.Data)
	if err != nil {
		return nil, err
	}
	logger := config.Logger.With("part", "fisherman")
	if err := e.openSamples(config.Data, *cmp.Or(config.History, new(configs.DefaultHistory())), config.Feed != nil, unsigned(), logger); err != nil {
		return nil, err
	}
	stored, err := e.ownSamples()
	if err != nil {
		return nil, err
	}
	if config.Feed != nil {
		key, err := FeedKey(config.Data)
		if err != nil {
			return nil, err
		}
		if err := e.buildFeed(config.Feed, config.Data, key, feedNetwork(config.Groups), config.Logger); err != nil {
			return nil, err
		}
	}
	if err := e.buildLists(logger, secret, lists, stored); err != nil {
		return nil, err
	}
	for at, members := range chains {
		if err := e.buildShannon(logger, secret, at, members); err != nil {
			return nil, err
		}
	}
	if !config.Once {
		if err := e.buildAlerts(config.Alerts, config.Data, e.ready, config.Logger); err != nil {
			return nil, err
		}
	}
	return e, e.buildAPI()
}

// buildLists makes the fisherman of the groups of endpoints.
func (e *Endpoints) buildLists(logger *slog.Logger, secret [secretSize]byte, lists []groups.Group, stored []*types.QoSSession) error {
	e.network = endpoints.New(endpoints.Config{Groups: lists, Catalogue: endpointsCatalogue, Once: e.config.Once, Stored: stored,
		Patience: e.config.Patience, RootCAs: e.config.RootCAs, Logger: logger})
	e.open.Store(int64(len(lists)))
	return e.add(fisherman.Config{
		Secret:        secret,
		BlockInterval: time.Second,
		MostRequests:  e.budget.requests,
		Sharing:       sharing(lists),
		Logger:        logger,
		Redact:        e.network.Redact,
		Hooks:         e.endpointHooks(),
	}, e.network, e.network.Dial, ownStore{e.samples, func(group string) bool { return !e.isShannon(group) }, e.retained})
}

// isShannon reports whether a group is of the live Pocket network.
func (e *Endpoints) isShannon(name string) bool {
	_, is := e.suppliers.networks[name]
	return is
}

// endpointHooks tell metrics and listeners of what is stored, and Run of sessions that are over.
func (e *Endpoints) endpointHooks() fisherman.Hooks {
	return fisherman.Hooks{Round: e.observeRound, Session: e.observeSession}
}

// ownSamples returns an error if the samples are of a chain: its fisherman's would be mixed with ours, and removed in time.
func (e *Endpoints) ownSamples() ([]*types.QoSSession, error) {
	sessions, err := e.samples.Sessions(context.Background())
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	if slices.ContainsFunc(sessions, isOfPocket) {
		return nil, fmt.Errorf("%s has the samples of a fisherman of a chain; use another data directory", e.config.Data)
	}
	return sessions, nil
}

// isOfPocket reports whether a session is of a chain of our own, whose applications have other addresses than anybody's.
func isOfPocket(session *types.QoSSession) bool {
	return types.ValidateAddress(session.GetHeader().GetApplication()) == nil && session.GetStartUnixNano() == 0
}

func (e *Endpoints) buildAPI() error {
	sources := telemetry.Sources{Name: types.ValidateOpaque, Build: metricsBuild(), Stores: e.stores}
	e.addTo(&sources)
	if len(e.shannons) > 0 {
		sources.Budgets = e.budgets
	}
	if e.alerter != nil {
		sources.Alerts = e.alertStats
	}
	if e.feed != nil {
		sources.Feed = e.feedMetrics
	}
	e.metrics = telemetry.New(sources, e.config.Logger.With("part", "telemetry"))
	if e.config.RPC == nil {
		return nil
	}
	pages, err := web.Pages()
	if err != nil {
		return err
	}
	readers := e.readers("endpoints")
	readers.Network = rpc.Endpoints(e.groups, e.ready)
	e.api = rpc.New(rpc.Config{Logger: e.config.Logger.With("part", "rpc"), Connections: e.budget.api,
		Metrics: e.metrics.Handler(), Public: e.config.PublicRPC, Pages: pages}, readers)
	return nil
}

// Run samples until the context ends, or with Once until the sessions are over; it returns nil then.
func (e *Endpoints) Run(ctx context.Context) error {
	if !e.config.Once {
		forgetStartup()
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error {
		err := e.network.Run(ctx)
		if e.config.Once && err == nil {
			e.await(ctx, e.lastAnswers())
			end()
		}
		return err
	})
	for _, network := range e.shannons {
		parts.Go(func() error {
			network.Run(ctx)
			return nil
		})
	}
	for _, each := range e.fishermen {
		parts.Go(func() error { return each.Run(ctx) })
	}
	if e.feed != nil {
		parts.Go(func() error { e.feed.Run(ctx); return nil })
	}
	if e.alerter != nil {
		parts.Go(func() error { e.alerter.Run(ctx); return nil })
	}
	if e.api != nil {
		parts.Go(func() error { return e.api.Serve(ctx, e.config.RPC) })
		parts.Go(func() error { e.reader.KeepReady(ctx); return nil })
	}
	return parts.Wait()
}

// lateBy is how long after its last answers a session may be stored.
const lateBy = 5 * time.Second

// lastAnswers is when the only session of each group is over, at the latest: a machine that slept may have missed it.
func (e *Endpoints) lastAnswers() time.Duration {
	longest := time.Duration(0)
	for _, group := range e.config.Groups {
		longest = max(longest, group.Timeout)
	}
	return longest + lateBy
}

// await waits until the sessions are over, for a time at most.
func (e *Endpoints) await(ctx context.Context, most time.Duration) {
	limit := time.NewTimer(most)
	defer limit.Stop()
	select {
	case <-e.over:
	case <-limit.C:
	case <-ctx.Done():
	}
}

// ReplaceAlerts has other messages sent about verdicts. It returns when Run has taken them over, or the context ends.
func (e *Endpoints) ReplaceAlerts(ctx context.Context, replaced groups.Alerts) {
	e.alerter.Replace(ctx, replaced)
}

// Report returns what was measured in the sessions that are retained.
func (e *Endpoints) Report(ctx context.Context, last int) (api.Report, error) {
	return e.reader.Report(ctx, samples.ReportFilter{Last: last})
}

// Said returns what the targets of a group have said of themselves so far, by name.
func (e *Endpoints) Said(group string) map[string]endpoints.Said { return e.network.Said(group) }

// Skews returns the skew of each check of a session that was asked, in microseconds, of at most the first checks.
func (e *Endpoints) Skews(ctx context.Context, session string, most int) ([]int64, error) {
	page, err := e.reader.Rounds(ctx, samples.RoundFilter{SessionID: session, Limit: most})
	if err != nil {
		return nil, err
	}
	var skews []int64
	for _, round := range page.Rounds {
		if round.SkewMicros != nil {
			skews = append(skews, *round.SkewMicros)
		}
	}
	return skews, nil
}

// Close closes the samples. Call it once Run has returned.
func (e *Endpoints) Close() error {
	var errs []error
	e.closeFeed()
	for _, network := range e.shannons {
		errs = append(errs, network.Close())
	}
	if e.samples != nil {
		errs = append(errs, e.samples.Close())
	}
	return errors.Join(errs...)
}

// groups are those that are sampled, for the API.
func (e *Endpoints) groups() []api.Group {
	shown := []api.Group{}
	for _, group := range e.network.Groups() {
		described := api.Group{Name: group.Name, Targets: len(group.Targets), Network: api.NetworkEndpoints}
		if kind := e.network.Kind(group); kind != question.ChainUnknown {
			name, catalogue := kind.String(), group.RelayChain(kind.String()).Catalogue
			described.Chain, described.Catalogue = &name, &catalogue
		}
		shown = append(shown, described)
	}
	return append(shown, e.shannonGroups()...)
}

// ready returns nil when the samples are durable and every group of the live Pocket network has a session.
func (e *Endpoints) ready() error {
	if err := e.durable(); err != nil {
		return err
	}
	for _, network := range e.shannons {
		for _, state := range network.States() {
			if state.Problem != shannon.ProblemNone {
				return fmt.Errorf("group %s has no session: %s", state.Group, state.Reason)
			}
		}
	}
	return nil
}

// observeSession tells readers and listeners of a session, and ends what has nothing more to do.
func (e *Endpoints) observeSession(session *types.QoSSession) {
	e.sampling.observeSession(session)
	if e.config.Once && session.GetClosed() && e.network.Knows(session) && e.open.Add(-1) == 0 {
		close(e.over)
	}
}

// largest is how many targets the largest group has.
func largest(configured []groups.Group) (targets int) {
	for _, group := range configured {
		targets = max(targets, len(group.Targets))
	}
	return targets
}

// sharing is the most targets of a group that share one scheme, host and port.
func sharing(configured []groups.Group) int {
	most := 1
	for _, group := range configured {
		counts := make(map[string]int)
		for _, target := range group.Targets {
			counts[target.Origin()]++
			most = max(most, counts[target.Origin()])
		}
	}
	return most
}

// endpointsCatalogue makes the questions of a group. No chain is this fisherman's own.
func endpointsCatalogue(config configs.RelayChain) (question.Catalogue, error) {
	return catalogueOf("", config)
}

const (
	// secretName is the file that holds the seed of schedules and questions, below the data directory.
	secretName = "secret"
	secretSize = 32
)

// endpointsSecret reads the seed of schedules and questions, or makes it: a fisherman that is started again goes on with
// the plan of its sessions, which nobody else can know.
func endpointsSecret(directory string) (secret [secretSize]byte, err error) {
	path := filepath.Join(directory, secretName)
	read, err := os.ReadFile(path)
	switch {
	case err == nil && len(read) == secretSize:
		copy(secret[:], read)
		return secret, nil
	case err == nil:
		return secret, fmt.Errorf("%s has %d bytes, not %d; remove it to have it made anew", path, len(read), secretSize)
	case !errors.Is(err, fs.ErrNotExist):
		return secret, fmt.Errorf("read secret: %w", err)
	}
	_, _ = rand.Read(secret[:]) // never fails
	if err := writeSecret(path, secret[:]); err != nil {
		return secret, fmt.Errorf("write secret: %w", err)
	}
	return secret, nil
}

// writeSecret writes a file for its owner alone. It is whole or not there, whenever the machine stops.
func writeSecret(path string, secret []byte) error {
	whole, err := os.CreateTemp(filepath.Dir(path), secretName+".*") // which nobody else may read
	if err != nil {
		return err
	}
	_, err = whole.Write(secret)
	if err = errors.Join(err, whole.Sync(), whole.Close()); err == nil {
		err = os.Rename(whole.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(whole.Name()))
	}
	return nil
}
