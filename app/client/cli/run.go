package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// streams are what a command reads from and writes to.
type streams struct {
	in       io.Reader
	out, err io.Writer
	// keys is how new key files are made; tests make theirs with less work.
	keys keystore.Config
}

// Run executes one command line, without the program's name, and returns the process's exit code (see ExitCode). The
// context ends when the user wants the command to stop. Results go to stdout; progress, logs and the one line that
// explains a failure go to stderr.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return run(ctx, args, streams{stdin, stdout, stderr, keystore.DefaultConfig()})
}

func run(ctx context.Context, args []string, io streams) int {
	root := newRoot(io)
	root.SetArgs(args)
	err := checkCommands(root, args)
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		return int(ExitOK)
	}
	code := exitCode(err)
	_, _ = fmt.Fprintln(io.err, "pocket: "+explain(err, code))
	return int(code)
}

// explain is the one line that an error ends with.
func explain(err error, code ExitCode) string {
	if code == ExitInterrupted {
		if _, own := errors.AsType[*exitError](err); !own {
			return "interrupted"
		}
	}
	line := clean(strings.TrimSpace(err.Error()))
	if errors.Is(err, client.ErrUnreachable) || errors.Is(err, client.ErrNotANode) {
		line += "; start one with 'pocket localnet', or name another with --node or POCKET_NODE"
	}
	return line
}

func newRoot(io streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "pocket",
		Short: "A network of servicers, and the fisherman that measures them",
		Long: `pocket runs a Pocket network on this machine and reads what its fisherman measured.

Start here:
  pocket localnet         a whole network on this machine, with a live table
  pocket fisherman watch  what the fisherman measures, live, from another terminal
  pocket fisherman qos    the same in one report

` + exitTable,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE:          func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SetFlagErrorFunc(flagProblem)
	root.AddCommand(
		newLocalnet(io),
		newFisherman(io),
		newServicer(io),
		newQuery(io),
		newRelay(io),
		newKeys(io),
		newNode(io),
		newTx(io),
		newGenesis(io),
		newVersion(io),
	)
	addCompletions(io, root)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}
