package fisherman

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// historyOptions are what 'pocket fisherman history' was told.
type historyOptions struct {
	servicer, chain string
	last, step      string
	output, node    string
}

func newHistory(io command.Streams) *cobra.Command {
	var o historyOptions
	cmd := &cobra.Command{
		Use:   "history [SERVICER]",
		Short: "Show the quality of service over time",
		Long: `Shows what the fisherman measured over time, from rollups, which a node keeps for longer than sessions: of 5 minutes for 7
days and of 1 hour for 400 days, unless its configuration says otherwise.

Without SERVICER there is a row for each servicer, the least available first, with sparklines. With SERVICER (its address or the first
8 digits of it, or the name of a target) there is a row for each step, and one for each time without a check. Void and throttled samples are in CHECKS, and count
for nobody. Round-trip times are estimated within 2 %; counts are exact.

A step is 5m, 10m, 15m, 20m, 30m or a number of whole hours or days. Unless --step says otherwise, a table has steps that fit
into its lines, and other forms those that the node chooses. Times are UTC.`,
		Example: `  pocket fisherman history
  pocket fisherman history --last 30d --output csv
  pocket fisherman history ADDRESS --last 24h --step 1h`,
		Args: takesServicer,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.servicer = args[0]
			}
			return showHistory(cmd.Context(), io, o)
		},
	}
	flags := cmd.Flags()
	command.AddIdentifier(flags, &o.servicer, "servicer", "ADDRESS|NAME", "this servicer (its first 8 digits will do), or target, only; the same as SERVICER")
	command.AddIdentifier(flags, &o.chain, "relay-chain", "CHAIN|GROUP", "this relay chain, as in 0001, or group, only")
	o.last = "24h"
	command.AddChecked(flags, &o.last, "last", "D", checkLast, "how far back, as in 90m, 24h or 30d")
	command.AddChecked(flags, &o.step, "step", "D", checkStep, "how long a point is, as in 5m, 1h or 1d (default what fits)")
	command.AddOutput(flags, &o.output, command.OutputTable, command.OutputJSON, command.OutputCSV)
	command.AddNode(flags, &o.node)
	return cmd
}

func checkLast(text string) error {
	_, err := client.ParseLast(text)
	return err
}

func checkStep(text string) error {
	_, err := client.ParseStep(text)
	return err
}

func showHistory(ctx context.Context, io command.Streams, o historyOptions) error {
	filter := client.HistoryFilter{Servicer: o.servicer, RelayChain: o.chain}
	form := terminal.FormFor(io.Out)
	var err error
	if filter.Last, err = client.ParseLast(o.last); err != nil {
		return command.Fail(command.ExitUsage, "--last: %w", err)
	}
	switch {
	case o.step != "":
		if filter.Step, err = client.ParseStep(o.step); err != nil {
			return command.Fail(command.ExitUsage, "--step: %w", err)
		}
	case o.output == command.OutputTable:
		filter.Step = client.StepThatFits(filter.Last, terminal.HistoryPoints(form))
	}
	node, err := command.OpenNode(o.node)
	if err != nil {
		return err
	}
	defer node.Close()
	if filter.Servicer, err = command.CompleteAddress(ctx, node, "SERVICER", filter.Servicer, api.AddressRoleServicer); err != nil {
		return err
	}
	history, err := node.History(ctx, filter)
	if err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return writeHistory(io, history, o.output, form)
}

// writeHistory writes history in the form that --output names.
func writeHistory(io command.Streams, history api.History, output string, form terminal.Form) error {
	text := func() string {
		if history.Servicer != nil {
			return terminal.ServicerHistoryText(history, form)
		}
		return terminal.HistoryText(history, form)
	}
	return command.WriteResult(io.Out, output, history, text, func() [][]string { return command.HistoryRows(history) })
}
