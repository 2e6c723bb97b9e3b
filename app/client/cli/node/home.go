package node

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/node"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/disk"
)

const (
	// nodeConfigName is the configuration within a node's home.
	nodeConfigName = configs.FileName
	// nodeGenesisName is what the default configuration calls the genesis.
	nodeGenesisName = "genesis.json"
	// nodeKeysName is where a home has its keys if they are not elsewhere.
	nodeKeysName = "keys"
)

// Names of the settings that are paths.
const (
	settingGenesis = "genesis"
	settingKeys    = "keys"
)

// addHome adds the flag of a node's home.
func addHome(cmd *cobra.Command, target *string) {
	cmd.Flags().StringVar(target, "home", "", "directory `DIR` of the node")
}

// settings are the flags that override settings of a node's configuration.
type settings map[string]*string

// addSettings adds a flag for each setting, with a usage that says where its default comes from.
func addSettings(cmd *cobra.Command, usage func(configs.Setting) string) settings {
	given := settings{}
	for _, setting := range configs.Settings() {
		given[setting.Name] = cmd.Flags().String(setting.Flag(), "", usage(setting))
		if setting.Switch {
			cmd.Flags().Lookup(setting.Flag()).NoOptDefVal = "true"
		}
	}
	return given
}

// override puts the flags that were given in place of a configuration's settings.
func (s settings) override(cmd *cobra.Command, node *configs.Node) error {
	for _, setting := range configs.Settings() {
		if !cmd.Flags().Changed(setting.Flag()) {
			continue
		}
		if err := node.Override(setting, *s[setting.Name]); err != nil {
			return command.Fail(command.ExitUsage, "--%s: %w", setting.Flag(), err)
		}
	}
	return nil
}

// checkNewHome refuses a directory that holds something else than what a person may have prepared for a node.
func checkNewHome(home string) error {
	entries, err := os.ReadDir(home)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return command.Fail(command.ExitHome, "home directory cannot be used: %w", err)
	}
	for _, entry := range entries {
		if disk.Owns(entry.Name()) {
			continue
		}
		switch entry.Name() {
		case nodeGenesisName, nodeKeysName, nodeKeyName, nodeKeyName + ".half":
		case nodeConfigName:
			return command.Fail(command.ExitHome, "%s is a node's home already; edit %s, or choose another --home", home, filepath.Join(home, nodeConfigName))
		default:
			return command.Fail(command.ExitHome, "%s holds %q and is no node's home; choose an empty or a new directory with --home", home, entry.Name())
		}
	}
	return nil
}

// writeNodeConfig makes the home and writes its configuration, which must not exist yet.
func writeNodeConfig(home string, config []byte) error {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return command.Fail(command.ExitHome, "home directory cannot be made: %w", err)
	}
	path := filepath.Join(home, nodeConfigName)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return command.Fail(command.ExitHome, "configuration cannot be written: %w", err)
	}
	_, err = file.Write(config)
	if err := cmp.Or(err, file.Sync(), file.Close()); err != nil {
		_ = os.Remove(path)
		return command.Fail(command.ExitHome, "configuration cannot be written: %w", err)
	}
	return nil
}

// readNodeConfig reads the configuration of a home.
func readNodeConfig(home string) (configs.Node, error) {
	path := filepath.Join(home, nodeConfigName)
	data, err := command.ReadFile(path, configs.MaximumSize)
	if errors.Is(err, fs.ErrNotExist) {
		return configs.Node{}, command.Fail(command.ExitHome, "%s is no node's home: it holds no %s; make one with 'pocket node init'", home, nodeConfigName)
	}
	if err != nil {
		return configs.Node{}, command.Fail(command.ExitHome, "configuration cannot be read: %w", err)
	}
	config, err := configs.Parse(data)
	if err != nil {
		return configs.Node{}, command.Fail(command.ExitUsage, "%s: %w", path, err)
	}
	return config, nil
}

// nodeMade is a node's new home as it is shown.
type nodeMade struct {
	Home    string   `json:"home"`
	Config  string   `json:"config"`
	Genesis string   `json:"genesis"`
	Keys    string   `json:"keys"`
	Roles   []string `json:"roles"`
	NodeID  string   `json:"node_id"`
	// Trust is the block from which on a snapshot is verified; nil when the node begins with the genesis.
	Trust *trustedBlock `json:"trust,omitempty"`
}

// trustedBlock is a block that the operator trusts.
type trustedBlock struct {
	Height int64  `json:"height"`
	Hash   string `json:"hash"`
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
	if sync := config.Chain.StateSync; sync != nil {
		made.Trust = &trustedBlock{Height: sync.TrustHeight, Hash: sync.TrustHash}
	}
	return made
}

func (m nodeMade) text() string {
	roles := strings.Join(m.Roles, ", ")
	if roles == "" {
		roles = "none; the node only follows the chain"
	}
	text := fmt.Sprintf("config   %s\ngenesis  %s\nkeys     %s\nroles    %s\nnode id  %s\n",
		terminal.Clean(m.Config), terminal.Clean(m.Genesis), terminal.Clean(m.Keys), roles, m.NodeID)
	if m.Trust != nil {
		text += fmt.Sprintf("trusts   block %d, %s\n"+
			"Compare this hash with what somebody says whom you trust: the node believes what follows from that block.\n", m.Trust.Height, m.Trust.Hash)
	}
	return text
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
			if _, err := readAlerts(io, config); err != nil {
				return err
			}
			if _, err := config.Open(home, os.LookupEnv); err != nil {
				return fmt.Errorf("%s: %w", filepath.Join(home, nodeConfigName), err)
			}
			return command.WriteJSON(io.Out, config.Shown())
		},
	}
	addHome(cmd, &home)
	given = addSettings(cmd, overrideUsage)
	command.AddOutput(cmd.Flags(), &output, command.OutputJSON)
	return cmd
}

// readAlerts reads the alerts of a node's fisherman; none if its configuration names no file of them.
func readAlerts(io command.Streams, config configs.Node) (groups.Alerts, error) {
	if config.Fisherman == nil || config.Fisherman.Alerts == "" {
		return groups.Alerts{}, nil
	}
	alerts, err := groups.LoadAlerts(config.Fisherman.Alerts, os.LookupEnv)
	if err != nil {
		return groups.Alerts{}, command.RefuseConfig(io, config.Fisherman.Alerts, err)
	}
	return alerts, nil
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
	if config.Fisherman != nil {
		config.Fisherman.Alerts = below(home, config.Fisherman.Alerts)
		if config.Fisherman.Feed != nil {
			config.Fisherman.Feed = new(config.Fisherman.Feed.Within(home))
		}
	}
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
