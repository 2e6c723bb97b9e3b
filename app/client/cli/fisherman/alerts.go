package fisherman

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/node"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

func newAlerts(io command.Streams) *cobra.Command {
	return command.Group(&cobra.Command{
		Use:   "alerts",
		Short: "Try the messages that a fisherman sends about verdicts",
	}, newAlertsTest(io))
}

func newAlertsTest(io command.Streams) *cobra.Command {
	var path, output string
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Send a test message to each receiver of a configuration",
		Long: `Sends one message to each receiver of the alerts of a configuration, all at the same time and each once, and says which
took it. The file is that of 'pocket fisherman start --config', or the one that 'alerts' of a node's fisherman names. No
rule is needed and no endpoint is asked. docs/alerts.md describes rules, receivers and messages.`,
		Example: "  pocket fisherman alerts test --config fisherman.yaml",
		Args:    command.Needs("config"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return testAlerts(cmd.Context(), io, path, output) },
	}
	cmd.Flags().StringVar(&path, "config", "", "YAML `FILE` with alerts (required)")
	command.AddOutput(cmd.Flags(), &output, command.OutputTable, command.OutputJSON)
	return cmd
}

// testedReceiver is a receiver as the command shows it.
type testedReceiver struct {
	Receiver string `json:"receiver"`
	Kind     string `json:"kind"`
	Taken    bool   `json:"taken"`
	// Error is why the message was not taken; empty if it was.
	Error string `json:"error"`
}

func testAlerts(ctx context.Context, io command.Streams, path, output string) error {
	alerts, err := groups.LoadAlerts(path, os.LookupEnv)
	if err != nil {
		return command.RefuseConfig(io, path, err)
	}
	var shown []testedReceiver
	var refused []string
	for _, each := range node.TestAlerts(ctx, alerts) {
		one := testedReceiver{Receiver: each.Receiver, Kind: string(each.Kind), Taken: each.Err == nil}
		if each.Err != nil {
			one.Error = each.Err.Error()
			refused = append(refused, each.Receiver)
		}
		shown = append(shown, one)
	}
	if err := command.WriteResult(io.Out, output, shown, func() string { return testedText(shown) }); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(refused) > 0 {
		return command.Fail(command.ExitNotDelivered, "%s of %d did not take the message: %s", counted(len(refused), "receiver"), len(shown),
			strings.Join(refused, ", "))
	}
	return nil
}

func testedText(all []testedReceiver) string {
	var text strings.Builder
	for _, each := range all {
		result := "took the message"
		if !each.Taken {
			result = "failed: " + each.Error
		}
		fmt.Fprintf(&text, "%-16s %-9s %s\n", terminal.Clean(each.Receiver), each.Kind, result)
	}
	return text.String()
}
