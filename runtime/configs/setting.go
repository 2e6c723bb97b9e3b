package configs

import (
	"fmt"
	"strings"
)

// Setting is a single value that the environment and flags can put in place of the file's. Roles have none: they belong
// to the file.
type Setting struct {
	// Name is the path of the value in the file, as in "chain.block_time".
	Name string
	// Usage says in a few words what it is.
	Usage string
	set   func(n *Node, value string) error
}

// Settings are all of them, in the order of the file.
func Settings() []Setting {
	return []Setting{
		{"log_level", "least level that is logged", text(func(n *Node) *string { return &n.LogLevel })},
		{"log_format", "how the log is written: text or json", text(func(n *Node) *string { return &n.LogFormat })},
		{"genesis", "genesis file", text(func(n *Node) *string { return &n.Genesis })},
		{"keys", "directory of the key files", text(func(n *Node) *string { return &n.Keys })},
		{"api.listen", "HOST:PORT of the node's API", text(func(n *Node) *string { return &n.API.Listen })},
		{"pprof.listen", "loopback HOST:PORT of Go's profiles of this program", text(func(n *Node) *string { return &n.Pprof.Listen })},
		{"pprof.allow_remote", "whether the profiles may be served to other machines: true or false", func(n *Node, value string) error {
			if value != "true" && value != "false" {
				return fmt.Errorf("%s is neither true nor false", quoted(value))
			}
			n.Pprof.AllowRemote = value == "true"
			return nil
		}},
		{"chain.rpc_listen", "HOST:PORT of the chain's CometBFT JSON-RPC", text(func(n *Node) *string { return &n.Chain.RPCListen })},
		{"chain.p2p_listen", "HOST:PORT where other nodes of the chain connect", text(func(n *Node) *string { return &n.Chain.P2PListen })},
		{"chain.peers", "nodes of the chain to connect to, as ID@HOST:PORT, separated by commas", func(n *Node, value string) error {
			n.Chain.Peers = []string{}
			if value != "" {
				n.Chain.Peers = strings.Split(value, ",")
			}
			return nil
		}},
		{"chain.block_time", "pause between blocks", func(n *Node, value string) error {
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

// Flag is the setting's name on the command line, without dashes: "chain-block-time".
func (s Setting) Flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(s.Name) }

// Variable is the setting's environment variable: "POCKET_CHAIN_BLOCK_TIME".
func (s Setting) Variable() string {
	return "POCKET_" + strings.ToUpper(strings.ReplaceAll(s.Name, ".", "_"))
}

// Override puts a value in place of the configuration's. It checks no more than the form; Validate does the rest.
func (n *Node) Override(s Setting, value string) error {
	if err := s.set(n, value); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrInvalid, s.Name, err)
	}
	return nil
}

// FromEnvironment overrides each setting whose variable the lookup knows, as os.LookupEnv does, and that is not empty.
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
