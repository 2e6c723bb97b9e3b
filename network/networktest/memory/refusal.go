package memory

import (
	"errors"
	"strconv"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// Code is why a servicer of this network does not answer.
type Code uint32

// Codes, from 1. NodeDown is a failure of the node behind the servicer, all others are the servicer's refusals.
const (
	Disputed Code = iota + 1
	OverAllowance
	Busy
	NodeDown
)

// String returns the code's label.
func (c Code) String() string {
	switch c {
	case Disputed:
		return "DISPUTED"
	case OverAllowance:
		return "OVER_ALLOWANCE"
	case Busy:
		return "BUSY"
	case NodeDown:
		return "NODE_DOWN"
	}
	return strconv.FormatUint(uint64(c), 10)
}

// refused is the failure that a signed code means.
func refused(code Code) *wire.Failure {
	failure := &wire.Failure{
		Outcome: types.Outcome_OUTCOME_RELAY_ERROR,
		Blame:   types.Blame_BLAME_SERVICER,
		Attempt: types.Attempt_ATTEMPT_SIGNED_ERROR,
		Refusal: &types.Refusal{Code: uint32(code), Label: code.String(), DisputesRequest: code == Disputed, OverAllowance: code == OverAllowance},
		Err:     errors.New(code.String()),
	}
	switch code {
	case OverAllowance:
		failure.Outcome, failure.Blame = types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF
	case NodeDown:
		failure.Outcome, failure.Blame = types.Outcome_OUTCOME_BACKEND_ERROR, types.Blame_BLAME_BACKEND
	}
	return failure
}
