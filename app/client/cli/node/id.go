package node

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/node"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

const (
	nodeKeyName = configs.NodeKeyName
	// nodeSeedBytes are what the file holds.
	nodeSeedBytes = 32
)

func newID(io command.Streams) *cobra.Command {
	var home string
	cmd := &cobra.Command{
		Use:   "id",
		Short: "Show how peers name a node",
		Long: `Shows the id of a node, as its peers need it: they name the node ID@HOST:PORT in chain.peers, where HOST:PORT is its
chain.p2p_listen as they reach it.`,
		Example: "  pocket node id --home node",
		Args:    command.Needs("home"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := readNodeConfig(home); err != nil {
				return err
			}
			key, err := nodeKey(home)
			if err != nil {
				return err
			}
			return command.WriteText(io.Out, node.ID(key)+"\n")
		},
	}
	addHome(cmd, &home)
	return cmd
}

// nodeKey reads the home's node key, which is made if there is none.
func nodeKey(home string) (crypto.PrivateKey, error) {
	path := filepath.Join(home, nodeKeyName)
	text, err := command.ReadFile(path, 2*nodeSeedBytes+2)
	if errors.Is(err, fs.ErrNotExist) {
		return newKey(path)
	}
	if err != nil {
		return crypto.PrivateKey{}, command.Fail(command.ExitHome, "node key cannot be read: %w", err)
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != nodeSeedBytes {
		return crypto.PrivateKey{}, command.Fail(command.ExitHome, "%s is not a node key of %d hex digits; without the file the node gets another id", path, 2*nodeSeedBytes)
	}
	return crypto.KeyFromSeed([nodeSeedBytes]byte(seed)), nil
}

func newKey(path string) (crypto.PrivateKey, error) {
	var seed [nodeSeedBytes]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return crypto.PrivateKey{}, command.Fail(command.ExitFailure, "make node key: %w", err)
	}
	// A process that is killed in between leaves no half of a key under its name.
	half := path + ".half"
	err := os.WriteFile(half, []byte(hex.EncodeToString(seed[:])+"\n"), 0o600)
	if err == nil {
		err = os.Rename(half, path)
	}
	if err != nil {
		return crypto.PrivateKey{}, command.Fail(command.ExitHome, "node key cannot be written: %w", err)
	}
	return crypto.KeyFromSeed(seed), nil
}
