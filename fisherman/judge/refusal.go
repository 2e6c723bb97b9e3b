package judge

import "github.com/pocket-fisherman/fisherman/shared/core/types"

// onlyDisputed reports whether a check that nobody answered is void because several servicers refused the request as
// wrong, and none of them took it; it returns the label of the last refusal. The control probe is asked outside of the
// session, so it cannot say who is right. Where another servicer took the request, to answer or to fail, or where it is
// one servicer's word alone, the refusal stands.
func onlyDisputed(exchanges []Exchange, record *types.QoSRound) (label string, only bool) {
	count := 0
	for i, sample := range record.GetSamples() {
		switch {
		case disputes(&exchanges[i], sample):
			label, count = sample.GetRelayError(), count+1
		case sample.GetRelayErrorCode() != 0 || sample.GetBlame() == types.Blame_BLAME_BACKEND:
			return "", false
		}
	}
	return label, count >= 2
}

// disputes reports whether a servicer refused the request as wrong.
func disputes(e *Exchange, sample *types.QoSSample) bool {
	return sample.GetRelayErrorCode() != 0 && e.Rejected != nil && e.Rejected.Refusal != nil && e.Rejected.Refusal.DisputesRequest
}
