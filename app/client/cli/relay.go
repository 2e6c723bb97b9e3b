package cli

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// relayOrder is what 'pocket relay' was told.
type relayOrder struct {
	application, servicer, chain string
	payload                      string
	rest                         restOrder
	timeout                      time.Duration
	keys, passphraseFile         string
	allowPrivate                 bool
	output, node                 string
}

func newRelay(io streams) *cobra.Command {
	var order relayOrder
	command := &cobra.Command{
		Use:   "relay",
		Short: "Send one relay by hand and verify the answer",
		Long: `Seals a request in the name of an application, sends it to one servicer of the application's session, and shows the
answer only after its signature and its binding to the request are verified. The request is JSON-RPC (--payload: one
request, or a batch of them) or REST (--path), as the relay chain's nodes take it. The application's key comes from the
directory of keys (see 'pocket keys'), else it is that of a LocalNet's application, which everybody knows.`,
		Example: `  pocket relay --application ADDRESS --servicer ADDRESS --chain 0001 --payload '{"jsonrpc":"2.0","id":1,"method":"status"}'
  pocket relay --application ADDRESS --servicer ADDRESS --chain 0001 --payload @request.json --output json
  pocket relay --application ADDRESS --servicer ADDRESS --chain 0002 --path /cosmos/bank/v1beta1/supply?pagination.limit=1`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := requireFlags(command, "application", "servicer", "chain"); err != nil {
				return err
			}
			if err := order.rest.checkFlags(command); err != nil {
				return err
			}
			return sendRelay(command.Context(), io, order)
		},
	}
	flags := command.Flags()
	addChecked(flags, &order.application, "application", "ADDRESS", types.ValidateAddress, "the application's address")
	addChecked(flags, &order.servicer, "servicer", "ADDRESS", types.ValidateAddress, "the servicer's address")
	addChecked(flags, &order.chain, "chain", "CHAIN", types.ValidateRelayChain, "the relay chain, as in 0001")
	flags.StringVar(&order.payload, "payload", "", "the JSON-RPC request: `JSON`, @FILE, or - for standard input")
	order.rest.addFlags(flags)
	addSpan(flags, &order.timeout, "timeout", 10*time.Second, time.Millisecond, time.Minute, "how long the servicer may take")
	addKeys(flags, &order.keys)
	addPassphrase(flags, &order.passphraseFile)
	flags.BoolVar(&order.allowPrivate, "allow-private", false, "allow a servicer at a loopback or private address; on a LocalNet it is allowed")
	addChoice(flags, &order.output, "output", outputTable, "form of the result", outputTable, outputJSON)
	addNode(flags, &order.node)
	return command
}

func sendRelay(ctx context.Context, io streams, order relayOrder) error {
	payload, err := order.request(io)
	if err != nil {
		return err
	}
	node, err := openNode(order.node)
	if err != nil {
		return err
	}
	defer node.Close()
	status, err := node.Status(ctx)
	if err != nil {
		return err
	}
	key, err := signingKey(ctx, io, order.keys, order.passphraseFile, order.application, status.ChainID)
	if err != nil {
		return err
	}
	session, err := node.Session(ctx, order.application, order.chain, 0)
	if err != nil {
		return fmt.Errorf("session of application %s on chain %s: %w", order.application, order.chain, err)
	}
	servicer, err := member(session, order.servicer)
	if err != nil {
		return err
	}
	_, isLocalnet := localnet.SeedOf(status.ChainID)
	dialer := &relay.Dialer{AllowPrivate: isLocalnet || order.allowPrivate}
	result, err := exchangeRelay(ctx, dialer, key, session, servicer, payload, order.timeout)
	if err != nil {
		return err
	}
	if err := result.write(io.out, order.output); err != nil {
		return err
	}
	if result.Error != nil {
		return fail(ExitUntrusted, "servicer %s refused the relay: %s: %s", order.servicer, result.Error.Code, result.Error.Message)
	}
	return nil
}

// request is what the relay asks.
func (o relayOrder) request(io streams) (types.Payload, error) {
	if o.rest.path != "" {
		return o.rest.request(io)
	}
	payload, err := readPayload(io, o.payload)
	if err != nil {
		return types.Payload{}, fail(ExitUsage, "--payload: %w", err)
	}
	return types.Payload{JSONRPC: payload}, nil
}

// readPayload reads the request from where --payload points and checks its form.
func readPayload(io streams, source string) ([]byte, error) {
	payload, err := readBody(io, source)
	if err != nil {
		return nil, err
	}
	_, err = relay.ValidateJSONRPC(payload)
	return payload, err
}

// readBody reads what a flag holds or points at: itself, @FILE, or - for standard input.
func readBody(io streams, source string) (payload []byte, err error) {
	payload = []byte(source)
	if source == "-" {
		payload, err = readAll(io.in, "standard input", relay.MaxRequestBytes)
	} else if path, isFile := strings.CutPrefix(source, "@"); isFile {
		payload, err = readFile(path, relay.MaxRequestBytes)
	}
	return payload, err
}

// member finds a servicer in a session. The key that its answers are checked with must be the address's own, whatever
// the node says.
func member(session client.Session, address string) (client.Actor, error) {
	place := slices.IndexFunc(session.Servicers, func(actor client.Actor) bool { return actor.Address == address })
	if place < 0 {
		return client.Actor{}, fail(ExitNotFound, "servicer %s is not in session %s; see 'pocket query session --application %s --chain %s'",
			address, abbreviate(session.ID), session.Application.Address, session.RelayChain)
	}
	servicer := session.Servicers[place]
	key, err := hex.DecodeString(servicer.PublicKey)
	if err != nil || crypto.Address(key) != address {
		return client.Actor{}, fail(ExitUntrusted, "the node's public key of servicer %s does not belong to that address", address)
	}
	if err := types.ValidateServiceURL(servicer.ServiceURL); err != nil {
		return client.Actor{}, fail(ExitUntrusted, "the node's service URL of servicer %s: %w", address, err)
	}
	return servicer, nil
}

// exchangeRelay seals the request, sends it, and opens the answer.
func exchangeRelay(ctx context.Context, dialer *relay.Dialer, key crypto.PrivateKey, session client.Session, servicer client.Actor,
	payload types.Payload, timeout time.Duration) (*relayResult, error) {
	sealed, err := sealRelay(key, session, servicer.Address, payload)
	if err != nil {
		return nil, fmt.Errorf("seal relay: %w", err)
	}
	answer, roundTrip, err := carry(ctx, dialer, servicer.ServiceURL, sealed.Envelope, timeout)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fail(ExitUntrusted, "servicer %s at %s did not answer: %w", servicer.Address, servicer.ServiceURL, err)
	}
	publicKey, err := hex.DecodeString(servicer.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("read public key: %w", err)
	}
	response, err := relay.OpenResponse(answer.Body, relay.Binding{
		RequestHash: sealed.BodyHash, Servicer: servicer.Address, PublicKey: publicKey,
	})
	switch {
	case err != nil && answer.Status != 200:
		return nil, fail(ExitUntrusted, "servicer %s answered HTTP status %d without a signed answer", servicer.Address, answer.Status)
	case err != nil:
		return nil, fail(ExitUntrusted, "the answer of servicer %s cannot be trusted: %w", servicer.Address, err)
	case response.GetError() == nil && payload.REST == nil && !json.Valid(response.GetPayload()):
		return nil, fail(ExitUntrusted, "servicer %s signed an answer that is not JSON", servicer.Address)
	}
	return newRelayResult(session, sealed, response, roundTrip), nil
}

// sealRelay addresses a payload and signs it, as a fisherman does.
func sealRelay(key crypto.PrivateKey, session client.Session, servicer string, payload types.Payload) (*relay.SealedRequest, error) {
	header := &types.SessionHeader{
		Id:          session.ID,
		StartHeight: session.StartHeight,
		RelayChain:  session.RelayChain,
		GeoZone:     session.GeoZone,
		Application: session.Application.Address,
	}
	return relay.SealRequest(key, relay.NewRequest(header, servicer, payload, time.Now()))
}

// carry takes an envelope to a servicer and back. The time-out covers connecting too; the round-trip time does not, as
// in a fisherman's check.
func carry(ctx context.Context, dialer *relay.Dialer, serviceURL string, envelope []byte, timeout time.Duration) (*relay.Answer, time.Duration, error) {
	wire, err := relay.WireRequest(serviceURL, envelope)
	if err != nil {
		return nil, 0, err
	}
	deadline := time.Now().Add(timeout)
	dialing, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	conn, err := dialer.Dial(dialing, serviceURL)
	if err != nil {
		return nil, 0, err
	}
	closing := func() { _ = conn.Close() }
	defer closing()
	defer context.AfterFunc(ctx, closing)()
	sent, err := conn.Send(wire, deadline)
	if err != nil {
		return nil, 0, err
	}
	answer, err := conn.Receive()
	if err != nil {
		return nil, 0, err
	}
	return answer, answer.LastByte.Sub(sent), nil
}
