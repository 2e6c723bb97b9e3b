package node

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pocket-fisherman/fisherman/alerts"
	"github.com/pocket-fisherman/fisherman/alerts/machine"
	"github.com/pocket-fisherman/fisherman/collector"
	"github.com/pocket-fisherman/fisherman/feed/broker"
	"github.com/pocket-fisherman/fisherman/network/pocket/evidence"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/secret"
	"github.com/pocket-fisherman/fisherman/telemetry"
	"github.com/pocket-fisherman/fisherman/web"
)

// CollectorConfig lists what a collector is made of.
type CollectorConfig struct {
	// Collector is valid. Its data directory is made if need be, and belongs to this collector alone.
	groups.Collector
	// RPC is where the HTTP API is served.
	RPC net.Listener
	// Logger takes the log; nil discards it.
	Logger *slog.Logger
}

// Collector reads what fishermen publish, stores it, and serves what it adds up to.
type Collector struct {
	config     CollectorConfig
	budget     budget
	stores     []*local.Samples
	vantages   []*collector.Vantage
	reader     *samples.Vantages
	stream     *samples.VantageStream
	connection *broker.Connection
	verdicts   *collector.Verdicts
	collector  *collector.Collector
	metrics    *telemetry.Metrics
	alerter    *alerts.Alerter
	api        *rpc.Server
}

// NewCollector opens the stores and fits the parts together. Nothing runs until Run, but for the connection to NATS, which is
// begun. End it with Close.
func NewCollector(config CollectorConfig) (_ *Collector, err error) {
	config.Logger = cmp.Or(config.Logger, slog.New(slog.DiscardHandler))
	c := &Collector{config: config}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if c.budget, err = collectorBudget(descriptorLimit(), len(config.Fishermen)); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(config.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	identity, err := collector.Identity(config.Data)
	if err != nil {
		return nil, err
	}
	logger := config.Logger.With("part", "collector")
	if err := c.openVantages(logger); err != nil {
		return nil, err
	}
	if err := c.reader.Recall(context.Background()); err != nil {
		logger.Warn("newest checks cannot be read; verdicts over them begin anew", "error", err)
	}
	if err := c.buildCollector(identity, logger); err != nil {
		return nil, err
	}
	if err := c.buildAlerts(); err != nil {
		return nil, err
	}
	return c, c.buildAPI()
}

// openVantages opens what is stored of each fisherman, and makes the readers of it.
func (c *Collector) openVantages(logger *slog.Logger) error {
	var places []samples.Vantage
	for _, each := range c.config.Fishermen {
		key, err := hex.DecodeString(each.Key)
		if err != nil {
			return fmt.Errorf("key of fisherman %s: %w", each.Name, err)
		}
		fisherman := collector.Fisherman{Name: each.Name, PublicKey: key}
		directory := filepath.Join(c.config.Data, "vantage", fisherman.Address())
		if err := os.MkdirAll(directory, 0o700); err != nil {
			return fmt.Errorf("make data directory: %w", err)
		}
		store, err := local.OpenSamples(filepath.Join(directory, "samples"), collectorStore(c.config.History, logger.With("vantage", each.Name)))
		if err != nil {
			return fmt.Errorf("open sample store of %s: %w", each.Name, err)
		}
		c.stores = append(c.stores, store)
		vantage, err := collector.OpenVantage(fisherman, directory, vantageStore{store})
		if err != nil {
			return err
		}
		c.vantages = append(c.vantages, vantage)
		places = append(places, samples.Vantage{Place: each.Name, Fisherman: fisherman.Address(), Store: store, History: store,
			Health: func() samples.VantageHealth { return healthOf(vantage.State()) }})
	}
	reader, err := samples.NewVantages(places, collected())
	if err != nil {
		return err
	}
	c.reader, c.stream = reader, samples.NewVantageStream(reader, logger)
	return nil
}

// collectorStore returns the bounds of one fisherman's store.
func collectorStore(kept configs.History, logger *slog.Logger) local.Options {
	return local.Options{MaxBytes: kept.SessionsMaxBytes, MaxSessions: cmp.Or(kept.Sessions, local.DefaultOptions().MaxSessions), Logger: logger,
		History: local.HistoryOptions{FiveMinutes: time.Duration(kept.FiveMinutes), Hours: time.Duration(kept.Hours), MaxBytes: kept.MaxBytes}}
}

// vantageStore is the samples of a fisherman as the collector stores them.
type vantageStore struct{ *local.Samples }

// Durable returns nil while what is stored survives a crash.
func (s vantageStore) Durable() error { return durable(s.Samples) }

// healthOf is what is known of a vantage point besides its samples.
func healthOf(state collector.State) samples.VantageHealth {
	health := samples.VantageHealth{Heard: state.Heard}
	if state.Skew != nil {
		health.Skew = new(-*state.Skew)
	}
	return health
}

// collected makes evidence of samples that a collector was sent. That of our own chain is signed by its fisherman, who alone can
// make it.
func collected() samples.Prover {
	others := unsigned()
	return samples.Prover{Of: func(session *types.QoSSession, round *types.QoSRound) (api.Evidence, error) {
		if !isOfPocket(session) {
			return others.Of(session, round)
		}
		_, err := evidence.Of(session, round)
		return api.Evidence{}, lacking(cmp.Or(err, evidence.ErrUnkept), evidence.ErrNoDisagreement, evidence.ErrUnkept)
	}}
}

// buildCollector makes what reads the stream.
func (c *Collector) buildCollector(identity string, logger *slog.Logger) (err error) {
	feed := c.config.Feed
	options := broker.Options{Credentials: feed.Credentials, TLS: broker.TLS(feed.TLS), Name: "pocket collector", Logger: logger}
	for _, server := range feed.NATS {
		options.URLs = append(options.URLs, secret.New(server.Reveal()))
	}
	c.connection, err = broker.Connect(options)
	if err != nil {
		return fmt.Errorf("connect to NATS: %w", err)
	}
	intake := collector.NewIntake(collector.IntakeConfig{Vantages: c.vantages, Takeover: c.config.Takeover, Logger: logger, Hooks: collector.Hooks{
		Session: func(v *collector.Vantage, session *types.QoSSession) {
			c.reader.Session(v.Name, session)
			c.stream.Session(v.Name, session)
		},
		Round: func(v *collector.Vantage, round *types.QoSRound) {
			c.reader.Round(v.Name, round)
			c.stream.Round(v.Name, round)
		},
	}})
	if verdicts := c.config.Verdicts; verdicts.Enabled {
		c.verdicts = collector.NewVerdicts(collector.VerdictsConfig{Bucket: verdicts.Bucket, Replicas: verdicts.Replicas, Rolling: c.rolling, Network: c.network, Logger: logger})
	}
	c.collector = collector.New(collector.Config{Connection: c.connection, Stream: feed.Stream, Durable: c.config.Durable, Partition: c.config.RelayChains,
		Identity: identity, Intake: intake, Verdicts: c.verdicts, Logger: logger})
	return nil
}

// rolling returns each servicer's merged verdict over its newest checks.
func (c *Collector) rolling() []api.RollingReport { return c.reader.Rolling(qos.RollingSpan{}, "") }

// network returns the network of a relay chain; empty if it is not known.
func (c *Collector) network(relayChain string) string {
	for _, vantage := range c.vantages {
		if network := vantage.Network(relayChain); network != "" {
			return network
		}
	}
	return ""
}

// buildAlerts makes what tells people about verdicts.
func (c *Collector) buildAlerts() (err error) {
	source := func(context.Context) (machine.Snapshot, error) {
		var snapshot machine.Snapshot
		if err := c.ready(); err != nil {
			snapshot.NotReady = err.Error()
		}
		for _, report := range c.rolling() {
			for i := range report.Servicers {
				each := &report.Servicers[i]
				snapshot.Subjects = append(snapshot.Subjects, machine.Subject{Verdict: each.Verdict, Reason: each.Reason, Idle: !each.Running,
					Key: machine.Key{RelayChain: report.RelayChain, GeoZone: report.GeoZone, Servicer: each.Servicer}})
			}
		}
		return snapshot, nil
	}
	c.alerter, err = alerts.New(alerts.Config{Alerts: c.config.Alerts, Directory: c.config.Data, Logger: c.config.Logger.With("part", "alerts"), Source: source})
	if err != nil {
		return fmt.Errorf("make alerts: %w", err)
	}
	return nil
}

func (c *Collector) buildAPI() error {
	c.metrics = telemetry.New(telemetry.Sources{Name: types.ValidateOpaque, Build: metricsBuild(), Stores: c.storeStats, Rolling: c.rolling, Alerts: c.alertStats,
		Collector: c.state, Vantages: c.reader.Vantages}, c.config.Logger.With("part", "telemetry"))
	pages, err := web.Pages()
	if err != nil {
		return err
	}
	c.api = rpc.New(rpc.Config{Logger: c.config.Logger.With("part", "rpc"), Connections: c.budget.api, Metrics: c.metrics.Handler(), Public: c.config.Public, Pages: pages},
		rpc.Readers{Network: rpc.Collected(c.groups, c.ready), Samples: c.reader, Events: c.stream, Members: c.reader.Members, History: c.reader.History,
			Vantages: c.reader.Vantages, Collector: c.state, Status: collectorStatus{c},
			Check: func(context.Context, rpc.CheckRequest) (api.CheckReport, error) {
				return api.CheckReport{}, rpc.ErrNoFisherman
			}})
	return nil
}

// alertStats tells of alerts, for the metrics.
func (c *Collector) alertStats() telemetry.Alerts { return alertStats(c.alerter) }

// ready returns nil while the feed is read and what was read is durable.
func (c *Collector) ready() error {
	for i, store := range c.stores {
		if err := durable(store); err != nil {
			return fmt.Errorf("%s: %w", c.vantages[i].Name, err)
		}
	}
	if status := c.collector.Status(); status.Problem != collector.NoProblem {
		return fmt.Errorf("the feed is not read: %s", status.Why)
	}
	return nil
}

// Run reads and serves until the context ends; it returns nil then.
func (c *Collector) Run(ctx context.Context) error {
	forgetStartup()
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { c.collector.Run(ctx); return nil })
	parts.Go(func() error { c.alerter.Run(ctx); return nil })
	if c.config.RPC != nil {
		parts.Go(func() error { return c.api.Serve(ctx, c.config.RPC) })
	}
	return parts.Wait()
}

// Close ends the connection and closes the stores. Call it once Run has returned.
func (c *Collector) Close() error {
	if c.connection != nil {
		c.connection.Close()
	}
	var errs []error
	for _, store := range c.stores {
		errs = append(errs, store.Close())
	}
	return errors.Join(errs...)
}
