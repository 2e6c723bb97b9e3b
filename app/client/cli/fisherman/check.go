package fisherman

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// checkOptions are what 'pocket fisherman check' was told.
type checkOptions struct {
	servicer, url, application, chain string
	payload                           string
	timeout                           time.Duration
	signer                            command.Signer
	output                            string
}

func newCheck(io command.Streams) *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check [SERVICER]",
		Short: "Ask a servicer now, and explain every phase and the verdict; nothing is scored",
		Long: fmt.Sprintf(`Asks a servicer outside of any schedule and says why it would be null, slow or inconsistent. Nothing is stored or scored.

With a servicer alone (its address, or the name of a target of a list of endpoints), the fisherman of the node asks all servicers of a current session at once, as in a scheduled check,
so that the answers can be compared. Servicers reserve a fisherman only so many relays beside its planned checks, which
bounds the number of these.

With --url, this program asks the servicer itself; no fisherman is needed. With --application, whose key has to be at hand,
the question is a relay of that application's session (from --node). Without, nobody is asked but the servicer: the
question is signed with a key made for it, a sound servicer refuses it with its signature, and the refusal is explained.

Exit code %d means that it answered, and not otherwise than the majority; %d that the servicer failed the check; %d that
the check says nothing, because the fault may be here, or the servicer asked to be left alone.`, command.ExitOK, command.ExitCheckFailed, command.ExitFailure),
		Example: `  pocket fisherman check --servicer ADDRESS
  pocket fisherman check provider-a
  pocket fisherman check --url https://servicer.example
  pocket fisherman check --url https://servicer.example --application ADDRESS --chain 0001`,
		Args: takesServicer,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.servicer = args[0]
			}
			if err := o.fits(cmd); err != nil {
				return err
			}
			return runCheck(cmd.Context(), io, o)
		},
	}
	flags := cmd.Flags()
	command.AddIdentifier(flags, &o.servicer, "servicer", "ADDRESS|NAME", "the servicer's address (its first 8 digits will do), or the target's name")
	command.AddChecked(flags, &o.url, "url", "URL", types.ValidateHTTPURL, "ask the servicer at this URL from here, without a fisherman")
	command.AddIdentifier(flags, &o.application, "application", "ADDRESS|GROUP", "the application, or group, whose session it is (default any)")
	command.AddIdentifier(flags, &o.chain, "chain", "CHAIN|GROUP", "the relay chain, as in 0001, or the group (default any)")
	flags.StringVar(&o.payload, "payload", "", "with --url: the JSON-RPC request, `JSON`, @FILE, or - for standard input")
	command.AddSpan(flags, &o.timeout, "timeout", 3*time.Second, time.Millisecond, time.Minute, "with --url: how long connecting and answering may take, each")
	o.signer.AddFlags(flags)
	command.AddTable(flags, &o.output)
	return cmd
}

// takesServicer takes at most one argument, the servicer, in the place of --servicer.
func takesServicer(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if err := command.OneArgument("SERVICER")(cmd, args); err != nil {
		return err
	}
	if cmd.Flags().Changed("servicer") {
		return command.Fail(command.ExitUsage, "%q takes SERVICER as an argument or with --servicer, not both", cmd.CommandPath())
	}
	if err := types.ValidateOpaque(args[0]); err != nil {
		return command.Fail(command.ExitUsage, "SERVICER: %w", err)
	}
	return nil
}

// fits refuses flags that do not go together.
func (o checkOptions) fits(cmd *cobra.Command) error {
	path := cmd.CommandPath()
	switch {
	case o.url == "" && o.servicer == "":
		return command.Fail(command.ExitUsage, "%q needs --servicer ADDRESS or --url URL; see '%s --help'", path, path)
	case o.url == "" && (cmd.Flags().Changed("payload") || cmd.Flags().Changed("timeout")):
		return command.Fail(command.ExitUsage, "--payload and --timeout are for --url; a fisherman draws its own questions, and waits as long as the parameters say")
	case o.url != "" && o.application != "" && o.chain == "":
		return command.Fail(command.ExitUsage, "--application with --url needs --chain, the relay chain of its session")
	case o.url != "":
		return o.onOurChain()
	}
	return nil
}

// onOurChain refuses names that our own chain does not have: only a servicer of it can be asked from here.
func (o checkOptions) onOurChain() error {
	for _, name := range []struct {
		flag, value string
		check       func(string) error
	}{
		{"servicer", o.servicer, command.OrPrefix(types.ValidateAddress)},
		{"application", o.application, command.OrPrefix(command.ActorAddress)},
		{"chain", o.chain, types.ValidateRelayChain},
	} {
		if name.value == "" {
			continue
		}
		if err := name.check(name.value); err != nil {
			return command.Fail(command.ExitUsage, "--%s: %w", name.flag, err)
		}
	}
	return nil
}

// checkResult is a check as it is shown.
type checkResult struct {
	Verdict string `json:"verdict"`
	// Explanation says why, in sentences.
	Explanation []string        `json:"explanation"`
	Check       api.CheckReport `json:"check"`
	code        command.ExitCode
}

func runCheck(ctx context.Context, io command.Streams, o checkOptions) error {
	ask := askFisherman
	if o.url != "" {
		ask = askURL
	}
	result, err := ask(ctx, io, o)
	if err != nil {
		return err
	}
	err = command.WriteResult(io.Out, o.output, result, result.text, result.rows)
	if err != nil || result.code == command.ExitOK {
		return err
	}
	if result.code == command.ExitFailure {
		return command.Fail(result.code, "the check says nothing about %s %s", result.whom(), result.subject())
	}
	return command.Fail(result.code, "%s %s failed the check", result.whom(), result.subject())
}

// askFisherman has the node's fisherman make the check.
func askFisherman(ctx context.Context, _ command.Streams, o checkOptions) (*checkResult, error) {
	report, err := command.Ask(o.signer.Node, "check "+o.servicer,
		func(node *client.Client) (report api.CheckReport, err error) {
			if o.servicer, err = command.CompleteAddress(ctx, node, "SERVICER", o.servicer, api.AddressRoleServicer); err != nil {
				return report, err
			}
			if o.application, err = command.CompleteAddress(ctx, node, "--application", o.application, api.AddressRoleApplication); err != nil {
				return report, err
			}
			return node.Check(ctx, o.servicer, o.application, o.chain)
		})
	if err != nil {
		return nil, err
	}
	result := &checkResult{Verdict: string(report.Verdict), Explanation: explainReport(report), Check: report}
	switch report.Verdict {
	case api.CheckVerdictNull, api.CheckVerdictInconsistent:
		result.code = command.ExitCheckFailed
	case api.CheckVerdictVoid, api.CheckVerdictThrottled:
		result.code = command.ExitFailure
	}
	return result, nil
}
