package cli

import (
	"os"

	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/rpc/client"
)

const (
	// nodeVariable names the environment variable that says which node to ask.
	nodeVariable = "POCKET_NODE"
	// defaultNode is where a LocalNet serves its API unless told otherwise.
	defaultNode = "http://127.0.0.1:50832"
)

func addNode(flags *pflag.FlagSet, target *string) {
	flags.StringVar(target, "node", "", "`URL` of the node to ask (default $"+nodeVariable+" or "+defaultNode+")")
}

// openNode makes a client of the node that the flag names, else the environment, else the default.
func openNode(flag string) (*client.Client, error) {
	source, url := "--node", flag
	if url == "" {
		source, url = nodeVariable, os.Getenv(nodeVariable)
	}
	if url == "" {
		url = defaultNode
	}
	node, err := client.New(url)
	if err != nil {
		return nil, fail(ExitUsage, "%s: %w", source, err)
	}
	return node, nil
}
