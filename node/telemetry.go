package node

import (
	"context"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/telemetry"
)

// sources are what the metrics are read from. The parts that they name are made before the first scrape.
func (n *Node) sources() telemetry.Sources {
	build := ThisBuild()
	sources := telemetry.Sources{
		Build:  telemetry.Build{Version: build.Version, Revision: build.Revision, Go: build.Go, Modified: build.Modified},
		Head:   n.chain.Heads().Latest,
		Peers:  n.chain.Peers,
		Stores: n.stores,
	}
	if len(n.config.Servicers) > 0 {
		sources.Volume = n.volume
	}
	if n.config.Fisherman != nil {
		sources.Sessions = func(ctx context.Context, servicers int) ([]samples.Running, error) {
			return n.reader.Running(ctx, servicers)
		}
		sources.Controls = n.controls
	}
	return sources
}

// observeRound tells metrics and listeners of a check.
func (n *Node) observeRound(observed fisherman.Observed) {
	n.metrics.Round(telemetry.Round{RelayChain: observed.Session.GetRelayChain(), Record: observed.Round, Stored: observed.Stored})
	if observed.Stored {
		n.stream.Round(observed.Round)
	}
}

// stores tells of the samples of the fisherman and the relays of the servicers. What is held in memory while the disk
// fails is counted together with what is on the disk; evictions and failures are the disk's.
func (n *Node) stores() []telemetry.Store {
	var stores []telemetry.Store
	if n.samples != nil {
		health := n.samples.Health()
		stores = append(stores, telemetry.Store{
			Name:     "samples",
			Sessions: health.Disk.Sessions + health.Memory.Sessions,
			Records:  health.Disk.Rounds + health.Memory.Rounds,
			Bytes:    health.Disk.Bytes + health.Memory.Bytes,
			MaxBytes: local.DefaultOptions().MaxBytes,
			Evicted:  health.Disk.EvictedSessions,
			Failures: health.Disk.Failures,
			Durable:  &health.Durable,
		})
	}
	if n.relays != nil {
		stats := n.relays.Stats()
		stores = append(stores, telemetry.Store{
			Name: "relays", Sessions: stats.Sessions, Records: stats.Relays, Bytes: stats.Bytes,
			MaxBytes: local.DefaultOptions().MaxBytes, Evicted: stats.EvictedSessions, Failures: stats.Failures,
		})
	}
	return stores
}

// controls tells of the fisherman's control probes.
func (n *Node) controls() []telemetry.Control {
	var controls []telemetry.Control
	for _, state := range n.fisherman.Controls() {
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
