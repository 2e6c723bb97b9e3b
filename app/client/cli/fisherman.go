package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func newFisherman(io streams) *cobra.Command {
	return group(&cobra.Command{
		Use:   "fisherman",
		Short: "Read what the fisherman of a node measured and can prove, and check servicers",
	}, newFishermanQoS(io), newFishermanCheck(io), newFishermanEvidence(io), newFishermanVerify(io))
}

// qosQuery is what 'pocket fisherman qos' was told.
type qosQuery struct {
	filter       client.QoSFilter
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
  slow          its median round-trip time is above the latency SLA
  unknown       too few samples, or too few majorities, to tell
  healthy       none of these

Shares are shown with their 95 % interval; round-trip times are in milliseconds.`,
		Example: "  pocket fisherman qos --output json",
		Args:    noArguments,
		RunE:    func(command *cobra.Command, _ []string) error { return showQoS(command.Context(), io, q) },
	}
	flags := command.Flags()
	addChecked(flags, &q.filter.SessionID, "session", "ID", types.ValidateSessionID, "this session only")
	addChecked(flags, &q.filter.Servicer, "servicer", "ADDRESS", types.ValidateAddress, "this servicer only")
	addChoice(flags, &q.output, "output", outputTable, "form of the result", outputTable, outputJSON, outputCSV)
	addNode(flags, &q.node)
	return command
}

func showQoS(ctx context.Context, io streams, q qosQuery) error {
	node, err := openNode(q.node)
	if err != nil {
		return err
	}
	defer node.Close()
	report, err := node.QoS(ctx, q.filter)
	if err != nil {
		return fmt.Errorf("%s: %w", q.subject(), err)
	}
	return writeReport(io.out, report, q.output)
}

// subject says whose quality of service was asked for.
func (q qosQuery) subject() string {
	subject := "quality of service"
	if q.filter.Servicer != "" {
		subject += " of servicer " + q.filter.Servicer
	}
	if q.filter.SessionID != "" {
		subject += " in session " + q.filter.SessionID
	}
	return subject
}
