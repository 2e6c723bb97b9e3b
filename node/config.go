package node

import (
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/pocket-fisherman/fisherman/consensus"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// Config lists what a node is made of. Listeners are opened by the caller, so that an occupied port is known before
// anything starts; the node owns them from Run on and closes them.
type Config struct {
	// Home is the node's directory; it exists and belongs to this node alone.
	Home string
	// Genesis is the chain's first state, valid.
	Genesis *genesis.Genesis
	// ValidatorKey signs blocks while it is a validator's. Without it the node only follows the chain.
	ValidatorKey crypto.PrivateKey
	// NodeKey names the node among its peers; it may be left out if ValidatorKey is set.
	NodeKey crypto.PrivateKey
	// P2PListen is the host:port where peers connect; empty takes any free port of loopback.
	P2PListen string
	// Peers are the nodes to connect to, as ID@host:port.
	Peers []string
	// BlockTime is the pause between blocks.
	BlockTime time.Duration
	// KeepHeights is the number of newest heights whose state and block are kept; 0 keeps all.
	KeepHeights int64
	// SnapshotInterval is the number of blocks between the snapshots that joining nodes can begin with; 0 takes none.
	SnapshotInterval int64
	// StateSync begins an empty home with a snapshot of a peer; nil begins it with the genesis.
	StateSync *StateSync
	// ChainRPC is where the chain's own CometBFT JSON-RPC is served.
	ChainRPC net.Listener
	// PublicChainRPC lets it answer requests that name the node otherwise than as this machine.
	PublicChainRPC bool
	// RPC is where the node's HTTP API is served.
	RPC net.Listener
	// Pprof is where Go's profiles are served; nil for nowhere. They are for this machine: whoever opens the listener sees
	// to that.
	Pprof net.Listener
	// PublicPprof lets them answer requests that name the node otherwise than as this machine.
	PublicPprof bool
	// PublicRPC lets the API answer requests that name the node otherwise than as this machine.
	PublicRPC bool
	// Servicers that run in this node.
	Servicers []ServicerRole
	// Fisherman that runs in this node; nil for none.
	Fisherman *FishermanRole
	// Alerts are the messages that the fisherman sends about verdicts.
	Alerts groups.Alerts
	// Logger takes the node's log.
	Logger *slog.Logger
}

// StateSync says from which block on a snapshot of a peer is verified.
type StateSync = consensus.Sync

// Upstream is a node that relays of one relay chain are executed against: JSON-RPC unless its Kind says REST.
type Upstream = servicer.Upstream

// ServicerRole is one servicer of a node.
type ServicerRole struct {
	Key crypto.PrivateKey
	// Relays is where the servicer takes relays.
	Relays net.Listener
	// Upstreams are the nodes that relays are executed against, by relay chain.
	Upstreams map[string]Upstream
}

// FishermanRole is the fisherman of a node.
type FishermanRole struct {
	Key crypto.PrivateKey
	// Config is what its operator set; its Key is the address of the key above, if anything.
	Config configs.Fisherman
	// RelayChains that the fisherman knows how to ask about.
	RelayChains map[string]configs.RelayChain
}

// Upstreams makes upstreams of targets that are opened (see configs.Node.Open), by relay chain. They take JSON-RPC, unless
// what is said of their relay chain is that it is REST. The error repeats nothing of a target.
func Upstreams(targets map[string]configs.Target, chains map[string]configs.RelayChain) (map[string]Upstream, error) {
	upstreams := make(map[string]Upstream, len(targets))
	for chain, target := range targets {
		address, header, err := target.Request()
		if err != nil {
			return nil, fmt.Errorf("upstream of relay chain %s %w", chain, err)
		}
		upstream := Upstream{URL: address, Header: header}
		if chains[chain].REST() {
			upstream.Kind = servicer.REST
		}
		upstream.Probe = probeOf(chain, chains)
		upstreams[chain] = upstream
	}
	return upstreams, nil
}
