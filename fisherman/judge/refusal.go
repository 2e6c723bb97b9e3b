package judge

import (
	"fmt"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

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

// corroborated judges a refusal of the request as wrong that nothing proves and that is void for that. It stays void while it
// can be right by what this fisherman sees of the network, and where most servicers say the same. Otherwise it is the
// servicer's fault: without this rule a servicer could turn its nulls into voids.
func (j *judgement) corroborated(failure *types.Failure) *types.Failure {
	if failure == nil || failure.Outcome != types.Outcome_OUTCOME_VOID || failure.Refusal == nil {
		return failure
	}
	if refusal := failure.Refusal; !refusal.DisputesRequest || !refusal.Contradicted || j.disputed {
		return failure
	}
	return &types.Failure{
		Outcome: types.Outcome_OUTCOME_RELAY_ERROR,
		Blame:   types.Blame_BLAME_SERVICER,
		Attempt: failure.Attempt,
		Refusal: failure.Refusal,
		Err:     fmt.Errorf("most others do not say so, and it cannot be: %w", failure.Err),
	}
}

// mostDispute reports whether most servicers that were asked refuse the request as wrong, two at least. Those of one operator
// have one vote, and where they differ one on either side.
func (j *judgement) mostDispute() bool {
	says := poll(j, func(i int) (dispute, asked bool) {
		e := &j.Exchanges[i]
		ours := e.Late != nil || e.Failure != nil && (e.Failure.Outcome == types.Outcome_OUTCOME_VOID || e.Failure.Outcome == types.Outcome_OUTCOME_THROTTLED)
		refusal := refusalOf(e)
		return refusal != nil && refusal.DisputesRequest, !ours
	}, all)
	return says.Pro(true) >= 2 && says.Leads(true)
}
