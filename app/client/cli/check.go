package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// checkOrder is what 'pocket fisherman check' was told.
type checkOrder struct {
	servicer, url, application, chain string
	payload                           string
	timeout                           time.Duration
	keys, passphraseFile              string
	output, node                      string
}

func newFishermanCheck(io streams) *cobra.Command {
	var order checkOrder
	command := &cobra.Command{
		Use:   "check",
		Short: "Ask a servicer now, and explain every phase and the verdict; nothing is scored",
		Long: `Asks a servicer outside of any schedule and says why it would be null, slow or inconsistent. Nothing is stored or scored.

With --servicer alone, the fisherman of the node asks all servicers of a current session at once, as in a scheduled check,
so that the answers can be compared. Servicers reserve a fisherman only so many relays beside its planned checks, which
bounds the number of these.

With --url, this program asks the servicer itself; no fisherman is needed. With --application, whose key has to be at hand,
the question is a relay of that application's session (from --node). Without, nobody is asked but the servicer: the
question is signed with a key made for it, a sound servicer refuses it with its signature, and the refusal is explained.

Exit code 0 means that it answered, and not otherwise than the majority; 13 that the servicer failed the check; 1 that
the check says nothing, because the fault may be here.`,
		Example: `  pocket fisherman check --servicer ADDRESS
  pocket fisherman check --url https://servicer.example
  pocket fisherman check --url https://servicer.example --application ADDRESS --chain 0001`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := order.fits(command); err != nil {
				return err
			}
			return runCheck(command.Context(), io, order)
		},
	}
	flags := command.Flags()
	addChecked(flags, &order.servicer, "servicer", "ADDRESS", types.ValidateAddress, "the servicer's address")
	addChecked(flags, &order.url, "url", "URL", types.ValidateServiceURL, "ask the servicer at this URL from here, without a fisherman")
	addChecked(flags, &order.application, "application", "ADDRESS", types.ValidateAddress, "the application whose session it is (default any)")
	addChecked(flags, &order.chain, "chain", "CHAIN", types.ValidateRelayChain, "the relay chain, as in 0001 (default any)")
	flags.StringVar(&order.payload, "payload", "", "with --url: the JSON-RPC request, `JSON`, @FILE, or - for standard input")
	addSpan(flags, &order.timeout, "timeout", 3*time.Second, time.Millisecond, time.Minute, "with --url: how long connecting and answering may take, each")
	addKeys(flags, &order.keys)
	addPassphrase(flags, &order.passphraseFile)
	addChoice(flags, &order.output, "output", outputTable, "form of the result", outputTable, outputJSON)
	addNode(flags, &order.node)
	return command
}

// fits refuses flags that do not go together.
func (o checkOrder) fits(command *cobra.Command) error {
	path := command.CommandPath()
	switch {
	case o.url == "" && o.servicer == "":
		return fail(ExitUsage, "%q needs --servicer ADDRESS or --url URL; see '%s --help'", path, path)
	case o.url == "" && (command.Flags().Changed("payload") || command.Flags().Changed("timeout")):
		return fail(ExitUsage, "--payload and --timeout are for --url; a fisherman draws its own questions, and waits as long as the parameters say")
	case o.url != "" && o.application != "" && o.chain == "":
		return fail(ExitUsage, "--application with --url needs --chain, the relay chain of its session")
	}
	return nil
}

// checkResult is a check as it is shown.
type checkResult struct {
	Verdict string `json:"verdict"`
	// Explanation says why, in sentences.
	Explanation []string           `json:"explanation"`
	Check       client.CheckReport `json:"check"`
	code        ExitCode
}

func runCheck(ctx context.Context, io streams, order checkOrder) error {
	ask := askFisherman
	if order.url != "" {
		ask = askURL
	}
	result, err := ask(ctx, io, order)
	if err != nil {
		return err
	}
	if order.output == outputJSON {
		err = writeJSON(io.out, result)
	} else {
		err = writeText(io.out, result.text())
	}
	if err != nil || result.code == ExitOK {
		return err
	}
	if result.code == ExitFailure {
		return fail(result.code, "the check says nothing about servicer %s", result.subject())
	}
	return fail(result.code, "servicer %s failed the check", result.subject())
}

// askFisherman has the node's fisherman make the check.
func askFisherman(ctx context.Context, _ streams, order checkOrder) (*checkResult, error) {
	node, err := openNode(order.node)
	if err != nil {
		return nil, err
	}
	defer node.Close()
	report, err := node.Check(ctx, order.servicer, order.application, order.chain)
	if err != nil {
		return nil, fmt.Errorf("check servicer %s: %w", order.servicer, err)
	}
	result := &checkResult{Verdict: string(report.Verdict), Explanation: explainReport(report), Check: report}
	switch report.Verdict {
	case qos.CheckNull, qos.CheckInconsistent:
		result.code = ExitCheckFailed
	case qos.CheckVoid:
		result.code = ExitFailure
	}
	return result, nil
}
