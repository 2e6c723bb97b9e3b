package command

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

// completionTimeout bounds how long a node is waited for while somebody waits for a completion.
const completionTimeout = 700 * time.Millisecond

func anyKey(keystore.Entry) bool       { return true }
func ed25519Key(e keystore.Entry) bool { return e.Type == keystore.Ed25519 }

// addressCompletion completes a flag by its kind: an address, or what a fisherman samples.
func addressCompletion(io Streams, command *cobra.Command, name, kind string) cobra.CompletionFunc {
	role := api.AddressRole("")
	switch name {
	case "application":
		role = api.AddressRoleApplication
	case "servicer":
		role = api.AddressRoleServicer
	}
	switch {
	case kind != "ADDRESS" && kind != "ADDRESS|NAME" && kind != "ADDRESS|GROUP":
		return cobra.NoFileCompletions
	case kind == "ADDRESS" && command.Flags().Lookup(flagNode) == nil && command.Flags().Lookup(flagConfig) != nil:
		return storedAddresses(io, func(e keystore.Entry) bool { return e.Type == keystore.Secp256k1 })
	}
	return addresses(io, role, ed25519Key)
}

// addresses completes addresses of stored keys that fit, where the command takes them, and those of a role that the node knows,
// if it answers soon.
func addresses(io Streams, role api.AddressRole, fits func(keystore.Entry) bool) cobra.CompletionFunc {
	return func(command *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var found []cobra.Completion
		seen := make(map[string]bool)
		if command.Flags().Lookup(flagKeys) != nil {
			found, _ = storedAddresses(io, fits)(command, args, begun)
			for _, stored := range found {
				address, _, _ := strings.Cut(stored, "\t")
				seen[address] = true
			}
		}
		flag := command.Flags().Lookup(flagNode)
		if flag == nil {
			return found, cobra.ShellCompDirectiveNoFileComp
		}
		for _, known := range knownAddresses(command.Context(), flag.Value.String(), begun, role) {
			if address := terminal.Clean(known.Address); !seen[address] {
				found = append(found, cobra.CompletionWithDesc(address, describe(known)))
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// knownAddresses asks a node; without a timely answer there is nothing to complete.
func knownAddresses(ctx context.Context, flag, begun string, role api.AddressRole) []api.KnownAddress {
	node, err := OpenNode(flag)
	if err != nil {
		return nil
	}
	defer node.Close()
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	found, _ := node.Addresses(ctx, begun, role, askedCandidates)
	return found.Addresses
}

// describe says what is at an address.
func describe(known api.KnownAddress) string {
	roles := make([]string, len(known.Roles))
	for i, role := range known.Roles {
		roles[i] = terminal.Clean(role)
	}
	return strings.Join(roles, ", ")
}

// storedAddresses completes addresses of keys in the directory that the command line names so far, with their labels.
func storedAddresses(io Streams, fits func(keystore.Entry) bool) cobra.CompletionFunc {
	return func(command *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var found []cobra.Completion
		directory := ""
		if flag := command.Flags().Lookup(flagKeys); flag != nil {
			directory = flag.Value.String()
		}
		if store, err := OpenKeys(io, directory); err == nil {
			entries, _, _ := store.List() // without a directory there is nothing to complete
			for _, entry := range entries {
				if fits(entry) && strings.HasPrefix(entry.Address, begun) {
					found = append(found, cobra.CompletionWithDesc(entry.Address, terminal.Clean(entry.Label)))
				}
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// configuredGroups completes names of the groups of the live Pocket network in the configuration that the command line names.
func configuredGroups(command *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var found []cobra.Completion
	if flag := command.Flags().Lookup(flagConfig); flag != nil {
		config, _ := groups.Load(flag.Value.String(), os.LookupEnv) // a file with a mistake names nothing
		for _, group := range config.Groups {
			if group.Shannon != nil && strings.HasPrefix(group.Name, begun) {
				found = append(found, terminal.Clean(group.Name))
			}
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}
