package node

import (
	"context"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/telemetry"
)

// sources are what the metrics are read from. The parts that they name are made before the first scrape.
func (n *Node) sources() telemetry.Sources {
	sources := telemetry.Sources{
		Build:  metricsBuild(),
		Head:   n.chain.Heads().Latest,
		Peers:  n.chain.Peers,
		Stores: n.stores,
	}
	if len(n.config.Servicers) > 0 {
		sources.Volume = n.volume
	}
	if n.config.Fisherman != nil {
		n.sampling.addTo(&sources)
		if n.config.Fisherman.Config.Feed != nil {
			sources.Feed = n.feedMetrics
		}
		if len(n.config.Alerts.Receivers) > 0 {
			sources.Alerts = n.alertStats
		}
	}
	return sources
}

// metricsBuild is how this program was built, for the metrics.
func metricsBuild() telemetry.Build {
	build := ThisBuild()
	return telemetry.Build{Version: build.Version, Revision: build.Revision, Go: build.Go, Modified: build.Modified}
}

// addTo adds what the fisherman tells to what metrics are read from.
func (s *sampling) addTo(sources *telemetry.Sources) {
	sources.Sessions = func(ctx context.Context, servicers int) ([]samples.Running, error) {
		return s.reader.Running(ctx, servicers)
	}
	sources.Rolling = func() []api.RollingReport { return s.reader.Rolling(qos.RollingSpan{}, "") }
	sources.Controls = s.controls
}

// observeRound tells metrics, readers and listeners of a check.
func (s *sampling) observeRound(observed fisherman.Observed) {
	s.metrics.Round(telemetry.Round{RelayChain: observed.Session.GetRelayChain(), Application: observed.Session.GetApplication(),
		SLA: s.rolling.SLA(observed.Session.GetId()), Record: observed.Round, Stored: observed.Stored})
	s.health.Round(observed.Session, observed.Round)
	if observed.Stored {
		s.rolling.Round(observed.Round)
		s.stream.Round(observed.Round)
	}
}

// observeSession tells readers and listeners of a session.
func (s *sampling) observeSession(session *types.QoSSession) {
	s.rolling.Session(session)
	s.stream.Session(session)
}

// stores tells of the samples of the fisherman and the relays of the servicers.
func (n *Node) stores() []telemetry.Store {
	stores := n.sampling.stores()
	if n.relays != nil {
		stats := n.relays.Stats()
		stores = append(stores, telemetry.Store{
			Name: "relays", Sessions: stats.Sessions, Records: stats.Relays, Bytes: stats.Bytes,
			MaxBytes: local.DefaultOptions().MaxBytes, Evicted: stats.EvictedSessions, Failures: stats.Failures,
		})
	}
	return stores
}

// stores tells of the samples. What is held in memory while the disk fails is counted together with what is on the disk;
// evictions and failures are the disk's.
func (s *sampling) stores() []telemetry.Store {
	if s.samples == nil {
		return nil
	}
	return []telemetry.Store{samplesStats(s.samples, s.kept.SessionsMaxBytes)}
}

func samplesStats(stored *local.Samples, maxBytes int64) telemetry.Store {
	health := stored.Health()
	return telemetry.Store{
		Name:     "samples",
		Sessions: health.Disk.Sessions + health.Memory.Sessions,
		Records:  health.Disk.Rounds + health.Memory.Rounds,
		Bytes:    health.Disk.Bytes + health.Memory.Bytes,
		MaxBytes: maxBytes,
		Evicted:  health.Disk.EvictedSessions,
		Failures: health.Disk.Failures,
		Durable:  &health.Durable,
	}
}

// controls tells of the fisherman's control probes.
func (s *sampling) controls() []telemetry.Control {
	var controls []telemetry.Control
	for _, state := range s.controlStates() {
		controls = append(controls, telemetry.Control{RelayChain: state.RelayChain, Fitness: state.Fitness})
	}
	return controls
}

func (n *Node) volume() []telemetry.Volume {
	var volumes []telemetry.Volume
	for _, servicer := range n.servicers {
		counted := servicer.VolumeStats()
		volumes = append(volumes, telemetry.Volume{Servicer: servicer.Address(),
			Stored: counted.Stored, Dropped: counted.Dropped, Failed: counted.Failed})
	}
	return volumes
}
