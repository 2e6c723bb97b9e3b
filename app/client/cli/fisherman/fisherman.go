package fisherman

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// New makes the command 'pocket fisherman'.
func New(io command.Streams) *cobra.Command {
	return command.Group(&cobra.Command{
		Use:   "fisherman",
		Short: "Read or watch what the fisherman of a node measures and can prove, and check servicers",
	}, newQoS(io), newCheck(io), newEvidence(io), newVerify(io), newWatch(io), newHistory(io), newStart(io), newConfig(io), newFeedKey(io), newAlerts(io))
}

// qosOptions are what 'pocket fisherman qos' was told.
type qosOptions struct {
	filter client.QoSFilter
	// window merges sessions; empty shows them one by one.
	window string
	// rolling is how far back rolling verdicts reach; where it is given they are all that is shown.
	rolling      string
	output, node string
}

func newQoS(io command.Streams) *cobra.Command {
	var q qosOptions
	cmd := &cobra.Command{
		Use:   "qos",
		Short: "Show the quality of service, now and by session, worst servicer first",
		Long: `Shows what the fisherman measured: what holds now, which is each servicer's verdict over its newest checks, whatever
sessions these are of; and a table for each session, oldest first. The worst servicer comes first, and why.
--last N leaves the newest N sessions.

Verdicts, worst first:
  inconsistent  it contradicted the strict majority of answers more often than allowed, which is never by default
  unavailable   more null samples than allowed, or no answer at all
  behind        its node was further behind the height that most have than allowed
  slow          its median round-trip time is above the latency SLA, or most of its answers are
  unknown       too few samples, or too few majorities, to tell
  not asked yet it is in an open session, and no check has asked it lately
  healthy       none of these

Shares are shown with their 95 % interval, round-trip times in milliseconds, and LAG is the most blocks that its node was
behind. Servicers that cannot be told apart share a rank, whatever their order. THROTTLED counts the checks that a servicer
did not take part in because it asked to be left alone; they count for nobody.

With --rolling only what holds now is shown, over the newest N checks within an hour (default 30), those of the last D, or
both, as in 50,2h. CSV has the sessions without it, and what holds now with it.

Against a collector the rows of servicers are what its vantage points say together; below each stands what each place saw.

With --window the newest complete sessions of each relay chain and geo zone are merged: those of the newest N starts, or
of the last D. Round-trip times are then estimated, within 0.1 %.`,
		Example: "  pocket fisherman qos --output json\n  pocket fisherman qos --last 1\n  pocket fisherman qos --window 24h --servicer ADDRESS\n  pocket fisherman qos --rolling 30 --output csv",
		Args:    command.NoArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return showQoS(cmd.Context(), io, q) },
	}
	flags := cmd.Flags()
	command.AddChecked(flags, &q.filter.SessionID, "session", "ID", types.ValidateSessionID, "this session only")
	command.AddIdentifier(flags, &q.filter.Servicer, "servicer", "ADDRESS|NAME", "this servicer (its first 8 digits will do), or target of a list of endpoints, only")
	command.AddNumber(flags, &q.filter.Last, "last", 0, 1, 1000, "the newest N sessions only (default 100)")
	command.AddChecked(flags, &q.window, "window", "N|D", checkSpan, "merge the newest N sessions, or those of the last D, as in 10 or 24h")
	command.AddChecked(flags, &q.rolling, "rolling", "N|D|N,D", checkRolling, "only what holds now, over the newest N checks, those of the last D, or both")
	command.AddOutput(flags, &q.output, command.OutputTable, command.OutputJSON, command.OutputCSV)
	command.AddNode(flags, &q.node)
	return cmd
}

func checkSpan(text string) error {
	_, err := client.ParseSpan(text)
	return err
}

func checkRolling(text string) error {
	_, err := client.ParseRolling(text)
	return err
}

func showQoS(ctx context.Context, io command.Streams, q qosOptions) error {
	if q.window != "" && q.filter.SessionID != "" {
		return command.Fail(command.ExitUsage, "--window (many sessions) and --session (one) exclude each other")
	}
	if q.window != "" && q.filter.Last != 0 {
		return command.Fail(command.ExitUsage, "--window (sessions merged) and --last (one by one) exclude each other")
	}
	if q.rolling != "" {
		for _, other := range []struct{ flag, value string }{{"--window", q.window}, {"--session", q.filter.SessionID}} {
			if other.value != "" {
				return command.Fail(command.ExitUsage, "--rolling (what holds now) and %s exclude each other", other.flag)
			}
		}
		if q.filter.Last != 0 {
			return command.Fail(command.ExitUsage, "--rolling (what holds now) and --last (sessions) exclude each other")
		}
		span, err := client.ParseRolling(q.rolling)
		if err != nil {
			return command.Fail(command.ExitUsage, "--rolling: %w", err)
		}
		q.filter.Rolling, q.filter.Last = span, 1
	}
	node, err := command.OpenNode(q.node)
	if err != nil {
		return err
	}
	defer node.Close()
	if q.filter.Servicer, err = command.CompleteAddress(ctx, node, "--servicer", q.filter.Servicer, api.AddressRoleServicer); err != nil {
		return err
	}
	if q.window != "" {
		return showWindows(ctx, io, node, q)
	}
	report, err := node.QoS(ctx, q.filter)
	if err != nil {
		return fmt.Errorf("%s: %w", q.subject(), err)
	}
	if q.output == command.OutputTable {
		status, err := node.Status(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", q.subject(), err)
		}
		if warning := terminal.BudgetWarning(status.Groups) + terminal.StoreWarning(status.Store); warning != "" {
			if err := command.WriteText(io.Out, warning); err != nil {
				return err
			}
		}
	}
	if q.rolling != "" {
		return writeRolling(io.Out, report, q.output)
	}
	return writeReport(io.Out, report, q.output)
}

// showWindows asks for sessions merged.
func showWindows(ctx context.Context, io command.Streams, node *client.Client, q qosOptions) error {
	span, err := client.ParseSpan(q.window)
	if err != nil {
		return command.Fail(command.ExitUsage, "--window: %w", err)
	}
	report, err := node.QoSWindow(ctx, client.WindowFilter{Span: span, Servicer: q.filter.Servicer})
	if err != nil {
		return fmt.Errorf("%s: %w", q.subject(), err)
	}
	return writeWindows(io.Out, report, q.output)
}

// subject says whose quality of service was asked for.
func (q qosOptions) subject() string {
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

// writeReport writes sessions in the form that --output names.
func writeReport(out io.Writer, report api.Report, output string) error {
	return command.WriteResult(out, output, report, func() string { return terminal.ReportText(report, terminal.FormFor(out)) },
		func() [][]string { return command.ReportRows(report) })
}

// writeRolling writes what holds now in the form that --output names.
func writeRolling(out io.Writer, report api.Report, output string) error {
	report.Sessions = []api.SessionReport{}
	return command.WriteResult(out, output, report, func() string { return terminal.ReportText(report, terminal.FormFor(out)) },
		func() [][]string { return command.RollingRows(report.Rolling) })
}

// writeWindows writes merged sessions in the form that --output names.
func writeWindows(out io.Writer, report api.WindowsReport, output string) error {
	return command.WriteResult(out, output, report, func() string { return terminal.WindowsText(report, terminal.FormFor(out)) },
		func() [][]string { return command.WindowRows(report) })
}
