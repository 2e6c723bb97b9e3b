package command

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/rpc/client"
)

const (
	// NodeVariable names the environment variable that says which node to ask.
	NodeVariable = "POCKET_NODE"
	// DefaultNode is where a LocalNet serves its API unless told otherwise.
	DefaultNode = "http://127.0.0.1:50832"
)

// AddNode adds the flag --node, the node to ask, and --api, which means the same: a collector is no node.
func AddNode(flags *pflag.FlagSet, target *string) {
	flags.StringVar(target, "node", "", "`URL` of the node to ask (default $"+NodeVariable+" or "+DefaultNode+")")
	flags.StringVar(target, "api", "", "the same as --node, for a `URL` of what is no node, as a collector")
}

// OpenNode makes a client of the node that the flag names, else the environment, else the default.
func OpenNode(flag string) (*client.Client, error) {
	source, url := "--node", flag
	if url == "" {
		source, url = NodeVariable, os.Getenv(NodeVariable)
	}
	if url == "" {
		url = DefaultNode
	}
	node, err := client.New(url)
	if err != nil {
		return nil, Fail(ExitUsage, "%s: %w", source, err)
	}
	return node, nil
}

// Ask reads something from the node that the flag --node names. What it is stands before an error of the node's.
func Ask[T any](flag, what string, read func(*client.Client) (T, error)) (found T, err error) {
	node, err := OpenNode(flag)
	if err != nil {
		return found, err
	}
	defer node.Close()
	if found, err = read(node); err != nil {
		return found, fmt.Errorf("%s: %w", what, err)
	}
	return found, nil
}
