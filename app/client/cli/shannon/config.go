package shannon

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/quote"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

// configured takes everything from a group of a configuration. Flags that the group has too are refused, so that nobody
// wonders which counts.
func (a *access) configured(cmd *cobra.Command, io command.Streams) error {
	for _, name := range []string{flagRPC, flagApplication, flagService, flagChainID, flagInterval, flagSigner, flagKeys, flagPrivate} {
		if flag := cmd.Flags().Lookup(name); flag != nil && flag.Changed {
			return command.Fail(command.ExitUsage, "--config and --%s exclude each other: the configuration's group has it", name)
		}
	}
	config, err := groups.Load(a.config, os.LookupEnv)
	if err != nil {
		return command.RefuseConfig(io, a.config, err)
	}
	group, err := a.pick(config)
	if err != nil {
		return err
	}
	kind := a.RPCType
	a.Source = quote.OfGroup(group)
	if cmd.Flags().Changed(flagRPCType) {
		a.RPCType = kind
	}
	a.rpcType = labelOf(a.RPCType)
	a.signer, a.keys, a.allowPrivate = group.Shannon.Signer, group.Shannon.Keys, group.Shannon.AllowPrivate
	return nil
}

// pick returns the group that is meant.
func (a *access) pick(config groups.Config) (groups.Group, error) {
	config.Groups = slices.DeleteFunc(slices.Clone(config.Groups), func(g groups.Group) bool { return g.Shannon == nil })
	names := make([]string, len(config.Groups))
	for i, group := range config.Groups {
		names[i] = group.Name
	}
	path := terminal.Clean(a.config)
	switch at := slices.Index(names, a.group); {
	case len(names) == 0:
		return groups.Group{}, command.Fail(command.ExitUsage, "%s has no group with the key 'shannon'", path)
	case at >= 0:
		return config.Groups[at], nil
	case a.group != "":
		return groups.Group{}, command.Fail(command.ExitUsage, "--group %q: %s has %s of this network", terminal.Short(a.group), path, strings.Join(names, ", "))
	case len(names) > 1:
		return groups.Group{}, command.Fail(command.ExitUsage, "%s has several groups of this network; give --group %s", path, strings.Join(names, " or "))
	}
	return config.Groups[0], nil
}
