package fisherman

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/observer"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// watchOptions are what 'pocket fisherman watch' was told.
type watchOptions struct {
	choice observer.Choice
	node   string
}

func newWatch(io command.Streams) *cobra.Command {
	var o watchOptions
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Watch live what the fisherman measures",
		Long: `Shows what the fisherman of a node measures while it measures it: each servicer's verdict over its newest checks, the worst
first and why, and beside it a session with every check, and on demand the samples of one. Press ? for the keys. The wider
the terminal, the more it shows: from 150 columns on the newest round-trip times are drawn, from 160 names are whole.

Where standard input or output is no terminal it writes plain lines: one for every check, and a table at a session's
end; trouble with the node or its chain goes to standard error. A node that is lost is tried again until it is back.

It runs until q or Ctrl-C. Without a terminal, --session ends by itself when the session is complete.`,
		Example: `  pocket fisherman watch
  pocket fisherman watch --chain 0021
  pocket fisherman watch | tee checks.log`,
		Args: command.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.choice.ID != "" && (o.choice.Application != "" || o.choice.Chain != "") {
				return command.Fail(command.ExitUsage, "--session (one) and --application or --chain (those of) exclude each other")
			}
			return watchFisherman(cmd.Context(), io, o)
		},
	}
	flags := cmd.Flags()
	command.AddChecked(flags, &o.choice.ID, "session", "ID", types.ValidateSessionID, "this session only")
	command.AddIdentifier(flags, &o.choice.Application, "application", "ADDRESS|GROUP", "the sessions of this application, or group, only")
	command.AddIdentifier(flags, &o.choice.Chain, "chain", "CHAIN|GROUP", "the sessions of this relay chain, or group, only")
	command.AddNode(flags, &o.node)
	return cmd
}

// watchFisherman watches on a terminal, or else in lines. What can be told at once is told before the terminal changes.
func watchFisherman(ctx context.Context, io command.Streams, o watchOptions) error {
	node, err := command.OpenNode(o.node)
	if err != nil {
		return err
	}
	defer node.Close()
	if o.choice.Application, err = command.CompleteAddress(ctx, node, "--application", o.choice.Application, api.AddressRoleApplication); err != nil {
		return err
	}
	in, reads := io.In.(*os.File)
	out, draws := terminal.File(io.Out)
	if reads {
		_, reads = terminal.File(in)
	}
	if !reads || !draws {
		return watchInLines(ctx, io, node, o.choice)
	}
	return watchOnScreen(ctx, node, o.choice, in, out)
}

// watchInLines writes lines until the context ends, or the one session that was asked for is complete.
func watchInLines(ctx context.Context, io command.Streams, node observer.Node, choice observer.Choice) error {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	lines := &terminal.Lines{Out: io.Out, Err: io.Err, Stop: stop}
	observer := observer.New(node, choice)
	first, err := observer.Begin(watching)
	if err != nil && ctx.Err() == nil {
		return watchProblem(choice, err)
	}
	if err == nil {
		lines.Show(first)
	}
	observer.Run(watching, lines.Show)
	if lines.Failure != nil {
		return lines.Failure
	}
	if choice.ID != "" && !observer.Finished() {
		return command.Fail(command.ExitInterrupted, "interrupted before session %s was complete", choice.ID)
	}
	return nil
}

// watchOnScreen draws until a key or the context ends it.
func watchOnScreen(ctx context.Context, node *client.Client, choice observer.Choice, in, out *os.File) error {
	observer := observer.New(node, choice)
	first, err := observer.Begin(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return watchProblem(choice, err)
	}
	screen := terminal.NewScreen(node.URL(), first, in, out)
	watching, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { observer.Run(watching, screen.Show) })
	defer running.Wait()
	defer stop()
	return screen.Run(ctx)
}

// watchProblem says what could not be watched.
func watchProblem(choice observer.Choice, err error) error {
	if choice.ID != "" {
		return fmt.Errorf("session %s: %w", choice.ID, err)
	}
	return err
}
