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
	// NodeKeyName is the key that names the node among its peers: 64 hex digits. It is not encrypted, since nothing on the
	// chain belongs to it.
	NodeKeyName = "node-key"
)

// Node is the configuration of a node. Its roles may be mixed at will; without any the node only follows the chain.
type Node struct {
	// Format of the file: 1.
	Format int `json:"format"`
	// LogLevel is the least level that is logged: error, warn, info or debug.
	LogLevel string `json:"log_level"`
	// LogFormat is how the log is written: text (key=value) or json (an object a line).
	LogFormat string `json:"log_format"`
	// Genesis is the genesis file; a relative path is below the node's home.
	Genesis string `json:"genesis"`
	// Keys is the directory of the keystore that holds the roles' keys; a relative path is below the node's home.
	Keys string `json:"keys"`
	// API is the node's HTTP API for reading.
	API API `json:"api"`
	// Pprof is where Go's profiles are served.
	Pprof Pprof `json:"pprof"`
	// Chain is the node's part in consensus.
	Chain Chain `json:"chain"`
	// RelayChains say what the nodes of relay chains are asked, at most MaximumRelayChains. A servicer's node of a chain
	// that is not among them takes JSON-RPC, and a fisherman does not sample such a chain.
	RelayChains map[string]RelayChain `json:"relay_chains"`
	// Validator that runs in this node; nil for none.
	Validator *Validator `json:"validator"`
	// Servicers that run in this node, at most MaximumServicers.
	Servicers []Servicer `json:"servicers"`
	// Fisherman that runs in this node; nil for none.
	Fisherman *Fisherman `json:"fisherman"`
}

// API says where the HTTP API is served.
type API struct {
	// Listen is a host:port; on loopback unless Public is set.
	Listen string `json:"listen"`
	// Public lets the API be reached from other machines. Anybody who reaches it may read, hand in transactions and ask for
	// checks. It also lets requests in that name the node as they like: otherwise only names of this machine are answered,
	// so that a web page of somebody else cannot read through a browser of this machine.
	Public bool `json:"public"`
}

// Pprof says where Go's profiles of the running program are served. They show what is in its memory.
type Pprof struct {
	// Listen is a host:port of loopback; empty for nowhere.
	Listen string `json:"listen"`
	// AllowRemote lets Listen be another address.
	AllowRemote bool `json:"allow_remote"`
}

// Chain says how the node runs the chain.
type Chain struct {
	// RPCListen is the host:port where the chain's own CometBFT JSON-RPC is served.
	RPCListen string `json:"rpc_listen"`
	// P2PListen is the host:port where other nodes of the chain connect.
	P2PListen string `json:"p2p_listen"`
	// Peers are nodes of the chain that this one connects to, as ID@HOST:PORT, at most MaximumPeers. Of two nodes one has
	// to name the other.
	Peers []string `json:"peers"`
	// BlockTime is the pause between blocks: 10ms to 1h.
	BlockTime Duration `json:"block_time"`
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
	// Listen is the host:port where relays are taken.
	Listen string `json:"listen"`
	// Upstreams are the nodes that relays are executed against: relay chain → http or https URL. At least one.
	Upstreams map[string]string `json:"upstreams"`
}

// Fisherman is the node's fisherman.
type Fisherman struct {
	// Key is the address of the key that signs the fisherman's requests.
	Key string `json:"key"`
	// ControlProbes tell "they are all down" from "I am offline": relay chain → http or https URL of a node outside
	// every session. May be empty.
	ControlProbes map[string]string `json:"control_probes"`
	// IgnoredFields are left out when answers are compared: relay chain → JSON pointers into the answer's result, as in
	// "/node_info" or "/logs/*/index"; for what honest nodes fill in differently.
	IgnoredFields map[string][]string `json:"ignored_fields"`
	// AllowPrivate lets servicers be dialled at loopback, private and link-local addresses, and at others that are not of
	// the public internet. Their URLs are strangers' choice: only for a network of one's own.
	AllowPrivate bool `json:"allow_private"`
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
			BlockTime: Duration(time.Second)},
		RelayChains: DefaultRelayChains(),
		Servicers:   []Servicer{},
	}
}

// Addresses returns those of the keys that the roles need, each once, in the order of the file.
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

// Duration is written as text: "400ms".
type Duration time.Duration

// String writes the duration as time.Duration does.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes the duration as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%s is not a duration, as in 400ms or 2s", quoted(string(text)))
	}
	*d = Duration(parsed)
	return nil
}
