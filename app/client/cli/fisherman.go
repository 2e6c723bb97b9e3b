package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func newFisherman(io streams) *cobra.Command {
	return group(&cobra.Command{
		Use:   "fisherman",
		Short: "Read or watch what the fisherman of a node measures and can prove, and check servicers",
	}, newFishermanQoS(io), newFishermanCheck(io), newFishermanEvidence(io), newFishermanVerify(io), newFishermanWatch(io))
}

// qosQuery is what 'pocket fisherman qos' was told.
type qosQuery struct {
	filter client.QoSFilter
	// window merges sessions; empty shows them one by one.
	window       string
	output, node string
}

func newFishermanQoS(io streams) *cobra.Command {
	var q qosQuery
	command := &cobra.Command{
		Use:   "qos",
		Short: "Show the quality of service by session, worst servicer first",
		Long: `Shows what the fisherman measured: a table for each session, oldest first, with the worst servicer first and why.

Verdicts, worst first:
  inconsistent  it contradicted the strict majority of answers at least once
  unavailable   more null samples than allowed, or no answer at all
  slow          its median round-trip time is above the latency SLA, or most of its answers are
  unknown       too few samples, or too few majorities, to tell
  healthy       none of these

Shares are shown with their 95 % interval; round-trip times are in milliseconds. Servicers that cannot be told apart
share a rank, whatever their order.

With --window the newest complete sessions of each relay chain and geo zone are merged: those of the newest N starts, or
of the last D. Round-trip times are then estimated, within 0.1 %.`,
		Example: "  pocket fisherman qos --output json\n  pocket fisherman qos --window 24h --servicer ADDRESS",
		Args:    noArguments,
		RunE:    func(command *cobra.Command, _ []string) error { return showQoS(command.Context(), io, q) },
	}
	flags := command.Flags()
	addChecked(flags, &q.filter.SessionID, "session", "ID", types.ValidateSessionID, "this session only")
	addChecked(flags, &q.filter.Servicer, "servicer", "ADDRESS", types.ValidateAddress, "this servicer only")
	addChecked(flags, &q.window, "window", "N|D", checkSpan, "merge the newest N sessions, or those of the last D, as in 10 or 24h")
	addChoice(flags, &q.output, "output", outputTable, "form of the result", outputTable, outputJSON, outputCSV)
	addNode(flags, &q.node)
	return command
}

func checkSpan(text string) error {
	_, err := qos.ParseSpan(text)
	return err
}

func showQoS(ctx context.Context, io streams, q qosQuery) error {
	if q.window != "" && q.filter.SessionID != "" {
		return fail(ExitUsage, "--window (many sessions) and --session (one) exclude each other")
	}
	node, err := openNode(q.node)
	if err != nil {
		return err
	}
	defer node.Close()
	if q.window != "" {
		return showWindows(ctx, io, node, q)
	}
	report, err := node.QoS(ctx, q.filter)
	if err != nil {
		return fmt.Errorf("%s: %w", q.subject(), err)
	}
	if q.output == outputTable {
		status, err := node.Status(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", q.subject(), err)
		}
		if warning := storeWarning(status.Store); warning != "" {
			if err := writeText(io.out, warning); err != nil {
				return err
			}
		}
	}
	return writeReport(io.out, report, q.output)
}

// showWindows asks for sessions merged.
func showWindows(ctx context.Context, io streams, node *client.Client, q qosQuery) error {
	span, err := qos.ParseSpan(q.window)
	if err != nil {
		return fail(ExitUsage, "--window: %w", err)
	}
	report, err := node.QoSWindow(ctx, client.WindowFilter{Span: span, Servicer: q.filter.Servicer})
	if err != nil {
		return fmt.Errorf("%s: %w", q.subject(), err)
	}
	return writeWindows(io.out, report, q.output)
}

// subject says whose quality of service was asked for.
func (q qosQuery) subject() string {
	subject := "quality of service"
	if q.filter.Servicer != "" {
		subject += " of servicer " + q.filter.Servicer
	}
	if q.window != "" {
		subject += " over " + q.window
	}
	if q.filter.SessionID != "" {
		subject += " in session " + q.filter.SessionID
	}
	return subject
}
