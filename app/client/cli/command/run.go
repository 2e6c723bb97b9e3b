package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// Streams are what a command reads from and writes to.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Keys is how new key files are made; tests make theirs with less work.
	Keys keystore.Config
}

// Root completes the root of a tree of commands: with nouns, help, completions, and errors that are one line.
func Root(io Streams, root *cobra.Command, nouns ...func(Streams) *cobra.Command) *cobra.Command {
	root.SilenceUsage, root.SilenceErrors = true, true
	root.SetIn(io.In)
	root.SetOut(io.Out)
	root.SetErr(io.Err)
	root.SetFlagErrorFunc(flagProblem)
	for _, noun := range nouns {
		root.AddCommand(noun(io))
	}
	root.SetGlobalNormalizationFunc(otherNames)
	addCompletions(io, root)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}

// otherNames are names that flags go by beside their own: --relay-chain is what the API calls --chain.
func otherNames(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	if name == "relay-chain" {
		name = "chain"
	}
	return pflag.NormalizedName(name)
}

// Run executes one command line below a root, without the program's name, and returns the exit code. What went wrong is
// one line on standard error.
func Run(ctx context.Context, io Streams, root *cobra.Command, args []string) ExitCode {
	root.SetArgs(args)
	err := checkCommands(root, args)
	if err == nil {
		running, stop := withHangup(ctx)
		defer stop()
		err = root.ExecuteContext(running)
	}
	if err == nil {
		return ExitOK
	}
	code := Code(err)
	_, _ = fmt.Fprintln(io.Err, "pocket: "+explain(err, code))
	return code
}

// explain is the one line that an error ends with.
func explain(err error, code ExitCode) string {
	if code == ExitInterrupted {
		if _, own := errors.AsType[*exitError](err); !own {
			return "interrupted"
		}
	}
	line := terminal.Clean(strings.TrimSpace(err.Error()))
	if errors.Is(err, client.ErrUnreachable) || errors.Is(err, client.ErrNotANode) {
		line += "; start one with 'pocket localnet', or name another with --node or POCKET_NODE"
	}
	return line
}
