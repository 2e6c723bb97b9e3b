package pocket

import (
	"fmt"
	"slices"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
	"github.com/pocket-fisherman/fisherman/wire"
)

const (
	// firstFailureCode separates, among relay error codes, refusals (below) from failures of the upstream node.
	firstFailureCode = types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TIMEOUT
	// mostQuoted bounds a stranger's text in an error, in bytes.
	mostQuoted = 64
)

// disputed are the refusals that say that the request itself is wrong: its session, its signer, its form. When this
// fisherman sees the chain wrongly, because its node has fallen behind, every servicer gives one of them.
var disputed = []types.RelayErrorCode{
	types.RelayErrorCode_RELAY_ERROR_CODE_TOO_LARGE,
	types.RelayErrorCode_RELAY_ERROR_CODE_MALFORMED,
	types.RelayErrorCode_RELAY_ERROR_CODE_WRONG_SERVICER,
	types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT,
	types.RelayErrorCode_RELAY_ERROR_CODE_CHAIN_NOT_SERVED,
	types.RelayErrorCode_RELAY_ERROR_CODE_APPLICATION_NOT_STAKED,
	types.RelayErrorCode_RELAY_ERROR_CODE_NOT_IN_SESSION,
	types.RelayErrorCode_RELAY_ERROR_CODE_REPLAYED,
	types.RelayErrorCode_RELAY_ERROR_CODE_SIGNER_NOT_ALLOWED,
	types.RelayErrorCode_RELAY_ERROR_CODE_BAD_SIGNATURE,
}

// signedError judges whom a signed error speaks against. The allowance is ours to keep: a refusal for having used it up
// is our own fault, unless the fisherman knows better.
func signedError(signed *types.RelayError) *wire.Failure {
	code := signed.GetCode()
	failure := &wire.Failure{
		Outcome: types.Outcome_OUTCOME_RELAY_ERROR,
		Blame:   types.Blame_BLAME_SERVICER,
		Attempt: types.Attempt_ATTEMPT_SIGNED_ERROR,
		Refusal: &types.Refusal{
			Code:            uint32(code),
			Label:           code.Label(),
			DisputesRequest: slices.Contains(disputed, code),
			OverAllowance:   code == types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE,
			TooLarge:        code == types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TOO_LARGE,
		},
		Err: fmt.Errorf("%s: %s", code.Label(), text.Line(signed.GetMessage(), mostQuoted)),
	}
	switch {
	case failure.Refusal.OverAllowance:
		failure.Outcome, failure.Blame = types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF
	case code >= firstFailureCode:
		failure.Outcome, failure.Blame = types.Outcome_OUTCOME_BACKEND_ERROR, types.Blame_BLAME_BACKEND
	}
	return failure
}
