package judge

import (
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// keepEvidence keeps the envelopes of every servicer that disagreed and of one servicer of the majority. The record's
// samples are in the order of the exchanges.
func keepEvidence(o *Observation, record *types.QoSRound) {
	dissent := slices.ContainsFunc(record.Samples, func(s *types.QoSSample) bool {
		return s.Consistency == types.Consistency_CONSISTENCY_DISAGREE
	})
	witness := !dissent
	for i, sample := range record.Samples {
		exchange := &o.Exchanges[i]
		majority := sample.Consistency == types.Consistency_CONSISTENCY_AGREE && !witness
		if !majority && sample.Consistency != types.Consistency_CONSISTENCY_DISAGREE {
			continue
		}
		if len(exchange.Response) > mostEvidence {
			sample.Detail = text.Line(strings.TrimPrefix(sample.Detail+"; answer too large to keep as evidence", "; "), mostDetail)
			continue
		}
		witness = witness || majority
		sample.RequestEnvelope, sample.ResponseEnvelope = exchange.Request, exchange.Response
	}
}
