package pocket

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/text"
	"github.com/pocket-fisherman/fisherman/wire"
)

// Asker seals questions for one signer: a fisherman of the session, or its application.
type Asker struct {
	Key crypto.PrivateKey
	// Now is the wall clock; it is written into requests.
	Now func() time.Time

	targets targets
}

// request is one sealed question; it implements fisherman.Request.
type request struct {
	wire     []byte
	envelope []byte
	binding  relay.Binding
	// proven is the answer whose signature was found valid, if that was done before it is opened.
	proven *wire.Answer
}

// Ask addresses a payload to a servicer of a session. A service URL that no request can be addressed to is the
// servicer's fault: a *wire.Failure with the outcome CONNECT.
func (a *Asker) Ask(session *types.Session, servicer *types.Actor, payload types.Payload) (fisherman.Request, error) {
	target, err := a.targets.of(servicer)
	if err != nil {
		return nil, err
	}
	asked := relay.NewRequest(session.GetHeader(), servicer.GetAddress(), payload, a.Now())
	sealed, whole, err := relay.SealRequestBehind(a.Key, asked, target.template.Head)
	if err != nil {
		return nil, fmt.Errorf("seal relay to %s: %w", servicer.GetAddress(), err)
	}
	return &request{
		wire:     whole,
		envelope: sealed.Envelope,
		binding:  relay.Binding{RequestHash: sealed.BodyHash, Servicer: servicer.GetAddress(), Verifier: target.verifier},
	}, nil
}

var errNoURL = errors.New("parse service URL: it is not a URL")

// Post serialises the HTTP request that carries an envelope to a servicer.
func Post(serviceURL string, envelope []byte) ([]byte, error) {
	address, err := relayAddress(serviceURL)
	if err != nil {
		return nil, err
	}
	return wire.Request(http.MethodPost, address, relayHeader(), envelope)
}

// Wire implements fisherman.Request.
func (r *request) Wire() []byte { return r.wire }

// Evidence implements fisherman.Request.
func (r *request) Evidence() []byte { return r.envelope }

// Open implements fisherman.Request: the answer has to carry the servicer's signed response to this very request. A
// signed error is a failure too.
func (r *request) Open(answer *wire.Answer) (fisherman.Reply, *wire.Failure) {
	want := r.binding
	want.Proven = answer != nil && r.proven == answer
	response, failure := open(answer, want)
	if failure != nil {
		return fisherman.Reply{}, failure
	}
	return fisherman.Reply{
		Status:  response.GetUpstreamStatus(),
		Payload: response.GetPayload(),
		Remark:  clockRemark(response, answer.Times.Sent, answer.Times.RoundTrip()),
	}, nil
}

func open(answer *wire.Answer, want relay.Binding) (*types.RelayResponse, *wire.Failure) {
	fail := func(outcome types.Outcome, err error) (*types.RelayResponse, *wire.Failure) {
		return nil, wire.Fail(outcome, types.Attempt_ATTEMPT_OPEN_ANSWER, err)
	}
	if failure := answer.Unencoded(); failure != nil {
		return nil, failure
	}
	if answer.Status != http.StatusOK {
		return fail(types.Outcome_OUTCOME_HTTP_STATUS, fmt.Errorf("HTTP status %d", answer.Status))
	}
	if contentType := answer.ContentType(); contentType != relay.ContentType {
		return fail(types.Outcome_OUTCOME_MALFORMED, fmt.Errorf("content type %q", text.Line(contentType, mostQuoted)))
	}
	response, err := relay.OpenResponse(answer.Body, want)
	switch {
	case errors.Is(err, relay.ErrBadSignature):
		return fail(types.Outcome_OUTCOME_BAD_SIGNATURE, err)
	case errors.Is(err, relay.ErrWrongBinding):
		return fail(types.Outcome_OUTCOME_WRONG_BINDING, err)
	case err != nil:
		return fail(types.Outcome_OUTCOME_MALFORMED, err)
	case response.GetError() != nil:
		return nil, signedError(response.GetError())
	}
	return response, nil
}
