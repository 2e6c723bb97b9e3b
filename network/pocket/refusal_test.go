package pocket

import (
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Each code is a word against the request, one about the servicer itself, one about the allowance, or a failure of its
// node; a new one has to be decided about.
func TestEveryRefusalIsDecided(t *testing.T) {
	const busy, notReady = types.RelayErrorCode_RELAY_ERROR_CODE_BUSY, types.RelayErrorCode_RELAY_ERROR_CODE_NOT_READY
	const overAllowance, tooLarge = types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE, types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TOO_LARGE
	for number := range types.RelayErrorCode_name {
		code := types.RelayErrorCode(number)
		if code == types.RelayErrorCode_RELAY_ERROR_CODE_UNSPECIFIED {
			continue // relay.OpenResponse refuses it
		}
		failure := signedError(&types.RelayError{Code: code, Message: "words\x1b[2J"})
		want := types.Refusal{Code: uint32(code), Label: code.Label(), OverAllowance: code == overAllowance, TooLarge: code == tooLarge}
		outcome, blame := types.Outcome_OUTCOME_RELAY_ERROR, types.Blame_BLAME_SERVICER
		switch {
		case code == overAllowance:
			outcome, blame = types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF
		case code >= types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TIMEOUT:
			outcome, blame = types.Outcome_OUTCOME_BACKEND_ERROR, types.Blame_BLAME_BACKEND
		default:
			want.DisputesRequest = code != busy && code != notReady
		}
		if failure.Refusal == nil || *failure.Refusal != want || failure.Outcome != outcome || failure.Blame != blame || failure.Attempt != types.Attempt_ATTEMPT_SIGNED_ERROR {
			t.Errorf("%v: %+v, refusal %+v", code, failure, failure.Refusal)
		}
		if got := failure.Err.Error(); got != code.Label()+": words?[2J" {
			t.Errorf("%v: %q", code, got)
		}
	}
}
