package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
)

// refusal is why a request gets no answer: what the client is told, and under which HTTP status.
type refusal struct {
	status  int
	code    api.ErrorCode
	message string
}

// Error makes a refusal an error, so that the steps of a handler can return it.
func (r *refusal) Error() string { return string(r.code) + ": " + r.message }

func badParameter(format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, api.ErrorCodeBadParameter, fmt.Sprintf(format, args...)}
}

func notReady() *refusal {
	return &refusal{http.StatusServiceUnavailable, api.ErrorCodeNotReady, "the chain has no committed block yet; try again shortly"}
}

// refuse maps a reader's error to what the client is told. What the chain's state knows better is passed on in its own
// words: they name what was asked for and what there is. It returns nil for an error that is the node's own fault.
func refuse(err error) *refusal {
	var known *refusal
	var refused *transaction.Refusal
	var step *samples.StepError
	var span *samples.SpanError
	switch {
	case errors.As(err, &refused):
		return &refusal{http.StatusUnprocessableEntity, api.ErrorCode("transaction_" + strings.ToLower(refused.Code.Label())), refused.Reason}
	case errors.As(err, &step):
		return badParameter("step: %v", step)
	case errors.As(err, &span):
		return badParameter("%v", span)
	case errors.Is(err, ErrNotReady):
		return &refusal{http.StatusServiceUnavailable, api.ErrorCodeNotReady, err.Error()}
	case errors.Is(err, ErrKnownTransaction):
		return &refusal{http.StatusConflict, api.ErrorCodeKnownTransaction, ErrKnownTransaction.Error()}
	case errors.Is(err, ErrMempoolFull):
		return &refusal{http.StatusServiceUnavailable, api.ErrorCodeMempoolFull, ErrMempoolFull.Error()}
	case errors.As(err, &known):
		return known
	case errors.Is(err, modules.ErrHeightUnavailable):
		return &refusal{http.StatusNotFound, api.ErrorCodeHeightUnavailable, err.Error()}
	case errors.Is(err, modules.ErrUnknownActor):
		return &refusal{http.StatusNotFound, api.ErrorCodeUnknownApplication, err.Error()}
	case errors.Is(err, modules.ErrChainNotStaked):
		return &refusal{http.StatusNotFound, api.ErrorCodeChainNotStaked, err.Error()}
	case errors.Is(err, modules.ErrApplicationPaused):
		return &refusal{http.StatusNotFound, api.ErrorCodeApplicationPaused, err.Error()}
	case errors.Is(err, modules.ErrApplicationNew):
		return &refusal{http.StatusNotFound, api.ErrorCodeApplicationNew, err.Error()}
	case errors.Is(err, modules.ErrUnknownSession):
		return &refusal{http.StatusNotFound, api.ErrorCodeUnknownSession, "the fisherman holds no session of that id"}
	case errors.Is(err, samples.ErrUnknownServicer):
		return &refusal{http.StatusNotFound, api.ErrorCodeUnknownServicer, samples.ErrUnknownServicer.Error()}
	case errors.Is(err, samples.ErrUnknownPlace):
		return badParameter("vantage: %v", samples.ErrUnknownPlace)
	case errors.Is(err, samples.ErrTooManyListeners):
		return &refusal{http.StatusServiceUnavailable, api.ErrorCodeTooManyListeners, "too many listen to events already; try again later"}
	case errors.Is(err, ErrNoFisherman):
		return &refusal{http.StatusNotFound, api.ErrorCodeNoFisherman, "this node runs no fisherman"}
	case errors.Is(err, ErrNoServicer):
		return &refusal{http.StatusNotFound, api.ErrorCodeNoServicer, ErrNoServicer.Error()}
	case errors.Is(err, ErrNotInSession):
		return &refusal{http.StatusNotFound, api.ErrorCodeNotInSession, err.Error()}
	case errors.Is(err, ErrTooManyChecks):
		return &refusal{http.StatusTooManyRequests, api.ErrorCodeTooManyChecks, "too many checks on demand: one at a time and one a second, " +
			"and a bounded number in a session"}
	case errors.Is(err, ErrCannotAsk):
		return &refusal{http.StatusServiceUnavailable, api.ErrorCodeNotReady, ErrCannotAsk.Error()}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &refusal{http.StatusServiceUnavailable, api.ErrorCodeTimeout, "the node did not answer in time"}
	}
	return nil
}
