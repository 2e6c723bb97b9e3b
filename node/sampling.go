package node

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/pocket-fisherman/fisherman/alerts"
	"github.com/pocket-fisherman/fisherman/feed"
	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/telemetry"
)

// sampling is fishermen with their samples and those who read them. All but the metrics are nil where no fisherman runs.
type sampling struct {
	samples *local.Samples
	// kept is how long samples are kept.
	kept    configs.History
	reader  *samples.Reader
	rolling *samples.Rolling
	history *samples.History
	stream  *samples.Stream
	// fishermen have a network each, and share the samples.
	fishermen []*fisherman.Fisherman
	metrics   *telemetry.Metrics
	// health is what the checks tell of the fisherman itself.
	health *alerts.Health
	// alerter tells people about verdicts; nil for nobody.
	alerter *alerts.Alerter
	// feed publishes the samples for collectors; nil for nobody. feedKey is its public key.
	feed    *feed.Publisher
	feedKey string
}

// openSamples opens the samples in a directory. If they are published, what is stored waits for that in an outbox.
func (s *sampling) openSamples(directory string, kept configs.History, published bool, prover samples.Prover, logger *slog.Logger) error {
	s.kept = kept
	options := local.Options{MaxBytes: kept.SessionsMaxBytes, MaxSessions: max(local.DefaultOptions().MaxSessions, kept.Sessions), Logger: logger, Outbox: published, History: local.HistoryOptions{
		FiveMinutes: time.Duration(kept.FiveMinutes), Hours: time.Duration(kept.Hours), MaxBytes: kept.MaxBytes}}
	opened, err := local.OpenSamples(filepath.Join(directory, "samples"), options)
	if err != nil {
		return fmt.Errorf("open sample store: %w", err)
	}
	s.health = alerts.NewHealth()
	s.samples, s.rolling, s.history = opened, samples.NewRolling(), samples.NewHistory(opened)
	s.reader, s.stream = samples.NewReader(opened, s.rolling, prover), samples.NewStream(opened, logger)
	if err := s.rolling.Recall(context.Background(), opened, time.Now()); err != nil {
		logger.Warn("newest checks cannot be read; verdicts over them begin anew", "error", err)
	}
	return nil
}

// hooks tell metrics and listeners of what is stored.
func (s *sampling) hooks() fisherman.Hooks {
	return fisherman.Hooks{Round: s.observeRound, Session: s.observeSession}
}

// readers are those of the API that the fisherman gives something to read.
func (s *sampling) readers(address string) rpc.Readers {
	status := statusReader{address: address, samples: s.samples}
	readers := rpc.Readers{Check: s.check, Feed: s.feedState}
	if len(s.fishermen) > 0 {
		status.controls = s.controlStates
		readers.Samples, readers.Events, readers.Members = s.reader, s.stream, s.reader.Members
		readers.History = s.history.Read
	}
	readers.Status = status
	return readers
}

// add makes a fisherman of a network.
func (s *sampling) add(config fisherman.Config, network fisherman.Network, dial fisherman.Dial, store fisherman.Store) error {
	beFrugal()
	made, err := fisherman.New(config, network, dial, store)
	if err != nil {
		return fmt.Errorf("make fisherman: %w", err)
	}
	s.fishermen = append(s.fishermen, made)
	return nil
}

// controlStates are those of the control probes of all fishermen.
func (s *sampling) controlStates() []fisherman.ControlState {
	var states []fisherman.ControlState
	for _, each := range s.fishermen {
		states = append(states, each.Controls()...)
	}
	return states
}

// keptSamples is the samples of a fisherman on a chain, whose parameters say how many sessions are kept at least.
type keptSamples struct {
	*local.Samples
	// sessions are kept if the chain retains fewer.
	sessions int
}

// Prune keeps the newest sessions.
func (s keptSamples) Prune(ctx context.Context, retain int) (evicted int, err error) {
	return s.Samples.Prune(ctx, max(retain, s.sessions))
}
