package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/node"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
)

// nodeMade is a node's new home as it is shown.
type nodeMade struct {
	Home    string   `json:"home"`
	Config  string   `json:"config"`
	Genesis string   `json:"genesis"`
	Keys    string   `json:"keys"`
	Roles   []string `json:"roles"`
	NodeID  string   `json:"node_id"`
}

func newNodeMade(home string, config configs.Node, id string) nodeMade {
	made := nodeMade{Home: home, NodeID: id, Config: filepath.Join(home, nodeConfigName), Genesis: below(home, config.Genesis), Keys: config.Keys, Roles: []string{}}
	if config.Validator != nil {
		made.Roles = append(made.Roles, "validator")
	}
	if len(config.Servicers) > 0 {
		made.Roles = append(made.Roles, "servicer")
	}
	if config.Fisherman != nil {
		made.Roles = append(made.Roles, "fisherman")
	}
	return made
}

func (m nodeMade) text() string {
	roles := strings.Join(m.Roles, ", ")
	if roles == "" {
		roles = "none; the node only follows the chain"
	}
	return fmt.Sprintf("config   %s\ngenesis  %s\nkeys     %s\nroles    %s\nnode id  %s\n",
		terminal.Clean(m.Config), terminal.Clean(m.Genesis), terminal.Clean(m.Keys), roles, m.NodeID)
}

// below makes a relative path one below the home. An empty one stays so, for validation to find.
func below(home, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(home, path)
}

func newConfig(io command.Streams) *cobra.Command {
	var home, output string
	var given settings
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check a node's configuration and show what is in effect",
		Long: `Reads ` + nodeConfigName + ` in the home, puts the environment and then the flags in place of its settings, checks every value and that
the keys are there, and prints the configuration in effect.`,
		Example: `  pocket node config --home node
  POCKET_LOG_LEVEL=debug pocket node config --home node --api-listen 127.0.0.1:8080`,
		Args: command.Needs("home"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := nodeConfig(cmd, home, given)
			if err != nil {
				return err
			}
			if err := checkKeys(keystore.New(config.Keys, io.Keys), config.Addresses()); err != nil {
				return err
			}
			return command.WriteJSON(io.Out, config)
		},
	}
	addHome(cmd, &home)
	given = addSettings(cmd, overrideUsage)
	command.AddOutput(cmd.Flags(), &output, command.OutputJSON)
	return cmd
}

// overrideUsage of a setting says what goes before what.
func overrideUsage(setting configs.Setting) string {
	return setting.Usage + " (default $" + setting.Variable() + " or the file's)"
}

// nodeConfig is a home's configuration in effect: the file, over it the environment, over that the flags; valid, and
// with paths that do not depend on where the program was started.
func nodeConfig(cmd *cobra.Command, home string, given settings) (configs.Node, error) {
	home, err := filepath.Abs(home)
	if err != nil {
		return configs.Node{}, command.Fail(command.ExitHome, "find home directory: %w", err)
	}
	config, err := readNodeConfig(home)
	if err != nil {
		return configs.Node{}, err
	}
	// What the file says is below the home; what the environment and the flags say is below where the user is.
	config.Genesis, config.Keys = below(home, config.Genesis), below(home, config.Keys)
	if err := config.FromEnvironment(os.LookupEnv); err != nil {
		return configs.Node{}, err
	}
	if err := given.override(cmd, &config); err != nil {
		return configs.Node{}, err
	}
	if err := config.Validate(); err != nil {
		return configs.Node{}, fmt.Errorf("%s: %w", filepath.Join(home, nodeConfigName), err)
	}
	if err := node.ValidateRelayChains(config.RelayChains); err != nil {
		return configs.Node{}, fmt.Errorf("%s: %w", filepath.Join(home, nodeConfigName), err)
	}
	for _, path := range []*string{&config.Genesis, &config.Keys} {
		if *path, err = filepath.Abs(*path); err != nil {
			return configs.Node{}, command.Fail(command.ExitUsage, "find %s: %w", *path, err)
		}
	}
	return config, nil
}
