package configs

import (
	"fmt"
	"strconv"
	"strings"
)

// Setting is a value of the file that the environment and flags can override. Roles have no settings: they belong in
// the file.
type Setting struct {
	// Name is the path of the value in the file, as in "chain.block_time".
	Name string
	// Usage describes it in a few words.
	Usage string
	// Switch is true if the value is a boolean, so that the flag alone means true.
	Switch bool
	set    func(n *Node, value string) error
}

// Settings returns all settings, in the order of the file.
func Settings() []Setting {
	return []Setting{
		{Name: "log_level", Usage: "least level that is logged", set: text(func(n *Node) *string { return &n.LogLevel })},
		{Name: "log_format", Usage: "how the log is written: text or json", set: text(func(n *Node) *string { return &n.LogFormat })},
		{Name: "genesis", Usage: "genesis file", set: text(func(n *Node) *string { return &n.Genesis })},
		{Name: "keys", Usage: "directory of the key files", set: text(func(n *Node) *string { return &n.Keys })},
		{Name: "api.listen", Usage: "HOST:PORT of the node's API", set: text(func(n *Node) *string { return &n.API.Listen })},
		{Name: "api.public", Usage: "let other machines reach the node's API", Switch: true, set: truth(func(n *Node) *bool { return &n.API.Public })},
		{Name: "pprof.listen", Usage: "loopback HOST:PORT of Go's profiles of this program", set: text(func(n *Node) *string { return &n.Pprof.Listen })},
		{Name: "pprof.allow_remote", Usage: "let other machines reach the profiles", Switch: true, set: truth(func(n *Node) *bool { return &n.Pprof.AllowRemote })},
		{Name: "chain.rpc_listen", Usage: "HOST:PORT of the chain's CometBFT JSON-RPC", set: text(func(n *Node) *string { return &n.Chain.RPCListen })},
		{Name: "chain.rpc_public", Usage: "let other machines reach the chain's JSON-RPC", Switch: true, set: truth(func(n *Node) *bool { return &n.Chain.RPCPublic })},
		{Name: "chain.p2p_listen", Usage: "HOST:PORT where other nodes of the chain connect", set: text(func(n *Node) *string { return &n.Chain.P2PListen })},
		{Name: "chain.peers", Usage: "nodes of the chain to connect to, as ID@HOST:PORT, separated by commas", set: func(n *Node, value string) error {
			n.Chain.Peers = []string{}
			if value != "" {
				n.Chain.Peers = strings.Split(value, ",")
			}
			return nil
		}},
		{Name: "chain.keep_heights", Usage: "newest heights whose state and block are kept: a number, week or all", set: func(n *Node, value string) error {
			return n.Chain.KeepHeights.UnmarshalText([]byte(value))
		}},
		{Name: "chain.snapshot_interval", Usage: "blocks between the snapshots for joining nodes; 0 takes none", set: func(n *Node, value string) error {
			number, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return fmt.Errorf("%s is not a whole number", quoted(value))
			}
			n.Chain.SnapshotInterval = number
			return nil
		}},
		{Name: "chain.block_time", Usage: "pause between blocks", set: func(n *Node, value string) error {
			return n.Chain.BlockTime.UnmarshalText([]byte(value))
		}},
	}
}

func text(field func(*Node) *string) func(*Node, string) error {
	return func(n *Node, value string) error {
		*field(n) = value
		return nil
	}
}

func truth(field func(*Node) *bool) func(*Node, string) error {
	return func(n *Node, value string) error {
		read, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("%s is neither true nor false", quoted(value))
		}
		*field(n) = read
		return nil
	}
}

// Flag returns the setting's name on the command line, without dashes: "chain-block-time".
func (s Setting) Flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(s.Name) }

// Variable returns the setting's environment variable: "POCKET_CHAIN_BLOCK_TIME".
func (s Setting) Variable() string {
	return "POCKET_" + strings.ToUpper(strings.ReplaceAll(s.Name, ".", "_"))
}

// Override replaces a value of the configuration. It checks only the form; Validate does the rest.
func (n *Node) Override(s Setting, value string) error {
	if err := s.set(n, value); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrInvalid, s.Name, err)
	}
	return nil
}

// FromEnvironment overrides each setting whose variable lookup finds and that is not empty. os.LookupEnv is such a
// lookup.
func (n *Node) FromEnvironment(lookup func(string) (string, bool)) error {
	for _, setting := range Settings() {
		value, known := lookup(setting.Variable())
		if !known || value == "" {
			continue
		}
		if err := n.Override(setting, value); err != nil {
			return fmt.Errorf("%s: %w", setting.Variable(), err)
		}
	}
	return nil
}
