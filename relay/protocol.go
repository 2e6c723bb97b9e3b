package relay

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// firstFailureCode separates, among relay error codes, refusals (below) from failures of the upstream node.
const firstFailureCode = types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TIMEOUT

// Protocol seals questions and opens answers for one signer: a fisherman of the session, or its application.
type Protocol struct {
	Key crypto.PrivateKey
	// Now is the wall clock; it is written into requests.
	Now func() time.Time
}

// Sealed is one question, addressed to one servicer and ready to be written.
type Sealed struct {
	// Wire is the whole HTTP request.
	Wire []byte
	// Envelope is the sealed request within it.
	Envelope []byte

	binding Binding
}

// Seal addresses a payload to a servicer of a session. A service URL that no request can be addressed to is
// the servicer's fault: a *Failure with the outcome CONNECT.
func (p *Protocol) Seal(session *types.Session, servicer *types.Actor, payload types.Payload) (*Sealed, error) {
	publicKey, err := hex.DecodeString(servicer.GetPublicKey())
	if err != nil {
		return nil, fmt.Errorf("read public key of servicer %s: %w", servicer.GetAddress(), err)
	}
	sealed, err := SealRequest(p.Key, NewRequest(session.GetHeader(), servicer.GetAddress(), payload, p.Now()))
	if err != nil {
		return nil, fmt.Errorf("seal relay to %s: %w", servicer.GetAddress(), err)
	}
	wire, err := WireRequest(servicer.GetServiceUrl(), sealed.Envelope)
	if err != nil {
		return nil, fail(types.Outcome_OUTCOME_CONNECT, "build request", err)
	}
	return &Sealed{
		Wire:     wire,
		Envelope: sealed.Envelope,
		binding:  Binding{RequestHash: sealed.BodyHash, Servicer: servicer.GetAddress(), PublicKey: publicKey},
	}, nil
}

// Open checks that an HTTP answer carries the servicer's signed response to this very request, and returns it. A
// signed error is returned as an error too. Errors are *Failure.
func (s *Sealed) Open(answer *Answer) (*types.RelayResponse, error) {
	const attempt = "open answer"
	if answer.Status != http.StatusOK {
		return nil, fail(types.Outcome_OUTCOME_HTTP_STATUS, attempt, fmt.Errorf("HTTP status %d", answer.Status))
	}
	if answer.ContentType != ContentType {
		return nil, fail(types.Outcome_OUTCOME_MALFORMED, attempt, fmt.Errorf("content type %q", clip(answer.ContentType)))
	}
	response, err := OpenResponse(answer.Body, s.binding)
	switch {
	case errors.Is(err, ErrBadSignature):
		return nil, fail(types.Outcome_OUTCOME_BAD_SIGNATURE, attempt, err)
	case errors.Is(err, ErrWrongBinding):
		return nil, fail(types.Outcome_OUTCOME_WRONG_BINDING, attempt, err)
	case err != nil:
		return nil, fail(types.Outcome_OUTCOME_MALFORMED, attempt, err)
	case response.GetError() != nil:
		return nil, signedError(response.GetError())
	}
	return response, nil
}

// signedError says whom a signed error speaks against. The allowance is ours to keep: a refusal for having used it up
// is our own fault.
func signedError(signed *types.RelayError) *Failure {
	failure := &Failure{
		Outcome: types.Outcome_OUTCOME_RELAY_ERROR,
		Blame:   types.Blame_BLAME_SERVICER,
		Attempt: "signed error",
		Code:    signed.GetCode(),
		Err:     fmt.Errorf("%s: %s", signed.GetCode().Label(), clip(signed.GetMessage())),
	}
	switch {
	case signed.GetCode() == types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE:
		failure.Outcome, failure.Blame = types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF
	case signed.GetCode() >= firstFailureCode:
		failure.Outcome, failure.Blame = types.Outcome_OUTCOME_BACKEND_ERROR, types.Blame_BLAME_BACKEND
	}
	return failure
}
