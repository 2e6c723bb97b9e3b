package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
)

// Codes of refusals. They are part of the API: a code is never renamed or given another meaning.
const (
	codeBadParameter       = "bad_parameter"
	codeBadRequest         = "bad_request"
	codeUnknownPath        = "unknown_path"
	codeMethodNotAllowed   = "method_not_allowed"
	codeHeightUnavailable  = "height_unavailable"
	codeUnknownApplication = "unknown_application"
	codeChainNotStaked     = "chain_not_staked"
	codeApplicationPaused  = "application_paused"
	codeUnknownSession     = "unknown_session"
	codeUnknownServicer    = "unknown_servicer"
	codeUnknownTransaction = "unknown_transaction"
	codeNoFisherman        = "no_fisherman"
	codeNoServicer         = "no_servicer"
	codeNotInSession       = "not_in_session"
	codeTooManyChecks      = "too_many_checks"
	codeCrossOrigin        = "cross_origin"
	codeBadHost            = "bad_host"
	codeNotReady           = "not_ready"
	codeKnownTransaction   = "known_transaction"
	codeMempoolFull        = "mempool_full"
	codeTooManyListeners   = "too_many_listeners"
	codeTimeout            = "timeout"
	codeInternal           = "internal"
	// codeTransaction is what the code of a refused transaction begins with: the name of its TransactionCode in lower
	// case follows, as in "transaction_wrong_sequence".
	codeTransaction = "transaction_"
)

// refusal is why a request gets no answer: what the client is told, and under which HTTP status.
type refusal struct {
	status  int
	code    string
	message string
}

// Error makes a refusal an error, so that the steps of a handler can return it.
func (r *refusal) Error() string { return r.code + ": " + r.message }

// refusalView is the body of every answer other than 200.
type refusalView struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func badParameter(format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, codeBadParameter, fmt.Sprintf(format, args...)}
}

func notReady() *refusal {
	return &refusal{http.StatusServiceUnavailable, codeNotReady, "the chain has no committed block yet; try again shortly"}
}

// refuse maps a reader's error to what the client is told. What the chain's state knows better is passed on in its own
// words: they name what was asked for and what there is. It returns nil for an error that is the node's own fault.
func refuse(err error) *refusal {
	var known *refusal
	var refused *transaction.Refusal
	switch {
	case errors.As(err, &refused):
		return &refusal{http.StatusUnprocessableEntity, codeTransaction + strings.ToLower(refused.Code.Label()), refused.Reason}
	case errors.Is(err, ErrNotReady):
		return &refusal{http.StatusServiceUnavailable, codeNotReady, err.Error()}
	case errors.Is(err, ErrKnownTransaction):
		return &refusal{http.StatusConflict, codeKnownTransaction, ErrKnownTransaction.Error()}
	case errors.Is(err, ErrMempoolFull):
		return &refusal{http.StatusServiceUnavailable, codeMempoolFull, ErrMempoolFull.Error()}
	case errors.As(err, &known):
		return known
	case errors.Is(err, modules.ErrHeightUnavailable):
		return &refusal{http.StatusNotFound, codeHeightUnavailable, err.Error()}
	case errors.Is(err, modules.ErrUnknownActor):
		return &refusal{http.StatusNotFound, codeUnknownApplication, err.Error()}
	case errors.Is(err, modules.ErrChainNotStaked):
		return &refusal{http.StatusNotFound, codeChainNotStaked, err.Error()}
	case errors.Is(err, modules.ErrApplicationPaused):
		return &refusal{http.StatusNotFound, codeApplicationPaused, err.Error()}
	case errors.Is(err, modules.ErrUnknownSession):
		return &refusal{http.StatusNotFound, codeUnknownSession, "the fisherman holds no session of that id"}
	case errors.Is(err, ErrNoFisherman):
		return &refusal{http.StatusNotFound, codeNoFisherman, "this node runs no fisherman"}
	case errors.Is(err, ErrNoServicer):
		return &refusal{http.StatusNotFound, codeNoServicer, ErrNoServicer.Error()}
	case errors.Is(err, ErrNotInSession):
		return &refusal{http.StatusNotFound, codeNotInSession, ErrNotInSession.Error()}
	case errors.Is(err, ErrTooManyChecks):
		return &refusal{http.StatusTooManyRequests, codeTooManyChecks, "too many checks on demand: one at a time and one a second, " +
			"and no more in a session than servicers reserve relays for"}
	case errors.Is(err, ErrCannotAsk):
		return &refusal{http.StatusServiceUnavailable, codeNotReady, ErrCannotAsk.Error()}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &refusal{http.StatusServiceUnavailable, codeTimeout, "the node did not answer in time"}
	}
	return nil
}
