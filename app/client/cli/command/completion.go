package command

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
)

// Flags whose values are completed by their names.
const (
	flagKeys      = "keys"
	flagHome      = "home"
	flagCatalogue = "catalogue"
	flagNode      = "node"
	flagConfig    = "config"
	flagGroup     = "group"
	flagSigner    = "signer"
)

// addCompletions tells the shell, for a command and all below it, what flags and arguments take: words of a choice,
// addresses of stored keys, directories, and files only where a file is meant.
func addCompletions(io Streams, command *cobra.Command) {
	command.Flags().VisitAll(func(flag *pflag.Flag) {
		if complete := flagCompletion(io, command, flag); complete != nil {
			// It fails for a flag that is unknown or has a completion, which this one is and has not.
			_ = command.RegisterFlagCompletionFunc(flag.Name, complete)
		}
	})
	switch {
	case command.ValidArgsFunction != nil:
	case strings.HasSuffix(command.Use, " ADDRESS") && command.Flags().Lookup(flagKeys) != nil:
		command.ValidArgsFunction = firstOnly(storedAddresses(io, anyKey))
	case strings.HasSuffix(command.Use, " [SERVICER]"):
		command.ValidArgsFunction = firstOnly(addresses(io, api.AddressRoleServicer, ed25519Key))
	case !strings.HasSuffix(command.Use, " FILE"):
		command.ValidArgsFunction = cobra.NoFileCompletions
	}
	for _, child := range command.Commands() {
		addCompletions(io, child)
	}
}

// flagCompletion completes a flag's value; nil leaves it to the shell, which offers files.
func flagCompletion(io Streams, command *cobra.Command, flag *pflag.Flag) cobra.CompletionFunc {
	switch value := flag.Value.(type) {
	case *choice:
		return cobra.FixedCompletions(value.words, cobra.ShellCompDirectiveNoFileComp)
	case *checked:
		return addressCompletion(io, command, flag.Name, value.kind)
	case *choices:
		return cobra.FixedCompletions(value.words, cobra.ShellCompDirectiveNoFileComp)
	case *wholeNumber, *span, *decimal:
		return cobra.NoFileCompletions
	}
	switch flag.Name {
	case flagSigner:
		return storedAddresses(io, func(e keystore.Entry) bool { return e.Type == keystore.Secp256k1 })
	case flagGroup:
		return configuredGroups
	case flagKeys, flagHome:
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	case flagCatalogue:
		if name, _ := pflag.UnquoteUsage(flag); name != "FILE" {
			return catalogues
		}
	}
	if name, _ := pflag.UnquoteUsage(flag); name == "URL" || name == "NOTE" || name == "HOST:PORT" || name == "CHAIN=URL" {
		return cobra.NoFileCompletions
	}
	return nil
}

// firstOnly completes the first argument.
func firstOnly(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(command *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(command, args, begun)
	}
}

// catalogues completes CHAIN=NAME once the chain is written.
func catalogues(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	chain, _, written := strings.Cut(begun, "=")
	if !written {
		return nil, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	var found []cobra.Completion
	for _, name := range configs.Catalogues() {
		found = append(found, chain+"="+name)
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}
