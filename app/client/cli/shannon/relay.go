package shannon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/request"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/network/shannon"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// relayOptions are what 'pocket shannon relay' was told.
type relayOptions struct {
	access
	supplier string
	question request.Question
	timeout  time.Duration
	output   string
}

func newRelay(s surroundings) *cobra.Command {
	var o relayOptions
	cmd := &cobra.Command{
		Use:   "relay",
		Short: "Send one relay to one supplier, verify the answer, and say what it cost",
		Long: `Signs a request for the application, sends it to one supplier of the session, and shows the answer only after everything
is verified: the supplier's signature, the session, the payload's hash, and the JSON-RPC id, which is random and which
nobody else knows. REST answers have no such id: they are shown as unbound, as nothing tells them from the answer to
another request of the session.

The application pays for a relay that the supplier served, whether or not its answer is right; the chain settles it when
the supplier claims the session. What is spent here does not count towards the limits of a fisherman that runs.

A refusal of a RelayMiner is not signed by anybody.`,
		Example: `  pocket shannon relay --rpc URL --application ADDRESS --service eth --signer watcher \
    --supplier ADDRESS --payload '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}'
  pocket shannon relay --config fisherman.yaml --supplier ADDRESS --payload @request.json --output json`,
		Args: command.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.settle(cmd, s.io); err != nil {
				return err
			}
			if err := command.RequireFlags(cmd, "supplier"); err != nil {
				return err
			}
			if err := o.question.CheckFlags(cmd); err != nil {
				return err
			}
			return sendRelay(cmd.Context(), s, &o)
		},
	}
	flags := cmd.Flags()
	o.addFlags(flags)
	o.addSigner(flags)
	command.AddChecked(flags, &o.supplier, "supplier", "ADDRESS", command.OrAccountPrefix(protocol.CheckAddress), "operator address of the supplier, pokt1…, or its first 8 characters or more")
	o.question.AddFlags(flags)
	command.AddSpan(flags, &o.timeout, "timeout", 10*time.Second, time.Millisecond, time.Minute, "how long the supplier may take")
	command.AddOutput(flags, &o.output)
	return cmd
}

func sendRelay(ctx context.Context, s surroundings, o *relayOptions) error {
	payload, err := o.question.Payload(s.io)
	if err != nil {
		return err
	}
	if o.signer == "" {
		return command.Fail(command.ExitUsage, "who signs? give --signer, the label or address of a key; see 'pocket keys list'")
	}
	client, err := o.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	quoted, err := o.Read(ctx, client)
	if err != nil {
		return err
	}
	supplier, err := o.find(quoted)
	if err != nil {
		return err
	}
	key, err := s.open(ctx, s.io, &o.access)
	if err != nil {
		return err
	}
	signer, err := quoted.Signer(ctx, key)
	if err != nil {
		return o.Failed(err)
	}
	target := protocol.Target{Address: supplier.Operator, PublicKey: supplier.Key, KeyHeight: supplier.KeyHeight, URL: supplier.URL, RPCType: supplier.RPCType}
	sealed, err := protocol.Seal(signer, quoted.Session.GetHeader(), target, payload)
	if errors.Is(err, protocol.ErrServiceURL) {
		return command.Fail(command.ExitUntrusted, "supplier %s: %w: %s; nothing was sent", o.supplier, err, terminal.Short(supplier.URL))
	}
	if err != nil {
		return command.Fail(command.ExitUsage, "seal relay: %w", err)
	}
	result := o.exchange(ctx, quoted, supplier, sealed)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	result.addWords()
	if err := command.WriteResult(s.io.Out, o.output, result, result.text); err != nil {
		return err
	}
	if result.Outcome != types.Outcome_OUTCOME_OK.Label() {
		return command.Fail(command.ExitUntrusted, "no verified answer of supplier %s: %s: %s", o.supplier, result.Outcome, result.Detail)
	}
	return nil
}

// find returns the supplier that is to be asked, if its answer could be verified.
func (o *relayOptions) find(quoted *shannon.Quote) (shannon.Supplier, error) {
	members := make([]string, len(quoted.Suppliers))
	for i, supplier := range quoted.Suppliers {
		members[i] = supplier.Operator
	}
	whole, err := command.Complete("--supplier", o.supplier, "no supplier of session "+terminal.ID(quoted.Session.GetHeader().GetSessionId()), command.AddressesOf("", members...))
	if err != nil {
		return shannon.Supplier{}, err
	}
	o.supplier = whole
	at := slices.IndexFunc(quoted.Suppliers, func(s shannon.Supplier) bool { return s.Operator == o.supplier })
	if at < 0 {
		return shannon.Supplier{}, command.Fail(command.ExitNotFound, "supplier %s is not in session %s; 'pocket shannon session' shows who is",
			o.supplier, terminal.ID(quoted.Session.GetHeader().GetSessionId()))
	}
	switch supplier := quoted.Suppliers[at]; {
	case supplier.Key == nil:
		return supplier, command.Fail(command.ExitUntrusted, "supplier %s: %w; nothing was sent", o.supplier, protocol.ErrUnverifiable)
	case supplier.URL == "":
		return supplier, command.Fail(command.ExitUntrusted, "supplier %s has staked no endpoint of the kind %s; see --rpc-type", o.supplier, o.rpcType)
	default:
		return supplier, nil
	}
}

// exchange takes the request to the supplier and opens the answer.
func (o *relayOptions) exchange(ctx context.Context, quoted *shannon.Quote, supplier shannon.Supplier, sealed *protocol.Request) *relayView {
	view := &relayView{Supplier: supplier.Operator, Owner: supplier.Owner, URL: supplier.URL, Application: o.Application, Service: o.Service,
		SessionID: quoted.Session.GetHeader().GetSessionId(), Height: quoted.Height, Outcome: types.Outcome_OUTCOME_OK.Label()}
	deadline := time.Now().Add(o.timeout)
	dialer := &wire.Dialer{AllowPrivate: o.allowPrivate}
	carried, err := request.Carry(ctx, dialer, supplier.URL, sealed.Wire(), func() time.Time { return deadline })
	view.note(carried)
	if !carried.Sent.IsZero() {
		view.Cost = quoted.Terms.Price
	}
	if err != nil {
		view.fail(err)
		return view
	}
	reply, failure := sealed.Open(carried.Answer)
	if failure != nil {
		view.fail(failure)
		return view
	}
	view.Verified, view.Bound, view.Status, view.Remark = true, sealed.Binds(), reply.Status, reply.Remark
	switch {
	case json.Valid(reply.Payload):
		view.Answer = reply.Payload
	case utf8.Valid(reply.Payload):
		view.Answer, _ = json.Marshal(string(reply.Payload)) // a string always can be
	default:
		view.AnswerBase64 = reply.Payload
	}
	return view
}

// relayView is a relay as 'pocket shannon relay' shows it.
type relayView struct {
	Supplier    string `json:"supplier"`
	Owner       string `json:"owner"`
	URL         string `json:"url"`
	Application string `json:"application"`
	Service     string `json:"service"`
	SessionID   string `json:"session_id"`
	Height      int64  `json:"height"`
	// Outcome and Blame as in reports; Refusal is the RelayMiner's own code.
	Outcome string  `json:"outcome"`
	Blame   *string `json:"blame"`
	// OutcomeWord and BlameWord are the same in lower case.
	OutcomeWord string  `json:"outcome_word"`
	BlameWord   *string `json:"blame_word"`
	Refusal     *string `json:"refusal"`
	Detail      string  `json:"detail,omitempty"`
	// Verified: the supplier has signed the answer, for this session. Bound: to this very request.
	Verified bool `json:"signature_verified"`
	Bound    bool `json:"bound"`
	// Cost is what the application pays at most, in uPOKT; 0 if nothing was sent.
	Cost uint64 `json:"cost_upokt"`
	// Phases in milliseconds, as far as it came. The round trip is from the request's first byte to the answer's last.
	DNS       *float64 `json:"dns_ms"`
	Connect   *float64 `json:"connect_ms"`
	TLS       *float64 `json:"tls_ms"`
	Write     *float64 `json:"write_ms"`
	FirstByte *float64 `json:"time_to_first_byte_ms"`
	RoundTrip *float64 `json:"round_trip_ms"`
	// Status is the HTTP status of the supplier's node; Answer its JSON, or other text as a JSON string, and AnswerBase64
	// what is neither.
	Status       uint32          `json:"status,omitempty"`
	Remark       string          `json:"remark,omitempty"`
	Answer       json.RawMessage `json:"answer"`
	AnswerBase64 []byte          `json:"answer_base64,omitempty"`
}

// note takes the phases of an exchange.
func (v *relayView) note(carried request.Carried) {
	if phases := carried.Phases; phases != nil {
		v.DNS, v.Connect = inMillis(phases.DNS), inMillis(phases.Connect)
		if phases.TLS > 0 {
			v.TLS = inMillis(phases.TLS)
		}
	}
	if carried.Write > 0 {
		v.Write = inMillis(carried.Write)
	}
	if answer := carried.Answer; answer != nil {
		v.FirstByte, v.RoundTrip = inMillis(max(0, answer.FirstByte.Sub(carried.Sent))), inMillis(answer.LastByte.Sub(carried.Sent))
	}
}

func inMillis(d time.Duration) *float64 {
	ms := float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
	return &ms
}

// fail takes down why there is no verified answer.
func (v *relayView) fail(err error) {
	v.Outcome, v.Detail = types.Outcome_OUTCOME_VOID.Label(), terminal.Clean(err.Error())
	failure, is := errors.AsType[*wire.Failure](err)
	if !is {
		return
	}
	blame := failure.Blame.Label()
	v.Outcome, v.Blame = failure.Outcome.Label(), &blame
	if failure.Refusal != nil {
		v.Refusal = &failure.Refusal.Label
	}
}

// addWords says outcome and blame in lower case, too.
func (v *relayView) addWords() {
	v.OutcomeWord = strings.ToLower(v.Outcome)
	if v.Blame != nil {
		v.BlameWord = new(strings.ToLower(*v.Blame))
	}
}

func (v *relayView) text() string {
	var out strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&out, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("supplier", "%s at %s", v.Supplier, terminal.Short(v.URL))
	line("owner", "%s", terminal.Clean(v.Owner))
	line("session", "%s, at height %d", terminal.ID(v.SessionID), v.Height)
	switch {
	case v.Cost == 0:
		line("cost", "nothing: no relay was sent")
	case v.Verified:
		line("cost", "%s, settled when the supplier claims the session", upokt(v.Cost))
	default:
		line("cost", "%s at most, if the supplier claims it", upokt(v.Cost))
	}
	phases := []struct {
		name string
		took *float64
	}{{"dns", v.DNS}, {"connect", v.Connect}, {"tls", v.TLS}, {"write", v.Write}, {"first byte", v.FirstByte}, {"round trip", v.RoundTrip}}
	for _, phase := range phases {
		if phase.took != nil {
			line(phase.name, "%.3f ms", *phase.took)
		}
	}
	if !v.Verified {
		line("outcome", "%s: %s", v.Outcome, v.Detail)
		if v.Blame != nil {
			line("blame", "%s", *v.Blame)
		}
		if v.Refusal != nil {
			line("refusal", "%s, which nobody has signed", terminal.Clean(*v.Refusal))
		}
		return out.String()
	}
	line("signature", "the supplier's (verified)")
	if v.Bound {
		line("request", "the answer is to this one (verified by its id)")
	} else {
		line("request", "%s", v.Remark)
	}
	line("status", "%d", v.Status)
	if v.AnswerBase64 != nil {
		line("answer", "%d bytes that are no text; --output json has them", len(v.AnswerBase64))
		return out.String()
	}
	fmt.Fprintf(&out, "\n%s\n", command.EscapeJSON(string(v.Answer)))
	return out.String()
}
