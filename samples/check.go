package samples

import (
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Check is the form of a round on demand, for one of its servicers, with how long the writing of each request took. What
// the report says of session and parameters is the caller's.
func Check(servicer string, round *types.QoSRound, writes map[string]time.Duration) api.CheckReport {
	report := api.CheckReport{
		Servicer:   servicer,
		Verdict:    api.CheckVerdictVoid,
		Reason:     round.GetReason(),
		Question:   round.GetQuestion(),
		AskedAt:    time.Unix(0, round.GetReleasedUnixNano()).UTC().Format(time.RFC3339Nano),
		SkewMicros: round.GetSkew().AsDuration().Microseconds(),
		Samples:    []api.CheckSample{},
	}
	for _, sample := range round.GetSamples() {
		made := checkSample(sample)
		if write, wrote := writes[sample.GetServicer()]; wrote {
			took := qos.Milliseconds(write)
			made.WriteMS = &took
		}
		report.Samples = append(report.Samples, made)
		if sample.GetServicer() == servicer {
			report.Verdict = judgeCheck(sample)
		}
	}
	return report
}

func checkSample(sample *types.QoSSample) api.CheckSample {
	made := api.CheckSample{Sample: Sample(sample)}
	if sample.GetTlsTime().AsDuration() <= 0 { // without TLS it takes no time
		made.TLS = nil
	}
	made.Signature, made.Binding = trust(sample)
	made.KeepOldNames()
	return made
}

// trust says what an outcome tells of the signature and the binding of what came back.
func trust(sample *types.QoSSample) (signature, binding api.Finding) {
	switch outcome := sample.GetOutcome(); {
	case outcome == types.Outcome_OUTCOME_BAD_SIGNATURE:
		return api.FindingFailed, api.FindingNone
	case outcome == types.Outcome_OUTCOME_WRONG_BINDING:
		return api.FindingOK, api.FindingFailed
	case outcome == types.Outcome_OUTCOME_OK, outcome == types.Outcome_OUTCOME_BACKEND_ERROR, len(sample.GetAnswerDigest()) > 0,
		sample.GetRelayErrorCode() != 0:
		return api.FindingOK, api.FindingOK
	}
	return api.FindingNone, api.FindingNone
}

func judgeCheck(sample *types.QoSSample) api.CheckVerdict {
	switch {
	case sample.GetOutcome() == types.Outcome_OUTCOME_VOID:
		return api.CheckVerdictVoid
	case sample.GetOutcome() == types.Outcome_OUTCOME_THROTTLED:
		return api.CheckVerdictThrottled
	case sample.GetOutcome() != types.Outcome_OUTCOME_OK:
		return api.CheckVerdictNull
	case sample.GetConsistency() == types.Consistency_CONSISTENCY_DISAGREE:
		return api.CheckVerdictInconsistent
	case sample.GetOverSla():
		return api.CheckVerdictSlow
	case sample.GetConsistency() != types.Consistency_CONSISTENCY_AGREE:
		return api.CheckVerdictUndecidable
	}
	return api.CheckVerdictOK
}
