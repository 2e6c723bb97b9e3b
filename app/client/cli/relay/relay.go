package relay

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/request"
	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/wire"
)

// options are what 'pocket relay' was told.
type options struct {
	application, servicer, chain string
	question                     request.Question
	timeout                      time.Duration
	signer                       command.Signer
	allowPrivate                 bool
	output                       string
}

// New makes the command 'pocket relay'.
func New(io command.Streams) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "relay",
		Short: "Send one relay by hand and verify the answer",
		Long: `Seals a request in the name of an application, sends it to one servicer of the application's session, and shows the
answer only after its signature and its binding to the request are verified. The request is JSON-RPC (--payload: one
request, or a batch of them) or REST (--path), as the relay chain's nodes take it. The application's key comes from the
directory of keys (see 'pocket keys'), else it is that of a LocalNet's application, which everybody knows.`,
		Example: `  pocket relay --application ADDRESS --servicer ADDRESS --chain 0001 --payload '{"jsonrpc":"2.0","id":1,"method":"status"}'
  pocket relay --application ADDRESS --servicer ADDRESS --chain 0001 --payload @request.json --output json
  pocket relay --application ADDRESS --servicer ADDRESS --chain 0002 --path /cosmos/bank/v1beta1/supply?pagination.limit=1`,
		Args: command.Needs("application", "servicer", "chain"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.question.CheckFlags(cmd); err != nil {
				return err
			}
			return sendRelay(cmd.Context(), io, o)
		},
	}
	flags := cmd.Flags()
	command.AddAddress(flags, &o.application, "application", command.ActorAddress, "the application's address")
	command.AddAddress(flags, &o.servicer, "servicer", types.ValidateAddress, "the servicer's address")
	command.AddChecked(flags, &o.chain, "chain", "CHAIN", types.ValidateRelayChain, "the relay chain, as in 0001")
	o.question.AddFlags(flags)
	command.AddSpan(flags, &o.timeout, "timeout", 10*time.Second, time.Millisecond, time.Minute, "how long the servicer may take")
	o.signer.AddFlags(flags)
	flags.BoolVar(&o.allowPrivate, "allow-private", false, "allow a servicer at a loopback or private address; on a LocalNet it is allowed")
	command.AddOutput(flags, &o.output)
	return cmd
}

func sendRelay(ctx context.Context, io command.Streams, o options) error {
	payload, err := o.question.Payload(io)
	if err != nil {
		return err
	}
	node, key, chainID, err := o.signer.Open(ctx, io, o.application)
	if err != nil {
		return err
	}
	defer node.Close()
	application := key.Address()
	session, err := node.Session(ctx, application, o.chain, 0)
	if err != nil {
		return fmt.Errorf("session of application %s on chain %s: %w", application, o.chain, err)
	}
	servicer, err := request.ServicerOf(ctx, node, session, o.servicer)
	if err != nil {
		return err
	}
	_, isLocalnet := localnet.SeedOf(chainID)
	dialer := &wire.Dialer{AllowPrivate: isLocalnet || o.allowPrivate}
	result, err := exchangeRelay(ctx, dialer, key, session, servicer, payload, o.timeout)
	if err != nil {
		return err
	}
	if err := command.WriteResult(io.Out, o.output, result, result.text); err != nil {
		return err
	}
	if result.Error != nil {
		return command.Fail(command.ExitUntrusted, "servicer %s refused the relay: %s: %s", servicer.Address, result.Error.Code, result.Error.Message)
	}
	return nil
}

// exchangeRelay seals the request, sends it, and opens the answer.
func exchangeRelay(ctx context.Context, dialer *wire.Dialer, key crypto.PrivateKey, session api.Session, servicer api.Actor,
	payload types.Payload, timeout time.Duration) (*relayResult, error) {
	sealed, err := request.Seal(key, session, servicer.Address, payload)
	if err != nil {
		return nil, fmt.Errorf("seal relay: %w", err)
	}
	serialised, err := request.Post(servicer.ServiceURL, sealed.Envelope)
	if err != nil {
		return nil, fmt.Errorf("seal relay: %w", err)
	}
	deadline := time.Now().Add(timeout) // of connecting and answering together
	carried, err := request.Carry(ctx, dialer, servicer.ServiceURL, serialised, func() time.Time { return deadline })
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, command.Fail(command.ExitUntrusted, "servicer %s at %s did not answer: %w", servicer.Address, servicer.ServiceURL, err)
	}
	publicKey, err := hex.DecodeString(servicer.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("read public key: %w", err)
	}
	response, err := relay.OpenResponse(carried.Answer.Body, relay.Binding{
		RequestHash: sealed.BodyHash, Servicer: servicer.Address, PublicKey: publicKey,
	})
	switch {
	case err != nil && carried.Answer.Status != 200:
		return nil, command.Fail(command.ExitUntrusted, "servicer %s answered HTTP status %d without a signed answer", servicer.Address, carried.Answer.Status)
	case err != nil:
		return nil, command.Fail(command.ExitUntrusted, "the answer of servicer %s cannot be trusted: %w", servicer.Address, err)
	case response.GetError() == nil && payload.REST == nil && !json.Valid(response.GetPayload()):
		return nil, command.Fail(command.ExitUntrusted, "servicer %s signed an answer that is not JSON", servicer.Address)
	}
	return newRelayResult(session, sealed, response, carried.Answer.LastByte.Sub(carried.Sent)), nil
}
