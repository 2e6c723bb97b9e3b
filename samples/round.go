package samples

import (
	"encoding/hex"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Round is the form of a round.
func Round(round *types.QoSRound) api.Round {
	shown := api.Round{
		Session:    round.GetSessionId(),
		Index:      round.GetIndex(),
		Status:     api.RoundStatus(round.GetStatus().Label()),
		Cause:      api.Label[api.Cause](round.Why()),
		Reason:     round.GetReason(),
		Planned:    qos.Moment(round.GetPlannedUnixNano()),
		Released:   qos.Moment(round.GetReleasedUnixNano()),
		SkewMicros: qos.SkewMicros(round),
		Question:   round.GetQuestion(),
		Kind:       api.RoundKind(round.GetKind().Label()),
		Form:       api.CompareForm(round.GetForm().Label()),
		Samples:    make([]api.Sample, 0, len(round.GetSamples())),

		ReferenceHeight: round.ReferenceHeight,
	}
	shown.AddWords()
	for _, sample := range round.GetSamples() {
		shown.Samples = append(shown.Samples, Sample(sample))
	}
	return shown
}

// Sample is the form of a sample.
func Sample(sample *types.QoSSample) api.Sample {
	shown := api.Sample{
		Servicer:          sample.GetServicer(),
		ServiceURL:        sample.GetServiceUrl(),
		Operator:          sample.GetOperator(),
		Origin:            sample.GetOrigin(),
		Outcome:           api.Outcome(sample.GetOutcome().Label()),
		Blame:             api.Label[api.Blame](sample.GetBlame()),
		Consistency:       api.Label[api.Agreement](sample.GetConsistency()),
		Attempt:           api.Label[api.Attempt](sample.GetAttempt()),
		Detail:            sample.GetDetail(),
		Sent:              qos.Moment(sample.GetSentUnixNano()),
		RoundTripTime:     qos.OptionalMilliseconds(sample.GetRoundTripTime()),
		TimeToFirstByte:   qos.OptionalMilliseconds(sample.GetTimeToFirstByte()),
		UserRoundTripTime: qos.OptionalMilliseconds(sample.GetUserRoundTripTime()),
		Timing:            api.Label[api.TimingSource](sample.GetTiming()),
		DNS:               qos.OptionalMilliseconds(sample.GetDnsTime()),
		Connect:           qos.OptionalMilliseconds(sample.GetConnectTime()),
		TLS:               qos.OptionalMilliseconds(sample.GetTlsTime()),
		Reused:            sample.GetReusedConnection(),
		OverSLA:           sample.GetOverSla(),
		Large:             sample.GetLarge(),
		RelayErrorCode:    api.Optional(sample.GetRelayErrorCode()),
		RelayError:        api.Optional(sample.RelayErrorName()),
		AnswerDigest:      api.Optional(hex.EncodeToString(sample.GetAnswerDigest())),
		Evidence:          len(sample.GetResponseEnvelope()) > 0,
		Answer:            api.Label[api.AnswerClass](sample.GetAnswer()),
		Head:              sample.Head,
		Lag:               sample.Lag,
		LagMS:             qos.OptionalMilliseconds(sample.GetLagTime()),
	}
	shown.AddWords()
	return shown
}
