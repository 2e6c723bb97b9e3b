package fisherman

import (
	"slices"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// disputed are the refusals that say that the request itself is wrong: its session, its signer, its form. When it is this
// fisherman that sees the chain as it is not, because its node has fallen behind, every servicer gives one of them.
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

// disputes tells that a servicer refused the request as wrong.
func disputes(sample *types.QoSSample) bool {
	return slices.Contains(disputed, types.RelayErrorCode(sample.GetRelayErrorCode()))
}

// onlyDisputed gives the reason for which a round is void in which nobody answered, or "": several servicers refused the
// request as wrong, and none of them took it. The control probe is asked no relay, so it cannot tell who is right. Where
// another servicer took the request, to answer or to fail, or where it is one servicer's word alone, the refusal stands.
func onlyDisputed(record *types.QoSRound) string {
	var code uint32
	count := 0
	for _, sample := range record.GetSamples() {
		switch {
		case disputes(sample):
			code, count = sample.GetRelayErrorCode(), count+1
		case sample.GetRelayErrorCode() != 0 || sample.GetBlame() == types.Blame_BLAME_BACKEND:
			return ""
		}
	}
	if count < 2 {
		return ""
	}
	return "no servicer answered, and those that could be reached refused the request as wrong: " + types.RelayErrorCode(code).Label()
}
