package cli

import (
	"context"
	"fmt"
	"os"
	"sync"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// watchOrder is what 'pocket fisherman watch' was told.
type watchOrder struct {
	choice sessionChoice
	node   string
}

func newFishermanWatch(io streams) *cobra.Command {
	var order watchOrder
	command := &cobra.Command{
		Use:   "watch",
		Short: "Watch live what the fisherman measures",
		Long: `Shows what the fisherman of a node measures while it measures it: a session, its servicers with the worst first and why,
every check of each, and on demand the samples of one. Press ? for the keys.

Where standard input or output is no terminal it writes plain lines: one for every check, and a table at a session's
end; trouble with the node or its chain goes to standard error. A node that is lost is tried again until it is back.

It runs until q or Ctrl-C. Without a terminal, --session ends by itself when the session is complete.`,
		Example: `  pocket fisherman watch
  pocket fisherman watch --chain 0021
  pocket fisherman watch | tee checks.log`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			if order.choice.id != "" && (order.choice.application != "" || order.choice.chain != "") {
				return fail(ExitUsage, "--session (one) and --application or --chain (those of) exclude each other")
			}
			return watchFisherman(command.Context(), io, order)
		},
	}
	flags := command.Flags()
	addChecked(flags, &order.choice.id, "session", "ID", types.ValidateSessionID, "this session only")
	addChecked(flags, &order.choice.application, "application", "ADDRESS", types.ValidateAddress, "the sessions of this application only")
	addChecked(flags, &order.choice.chain, "chain", "CHAIN", types.ValidateRelayChain, "the sessions of this relay chain only")
	addNode(flags, &order.node)
	return command
}

// watchFisherman watches on a terminal, or else in lines. What can be told at once is told before the terminal changes.
func watchFisherman(ctx context.Context, io streams, order watchOrder) error {
	node, err := openNode(order.node)
	if err != nil {
		return err
	}
	defer node.Close()
	in, reads := io.in.(*os.File)
	out, draws := terminal(io.out)
	if reads {
		_, reads = terminal(in)
	}
	if !reads || !draws {
		return watchInLines(ctx, io, node, order.choice)
	}
	return watchOnScreen(ctx, node, order, in, out)
}

// watchInLines writes lines until the context ends, or the one session that was asked for is complete.
func watchInLines(ctx context.Context, io streams, node observedNode, choice sessionChoice) error {
	written := &watchLines{out: io.out, err: io.err}
	observer := newObserver(node, choice, written.show)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	written.stop = stop
	if err := observer.begin(watching); err != nil && ctx.Err() == nil {
		return watchProblem(choice, err)
	}
	observer.run(watching)
	if written.failure != nil {
		return written.failure
	}
	if choice.id != "" && !observer.finished() {
		return fail(ExitInterrupted, "interrupted before session %s was complete", choice.id)
	}
	return nil
}

// watchOnScreen draws until a key or the context ends it.
func watchOnScreen(ctx context.Context, node *client.Client, order watchOrder, in, out *os.File) error {
	var first observation
	observer := newObserver(node, order.choice, func(seen observation) { first = seen })
	if err := observer.begin(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return watchProblem(order.choice, err)
	}
	model := screen{url: node.URL()}
	model.now = first.at
	program := tea.NewProgram(model.observe(first), tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler(), tea.WithFPS(20))
	observer.show = func(seen observation) { program.Send(seen) }

	watching, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { observer.run(watching) })
	defer running.Wait()
	defer stop()
	defer context.AfterFunc(ctx, program.Quit)()
	if _, err := program.Run(); err != nil {
		return fmt.Errorf("draw on the terminal: %w", err)
	}
	return nil
}

// watchProblem says what could not be watched.
func watchProblem(choice sessionChoice, err error) error {
	if choice.id != "" {
		return fmt.Errorf("session %s: %w", choice.id, err)
	}
	return err
}
