package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/pocket-fisherman/fisherman/alerts"
	"github.com/pocket-fisherman/fisherman/alerts/delivery"
	"github.com/pocket-fisherman/fisherman/alerts/machine"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/telemetry"
)

// rollingVerdicts returns each servicer's verdict over its newest checks.
type rollingVerdicts func() []api.RollingReport

// buildAlerts makes what tells people about verdicts. Its file is in a directory that exists.
func (s *sampling) buildAlerts(configured groups.Alerts, directory string, ready func() error, logger *slog.Logger) error {
	made, err := alerts.New(alerts.Config{Alerts: configured, Directory: directory, Logger: logger.With("part", "alerts"),
		Source: alertSource(s.verdicts, s.health, ready)})
	if err != nil {
		return fmt.Errorf("make alerts: %w", err)
	}
	s.alerter = made
	return nil
}

// verdicts returns each servicer's verdict over its newest checks.
func (s *sampling) verdicts() []api.RollingReport { return s.reader.Rolling(qos.RollingSpan{}, "") }

// alertSource returns what alerts are decided by.
func alertSource(rolling rollingVerdicts, health *alerts.Health, ready func() error) alerts.Source {
	return func(context.Context) (machine.Snapshot, error) {
		snapshot := machine.Snapshot{NotReady: health.Illness()}
		if err := ready(); err != nil {
			snapshot.NotReady = err.Error()
		}
		for _, report := range rolling() {
			out := health.LinkOut(report.RelayChain, report.GeoZone)
			for i := range report.Servicers {
				each := &report.Servicers[i]
				snapshot.Subjects = append(snapshot.Subjects, machine.Subject{Verdict: each.Verdict, Reason: each.Reason, OwnLink: out, Idle: !each.Running,
					Key: machine.Key{RelayChain: report.RelayChain, GeoZone: report.GeoZone, Servicer: each.Servicer}})
			}
		}
		return snapshot, nil
	}
}

// ready returns nil while the node is level with its chain and its samples are durable.
func (n *Node) ready() error {
	if err := n.chain.Ready(); err != nil {
		return err
	}
	return n.durable()
}

// durable returns nil while what is stored survives a crash.
func (s *sampling) durable() error { return durable(s.samples) }

func durable(stored *local.Samples) error {
	if health := stored.Health(); !health.Durable {
		return errors.New("samples are held in memory: " + health.Reason)
	}
	return nil
}

// alertStats tells of alerts, for the metrics.
func (s *sampling) alertStats() telemetry.Alerts { return alertStats(s.alerter) }

func alertStats(alerter *alerts.Alerter) telemetry.Alerts {
	receivers, firing := alerter.Stats()
	stats := telemetry.Alerts{Firing: firing}
	for _, each := range receivers {
		stats.Receivers = append(stats.Receivers, telemetry.AlertReceiver{Name: each.Receiver, Sent: each.Sent, Failed: each.Failed,
			Dropped: each.Dropped, Queued: each.Queued})
	}
	return stats
}

// TestAlerts sends one message to each receiver, and returns what became of it.
func TestAlerts(ctx context.Context, configured groups.Alerts) []alerts.Tested {
	return alerts.Test(ctx, configured, delivery.Options{})
}
