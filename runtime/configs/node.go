package configs

import (
	"fmt"
	"time"
)

// formatV1 is the format that this program writes and reads.
const formatV1 = 1

// Files within a node's home.
const (
	// FileName is the configuration.
	FileName = "node.json"
	// NodeKeyName is the key that identifies the node to its peers: 64 hex digits. It is not encrypted, since it owns
	// nothing on the chain.
	NodeKeyName = "node-key"
)

// Node is the configuration of a node. It may have any mix of roles; without any, the node only follows the chain.
type Node struct {
	// Format of the file: 1.
	Format int `json:"format"`
	// LogLevel is the lowest level that is logged: error, warn, info or debug.
	LogLevel string `json:"log_level"`
	// LogFormat is the format of the log: text (key=value) or json (one object per line).
	LogFormat string `json:"log_format"`
	// Genesis is the genesis file; a relative path is relative to the node's home.
	Genesis string `json:"genesis"`
	// Keys is the directory of the keystore that holds the roles' keys; a relative path is relative to the node's home.
	Keys string `json:"keys"`
	// API is the node's HTTP API.
	API API `json:"api"`
	// Pprof configures where Go's profiles are served.
	Pprof Pprof `json:"pprof"`
	// Chain is the node's part in consensus.
	Chain Chain `json:"chain"`
	// RelayChains select the questions for each relay chain; at most MaximumRelayChains. For other chains a servicer's
	// node accepts JSON-RPC, and a fisherman does not sample them.
	RelayChains map[string]RelayChain `json:"relay_chains"`
	// Validator that runs in this node; nil for none.
	Validator *Validator `json:"validator"`
	// Servicers that run in this node, at most MaximumServicers.
	Servicers []Servicer `json:"servicers"`
	// Fisherman that runs in this node; nil for none.
	Fisherman *Fisherman `json:"fisherman"`
}

// API configures the HTTP API.
type API struct {
	// Listen is a host:port; on loopback unless Public is set.
	Listen string `json:"listen"`
	// Public allows Listen to be reachable from other machines. Anyone who reaches the API may read, submit
	// transactions and start checks. It also admits requests with any Host header: otherwise only names of this machine
	// are answered, so that a foreign web page cannot read the API through a browser on this machine.
	Public bool `json:"public"`
}

// Pprof configures where Go's profiles of the running program are served. They reveal its memory.
type Pprof struct {
	// Listen is a loopback host:port; empty to serve no profiles.
	Listen string `json:"listen"`
	// AllowRemote allows Listen to be another address.
	AllowRemote bool `json:"allow_remote"`
}

// Chain configures the node's part in the chain.
type Chain struct {
	// RPCListen is the host:port where the chain's own CometBFT JSON-RPC is served; on loopback unless RPCPublic is set.
	RPCListen string `json:"rpc_listen"`
	// RPCPublic allows RPCListen to be reachable from other machines, and admits requests with any Host header, as
	// API.Public does for the API. Anybody who reaches it may read the chain and submit transactions.
	RPCPublic bool `json:"rpc_public"`
	// P2PListen is the host:port where other nodes of the chain connect.
	P2PListen string `json:"p2p_listen"`
	// Peers are nodes of the chain that this one connects to, as ID@HOST:PORT, at most MaximumPeers. Of two nodes, one
	// has to name the other.
	Peers []string `json:"peers"`
	// BlockTime is the pause between blocks: 10ms to 1h.
	BlockTime Duration `json:"block_time"`
	// KeepHeights is how many newest heights are kept.
	KeepHeights Keep `json:"keep_heights"`
	// SnapshotInterval is the number of blocks between the snapshots that joining nodes can begin with; 0 takes none,
	// otherwise at least MinimumSnapshotInterval.
	SnapshotInterval int64 `json:"snapshot_interval"`
	// StateSync begins an empty home with a snapshot of a peer; nil begins it with the genesis. A home with blocks ignores
	// it.
	StateSync *StateSync `json:"state_sync"`
}

// Validator is the node's validator.
type Validator struct {
	// Key is the address of the key that signs blocks.
	Key string `json:"key"`
}

// Servicer is one servicer of the node.
type Servicer struct {
	// Key is the address of the key that signs answers.
	Key string `json:"key"`
	// Listen is the host:port where relays are accepted.
	Listen string `json:"listen"`
	// Upstreams are the nodes that relays are executed against, by relay chain. At least one.
	Upstreams map[string]Target `json:"upstreams"`
}

// Fisherman is the node's fisherman.
type Fisherman struct {
	// Key is the address of the key that signs the fisherman's requests.
	Key string `json:"key"`
	// ControlProbes distinguish "they are all down" from "I am offline": nodes outside every session, by relay chain.
	// May be empty.
	ControlProbes map[string]Target `json:"control_probes"`
	// IgnoredFields are left out when answers are compared, because honest nodes fill them in differently: relay chain
	// → JSON pointers into the answer's result, as in "/node_info" or "/logs/*/index".
	IgnoredFields map[string][]string `json:"ignored_fields"`
	// AllowPrivate allows dialling servicers at loopback, private, link-local and other addresses that are not public.
	// Their URLs are chosen by strangers, so set it only for a network of your own.
	AllowPrivate bool `json:"allow_private"`
	// Alerts is the YAML file of the messages that are sent about verdicts; a relative path is relative to the node's home.
	// Empty for none.
	Alerts string `json:"alerts,omitempty"`
	// History is how long is kept what was measured; nil for DefaultHistory. What it leaves out has the default.
	History *History `json:"history,omitempty"`
	// Feed publishes what is stored, for collectors; nil for none.
	Feed *Feed `json:"feed,omitempty"`
}

// Kept returns how long is kept what was measured.
func (f Fisherman) Kept() History {
	if f.History == nil {
		return DefaultHistory()
	}
	return *f.History
}

// DefaultNode returns a node without roles that listens on loopback.
func DefaultNode() Node {
	return Node{
		Format:    formatV1,
		LogLevel:  "info",
		LogFormat: "text",
		Genesis:   "genesis.json",
		Keys:      "keys",
		API:       API{Listen: "127.0.0.1:50832"},
		Chain: Chain{RPCListen: "127.0.0.1:26657", P2PListen: "127.0.0.1:26656", Peers: []string{},
			BlockTime: Duration(time.Second), SnapshotInterval: 1000},
		RelayChains: DefaultRelayChains(),
		Servicers:   []Servicer{},
	}
}

// Addresses returns the addresses of the keys that the roles need, each once, in the order of the file.
func (n Node) Addresses() []string {
	var all []string
	if n.Validator != nil {
		all = append(all, n.Validator.Key)
	}
	for _, servicer := range n.Servicers {
		all = append(all, servicer.Key)
	}
	if n.Fisherman != nil {
		all = append(all, n.Fisherman.Key)
	}
	seen := make(map[string]bool, len(all))
	var once []string
	for _, address := range all {
		if !seen[address] {
			seen[address] = true
			once = append(once, address)
		}
	}
	return once
}

// Duration is encoded as text: "400ms".
type Duration time.Duration

// String returns the duration in the form of time.Duration.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText returns the duration in the form of time.Duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText accepts the form of time.ParseDuration.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%s is not a duration, as in 400ms or 2s", quoted(string(text)))
	}
	*d = Duration(parsed)
	return nil
}
