package fisherman

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/request"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/node"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/wire"
)

// verdictReachable is the best that a servicer can do about a stranger's question: refuse it under its signature.
const verdictReachable = "reachable"

// strangersQuestion is asked where the answer does not matter, because it is refused before anybody looks at it.
const strangersQuestion = `{"jsonrpc":"2.0","id":1,"method":"status","params":{}}`

// urlCheck is one question to one servicer.
type urlCheck struct {
	url     string
	timeout time.Duration
	key     crypto.PrivateKey
	session api.Session
	payload []byte
	// servicer that is asked; empty takes whoever answers.
	servicer string
	// publicKey of the servicer; without it the key that the answer names is taken.
	publicKey []byte
	// known says that the key is an application's own.
	known bool
}

// askURL makes a check from here.
func askURL(ctx context.Context, io command.Streams, o checkOptions) (*checkResult, error) {
	check := &urlCheck{url: o.url, timeout: o.timeout, servicer: o.servicer}
	var err error
	if o.application != "" {
		err = check.asApplication(ctx, io, o)
	} else {
		err = check.asStranger(ctx, io, o)
	}
	if err != nil {
		return nil, err
	}
	sample, refusal, err := check.exchange(ctx)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return check.result(ctx, sample, refusal), nil
}

// asStranger makes up a session and a key without stake.
func (c *urlCheck) asStranger(ctx context.Context, io command.Streams, o checkOptions) (err error) {
	c.servicer, err = command.Ask(o.signer.Node, "check "+o.url, func(node *client.Client) (string, error) {
		return command.CompleteAddress(ctx, node, "--servicer", o.servicer, api.AddressRoleServicer)
	})
	if err != nil {
		return err
	}
	var seed, id [32]byte
	_, _ = rand.Read(seed[:]) // never fails (crypto/rand)
	_, _ = rand.Read(id[:])
	c.key = crypto.KeyFromSeed(seed)
	chain := o.chain
	if chain == "" {
		chain = node.NativeChain
	}
	c.session = api.Session{ID: hex.EncodeToString(id[:]), RelayChain: chain, GeoZone: "local", Application: api.Actor{Address: c.key.Address()}}
	c.payload, err = questionOf(io, o.payload, strangersQuestion)
	return err
}

// asApplication takes the session and the servicer's key from a node, and the application's key from where keys are.
func (c *urlCheck) asApplication(ctx context.Context, io command.Streams, o checkOptions) error {
	fallback := ""
	if o.chain == node.NativeChain {
		fallback = strangersQuestion
	}
	payload, err := questionOf(io, o.payload, fallback)
	if err != nil {
		return err
	}
	c.payload = payload
	node, key, _, err := o.signer.Open(ctx, io, o.application)
	if err != nil {
		return err
	}
	defer node.Close()
	c.key = key
	application := key.Address()
	if c.session, err = node.Session(ctx, application, o.chain, 0); err != nil {
		return fmt.Errorf("session of application %s on chain %s: %w", application, o.chain, err)
	}
	if c.servicer == "" {
		at := slices.IndexFunc(c.session.Servicers, func(s api.Actor) bool { return s.ServiceURL == o.url })
		if at < 0 {
			return command.Fail(command.ExitNotFound, "no servicer of session %s is staked with the URL %s; name it with --servicer ADDRESS",
				terminal.ID(c.session.ID), terminal.Short(o.url))
		}
		c.servicer = c.session.Servicers[at].Address
	}
	servicer, err := request.ServicerOf(ctx, node, c.session, c.servicer)
	if err != nil {
		return err
	}
	c.known, c.servicer = true, servicer.Address
	c.publicKey, err = hex.DecodeString(servicer.PublicKey)
	return err
}

// questionOf is the question that was given, or else a fallback.
func questionOf(io command.Streams, given, fallback string) ([]byte, error) {
	if given == "" && fallback == "" {
		return nil, command.Fail(command.ExitUsage, "--payload is needed: what nodes of this relay chain are asked is not known here")
	}
	if given == "" {
		given = fallback
	}
	payload, err := request.ReadJSONRPC(io, given)
	if err != nil {
		return nil, command.Fail(command.ExitUsage, "--payload: %w", err)
	}
	return payload, nil
}

// exchange asks, and returns a sample and the code of a signed error.
func (c *urlCheck) exchange(ctx context.Context) (api.CheckSample, types.RelayErrorCode, error) {
	sample := api.CheckSample{Sample: api.Sample{Servicer: c.servicer, ServiceURL: c.url, Outcome: api.OutcomeOK}}
	// A servicer that was not named is addressed by another address; its refusal names its own.
	sealed, err := request.Seal(c.key, c.session, cmp.Or(c.servicer, c.key.Address()), types.Payload{JSONRPC: c.payload})
	if err != nil {
		return sample, 0, fmt.Errorf("seal relay: %w", err)
	}
	serialised, err := request.Post(c.url, sealed.Envelope)
	if err != nil {
		return sample, 0, command.Fail(command.ExitUsage, "--url: %w", err)
	}
	// The operator named the URL, so any address is dialled.
	carried, err := request.Carry(ctx, &wire.Dialer{AllowPrivate: true}, c.url, serialised, func() time.Time { return time.Now().Add(c.timeout) })
	note(carried, &sample)
	var response *types.RelayResponse
	if err == nil {
		response, err = c.open(carried.Answer, sealed, &sample)
	}
	if failure, is := errors.AsType[*wire.Failure](err); is {
		sample.Outcome, sample.Blame = api.Outcome(failure.Outcome.Label()), api.Label[api.Blame](failure.Blame)
		sample.Attempt, sample.Detail = api.Label[api.Attempt](failure.Attempt), failure.Error()
		return sample, 0, nil
	}
	if signed := response.GetError(); signed != nil {
		outcome, blame := api.OutcomeRelayError, api.BlameServicer
		if signed.GetCode() >= types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TIMEOUT {
			outcome, blame = api.OutcomeBackendError, api.BlameBackend
		}
		code, name := uint32(signed.GetCode()), signed.GetCode().Label()
		sample.Outcome, sample.Blame, sample.Detail = outcome, &blame, signed.GetMessage()
		sample.RelayErrorCode, sample.RelayError = &code, &name
	}
	return sample, response.GetError().GetCode(), err
}

// note takes the phases of an exchange, as far as it came.
func note(carried request.Carried, sample *api.CheckSample) {
	if phases := carried.Phases; phases != nil {
		sample.DNS, sample.Connect = inMillis(phases.DNS), inMillis(phases.Connect)
		if phases.TLS > 0 {
			sample.TLS = inMillis(phases.TLS)
		}
	}
	if carried.Write > 0 {
		sample.WriteMS = inMillis(carried.Write)
	}
	if answer := carried.Answer; answer != nil {
		sample.Timing = api.Optional(api.TimingSourceUserSpace)
		sample.TimeToFirstByte, sample.RoundTripTime = inMillis(max(0, answer.FirstByte.Sub(carried.Sent))), inMillis(answer.LastByte.Sub(carried.Sent))
	}
}

func inMillis(d time.Duration) *float64 {
	ms := float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
	return &ms
}

// open checks an answer. Its errors are *wire.Failure.
func (c *urlCheck) open(answer *wire.Answer, sealed *relay.SealedRequest, sample *api.CheckSample) (*types.RelayResponse, error) {
	failed := func(outcome types.Outcome, err error) (*types.RelayResponse, error) {
		return nil, &wire.Failure{Outcome: outcome, Blame: types.Blame_BLAME_SERVICER, Attempt: types.Attempt_ATTEMPT_OPEN_ANSWER, Err: err}
	}
	if answer.Status != 200 {
		return failed(types.Outcome_OUTCOME_HTTP_STATUS, fmt.Errorf("HTTP status %d", answer.Status))
	}
	if answer.ContentType() != relay.ContentType {
		return failed(types.Outcome_OUTCOME_MALFORMED, fmt.Errorf("content type %q", terminal.Short(answer.ContentType())))
	}
	want := relay.Binding{RequestHash: sealed.BodyHash, Servicer: sealed.Servicer, PublicKey: c.publicKey}
	if want.PublicKey == nil {
		want = c.named(answer, want)
	}
	response, err := relay.OpenResponse(answer.Body, want)
	switch {
	case errors.Is(err, relay.ErrBadSignature):
		sample.Signature = api.FindingFailed
		return failed(types.Outcome_OUTCOME_BAD_SIGNATURE, err)
	case errors.Is(err, relay.ErrWrongBinding):
		sample.Signature, sample.Binding = api.FindingOK, api.FindingFailed
		return failed(types.Outcome_OUTCOME_WRONG_BINDING, err)
	case err != nil:
		return failed(types.Outcome_OUTCOME_MALFORMED, err)
	}
	sample.Signature, sample.Binding, sample.Servicer = api.FindingOK, api.FindingOK, response.GetServicer()
	return response, c.readPayload(response)
}

// named binds an answer to whom it says it is of, where the servicer's key is not known: the address follows from the key
// that signed. One who names another is not taken for it.
func (c *urlCheck) named(answer *wire.Answer, want relay.Binding) relay.Binding {
	var outer types.Envelope
	var body types.RelayResponse
	if proto.Unmarshal(answer.Body, &outer) != nil || proto.Unmarshal(outer.GetBody(), &body) != nil {
		return want // OpenResponse says what is wrong
	}
	want.Servicer = body.GetServicer()
	if key := outer.GetSignature().GetPublicKey(); crypto.Address(key) == want.Servicer {
		want.PublicKey = key
	}
	return want
}

// readPayload finds the error of a JSON-RPC answer.
func (c *urlCheck) readPayload(response *types.RelayResponse) error {
	var answer struct {
		Error  json.RawMessage `json:"error"`
		Result json.RawMessage `json:"result"`
	}
	switch err := json.Unmarshal(response.GetPayload(), &answer); {
	case response.GetError() != nil:
		return nil
	case err == nil && answer.Error != nil && string(answer.Error) != "null":
		return &wire.Failure{Outcome: types.Outcome_OUTCOME_BACKEND_ERROR, Blame: types.Blame_BLAME_BACKEND, Attempt: types.Attempt_ATTEMPT_READ_ANSWER,
			Err: fmt.Errorf("JSON-RPC error %s", terminal.Short(string(answer.Error)))}
	case err != nil || answer.Result == nil:
		return &wire.Failure{Outcome: types.Outcome_OUTCOME_MALFORMED, Blame: types.Blame_BLAME_SERVICER, Attempt: types.Attempt_ATTEMPT_READ_ANSWER,
			Err: errors.New("neither a JSON-RPC result nor an error")}
	}
	return nil
}

// result judges a check from here. There is no other answer to compare with.
func (c *urlCheck) result(ctx context.Context, sample api.CheckSample, refusal types.RelayErrorCode) *checkResult {
	sample.KeepOldNames()
	sample.AddWords()
	result := &checkResult{Verdict: string(api.CheckVerdictNull), code: command.ExitCheckFailed, Check: api.CheckReport{
		Servicer: sample.Servicer, Question: terminal.Short(string(c.payload)), AskedAt: time.Now().UTC().Format(time.RFC3339),
		TimeoutMS: *inMillis(c.timeout), Samples: []api.CheckSample{sample},
	}}
	switch {
	case sample.Outcome == api.OutcomeVoid:
		result.Verdict, result.code = string(api.CheckVerdictVoid), command.ExitFailure
		result.Explanation = []string{"The fault is here, not the servicer's: " + sample.Detail + "."}
	case sample.Outcome == api.OutcomeOK:
		result.Verdict, result.code = string(api.CheckVerdictUndecidable), command.ExitOK
		result.Explanation = append([]string{fmt.Sprintf("It answered in %s ms, signed and bound. One servicer alone says nothing about consistency.",
			phase(sample.RoundTripTime))}, explainTimes(api.NetworkPocket, sample)...)
	case !c.known && refusesStrangers(refusal):
		result.Verdict, result.code = verdictReachable, command.ExitOK
		result.Explanation = append([]string{
			fmt.Sprintf("It refused a question of nobody's with %s, signed and bound: that is what a sound servicer does.", api.Value(sample.RelayError)),
			"For a real answer give --application and --chain, or let a fisherman ask.",
		}, explainStranger(refusal, c.servicer, sample.Servicer)...)
	default:
		result.Explanation = explainOutcome(sample, *inMillis(c.timeout))
	}
	result.Explanation = append(result.Explanation, c.addressing(ctx)...)
	if c.known {
		result.Check.Session = api.EvidenceSession{ID: c.session.ID, StartHeight: c.session.StartHeight, RelayChain: c.session.RelayChain,
			GeoZone: c.session.GeoZone, Application: c.session.Application.Address}
	}
	return result
}

// refusesStrangers reports whether a code is one that admission gives a signer who has staked nothing.
func refusesStrangers(code types.RelayErrorCode) bool {
	return slices.Contains([]types.RelayErrorCode{
		types.RelayErrorCode_RELAY_ERROR_CODE_WRONG_SERVICER, types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT,
		types.RelayErrorCode_RELAY_ERROR_CODE_APPLICATION_NOT_STAKED, types.RelayErrorCode_RELAY_ERROR_CODE_NOT_IN_SESSION,
		types.RelayErrorCode_RELAY_ERROR_CODE_SIGNER_NOT_ALLOWED, types.RelayErrorCode_RELAY_ERROR_CODE_CHAIN_NOT_SERVED,
	}, code)
}

// explainStranger says how far a stranger's question came.
func explainStranger(code types.RelayErrorCode, asked, answered string) []string {
	switch code {
	case types.RelayErrorCode_RELAY_ERROR_CODE_WRONG_SERVICER:
		if asked == "" {
			return []string{fmt.Sprintf("It runs as servicer %s, which has to be the address that is staked; "+
				"ask with --servicer to get further.", answered)}
		}
		return []string{fmt.Sprintf("It runs as servicer %s; servicer %s was asked. If you staked another address, its key is the wrong one.", answered, asked)}
	case types.RelayErrorCode_RELAY_ERROR_CODE_CHAIN_NOT_SERVED:
		return []string{"It does not serve this relay chain: if you staked it for it, an upstream is missing in its configuration."}
	}
	return []string{"It knows the state of its chain, and did not ask the node behind it."}
}

// addressing warns of what a fisherman would not dial.
func (c *urlCheck) addressing(ctx context.Context) []string {
	target, err := url.Parse(c.url)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", target.Hostname())
	if err != nil || slices.ContainsFunc(addresses, wire.Public) {
		return nil
	}
	return []string{"The URL has no public address. A fisherman does not dial it unless its configuration allows private ones: " +
		"the sample would be CONNECT."}
}
