package endpoints

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/network/endpoints/evidence"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/upstream"
	"github.com/pocket-fisherman/fisherman/wire"
)

// request is one question to one target; it implements fisherman.Request.
type request struct {
	*target
	wire     []byte
	evidence []byte
	rpc      bool
}

var _ fisherman.Request = (*request)(nil)

// newRequest writes a payload as a client writes it. A path that does not fit the target's URL is a *wire.Failure.
func newRequest(t *target, payload types.Payload, header http.Header) (*request, error) {
	made, err := upstream.NewRequest(context.Background(), t.address, payload, header)
	if err != nil {
		return nil, wire.Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_BUILD_REQUEST,
			errors.New("the question's path does not fit the target's URL"))
	}
	var body []byte
	if made.Body != nil {
		if body, err = io.ReadAll(made.Body); err != nil {
			return nil, fmt.Errorf("read question: %w", err)
		}
	}
	written, err := wire.Request(made.Method, made.URL.String(), made.Header, body)
	if err != nil {
		return nil, wire.Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_BUILD_REQUEST, errNotURL)
	}
	return &request{target: t, wire: written, evidence: evidence.Request(payload), rpc: payload.REST == nil}, nil
}

// Wire implements fisherman.Request.
func (r *request) Wire() []byte { return r.wire }

// Evidence implements fisherman.Request: the question, without the target's URL and headers.
func (r *request) Evidence() []byte { return r.evidence }

// Open implements fisherman.Request. Nobody signs an answer: what it says is what came over the connection. A target that
// says that it is asked too often is left alone for as long as it says.
func (r *request) Open(answer *wire.Answer) (fisherman.Reply, *wire.Failure) {
	if answer.Status == http.StatusTooManyRequests {
		return fisherman.Reply{}, r.tooOften(answer, "HTTP status 429")
	}
	if answer.Status/100 == 3 {
		return fisherman.Reply{}, unusable(answer, "a redirect, which is not followed")
	}
	if failure := answer.HTTP2Only(); failure != nil {
		return fisherman.Reply{}, failure
	}
	body, failure := answer.Decoded(wire.MaxBodyBytes)
	if failure != nil {
		return fisherman.Reply{}, failure
	}
	if r.rpc {
		code, is := errorCode(body)
		switch {
		case is && r.throttles != nil && r.throttles(code):
			return fisherman.Reply{}, r.tooOften(answer, fmt.Sprintf("JSON-RPC error %d", code))
		case answer.Status/100 != 2 && (!isRPC(body) || ofAsker(answer.Status)):
			return fisherman.Reply{}, unusable(answer, "")
		}
	}
	r.throttle.answered()
	return fisherman.Reply{Status: uint32(answer.Status), Payload: body, Kept: body}, nil
}

// tooOften notes that the target is asked too often.
func (r *request) tooOften(answer *wire.Answer, said string) *wire.Failure {
	now := time.Now()
	r.throttle.pause(answer.Header, now)
	until, _ := r.throttle.pausedUntil(now)
	return throttled(types.Attempt_ATTEMPT_READ_ANSWER, fmt.Errorf("%s; it is left alone for %v", said, until.Sub(now).Round(time.Second)))
}

// throttled is the failure of a request that speaks against nobody.
func throttled(attempt types.Attempt, err error) *wire.Failure {
	return &wire.Failure{Outcome: types.Outcome_OUTCOME_THROTTLED, Blame: types.Blame_BLAME_SELF, Attempt: attempt, Err: err}
}

// unusable is the failure of an answer whose HTTP status says that it has none.
func unusable(answer *wire.Answer, why string) *wire.Failure {
	said := fmt.Sprintf("HTTP status %d", answer.Status)
	if why != "" {
		said += ": " + why
	}
	return wire.Fail(types.Outcome_OUTCOME_HTTP_STATUS, types.Attempt_ATTEMPT_READ_ANSWER, errors.New(said))
}

// ofAsker reports whether an HTTP status is about who asks and not about what is asked, whatever the body says: the key is
// missing, wrong or used up. For everybody else the target may be well; for this user it is not.
func ofAsker(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusProxyAuthRequired:
		return true
	}
	return false
}

// mostError bounds the bodies that are looked at for the code of an error: errors are short.
const mostError = 16 << 10

// errorCode returns the code of a JSON-RPC error; false when the body is none.
func errorCode(body []byte) (int64, bool) {
	if len(body) > mostError || !bytes.Contains(body, []byte(`"error"`)) {
		return 0, false
	}
	var answer struct {
		Error struct {
			Code json.Number `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return 0, false
	}
	code, err := answer.Error.Code.Int64()
	return code, err == nil
}

// isRPC reports whether a body has the form of a JSON-RPC answer.
func isRPC(body []byte) bool {
	var answer struct {
		JSONRPC, Result, Error json.RawMessage
	}
	return json.Unmarshal(body, &answer) == nil && (answer.Error != nil || answer.Result != nil || answer.JSONRPC != nil)
}
