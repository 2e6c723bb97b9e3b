package genesis

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
)

// maximumGenesis bounds the bytes of a genesis file that are read.
const maximumGenesis = 64 << 20

// New makes the command 'pocket genesis'.
func New(io command.Streams) *cobra.Command {
	return command.Group(&cobra.Command{
		Use:   "genesis",
		Short: "Work on genesis files",
	}, newValidate(io))
}

func newValidate(io command.Streams) *cobra.Command {
	return &cobra.Command{
		Use:     "validate FILE",
		Short:   "Check a genesis file: parameters within range, actors well-formed and sufficiently staked",
		Example: "  pocket genesis validate genesis.json",
		Args:    command.OneArgument("FILE"),
		RunE:    func(_ *cobra.Command, args []string) error { return validateGenesis(io, args[0]) },
	}
}

func validateGenesis(io command.Streams, path string) error {
	content, err := command.ReadFile(path, maximumGenesis)
	if err != nil {
		return command.Fail(command.ExitUsage, "%w", err)
	}
	parsed, err := genesis.Parse(content)
	if err != nil {
		return command.Fail(command.ExitGenesis, "%s: %w", path, err)
	}
	_, err = fmt.Fprintf(io.Out, "%s is valid: chain %s, %d actors\n", terminal.Clean(path), terminal.Clean(parsed.GetChainId()), len(parsed.GetActors()))
	return err
}
