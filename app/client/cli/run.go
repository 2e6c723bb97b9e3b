package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/collector"
	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/compare"
	"github.com/pocket-fisherman/fisherman/app/client/cli/fisherman"
	"github.com/pocket-fisherman/fisherman/app/client/cli/genesis"
	"github.com/pocket-fisherman/fisherman/app/client/cli/keys"
	"github.com/pocket-fisherman/fisherman/app/client/cli/localnet"
	"github.com/pocket-fisherman/fisherman/app/client/cli/node"
	"github.com/pocket-fisherman/fisherman/app/client/cli/query"
	"github.com/pocket-fisherman/fisherman/app/client/cli/relay"
	"github.com/pocket-fisherman/fisherman/app/client/cli/servicer"
	"github.com/pocket-fisherman/fisherman/app/client/cli/shannon"
	"github.com/pocket-fisherman/fisherman/app/client/cli/tx"
	"github.com/pocket-fisherman/fisherman/app/client/cli/version"
	"github.com/pocket-fisherman/fisherman/keystore"
)

// Run executes one command line, without the program's name, and returns the process's exit code (see command.ExitCode).
// The context ends when the user wants the command to stop. Results go to stdout; progress, logs and the one line that
// explains a failure go to stderr.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return int(run(ctx, args, command.Streams{In: stdin, Out: stdout, Err: stderr, Keys: keystore.DefaultConfig()}))
}

func run(ctx context.Context, args []string, io command.Streams) command.ExitCode {
	return command.Run(ctx, io, newRoot(io), args)
}

func newRoot(io command.Streams) *cobra.Command {
	root := command.Root(io, &cobra.Command{
		Use: "pocket",
		// The flag --version, which many try first.
		Version: version.Line(),
		Short:   "A network of servicers, and the fisherman that measures them",
		Long: `pocket measures servicers and RPC endpoints: it races a few that you have, runs a Pocket network on this machine, and
reads what a fisherman measured.

Start here:
  pocket compare URL ...  which of these RPC endpoints is fast, fresh and right
  pocket localnet         a whole network on this machine, with a live table
  pocket fisherman watch  what the fisherman measures, live, from another terminal
  pocket fisherman qos    the same in one report

` + command.ExitCodesHelp(),
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	},
		compare.New, localnet.New, fisherman.New, collector.New, servicer.New, query.New, relay.New, shannon.New, keys.New, node.New, tx.New, genesis.New, version.New)
	root.SetVersionTemplate("{{.Version}}")
	return root
}
