package node

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
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
