package judge

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// heads takes each answer for a claim of the newest height, and measures how far each is behind the reference.
func (j *judgement) heads(record *types.QoSRound) {
	claims := make(map[string]int64)
	for i, sample := range record.Samples {
		if !answered(sample) {
			continue
		}
		height, err := j.Question.ReadHead(j.Exchanges[i].Payload)
		if err != nil {
			sample.Outcome, sample.Blame = types.Outcome_OUTCOME_BACKEND_ERROR, types.Blame_BLAME_BACKEND
			sample.Answer, sample.Attempt = types.AnswerClass_ANSWER_CLASS_FAILURE, types.Attempt_ATTEMPT_READ_ANSWER
			sample.Detail = text.Line(err.Error(), mostDetail)
			withoutAnswer(sample)
			continue
		}
		sample.Head = &height
		from := j.origins[i]
		if before, claimed := claims[from]; !claimed || height < before {
			claims[from] = height
		}
	}
	reference, known := reached(claims, j.Quorum)
	if !known {
		return
	}
	record.ReferenceHeight = &reference
	for _, sample := range record.Samples {
		if sample.Head != nil {
			j.lag(sample, reference)
		}
	}
}

// reached returns the height that a strict majority of the origins has reached, given at least quorum claims. One origin
// that is too high moves nothing.
func reached(claims map[string]int64, quorum int) (height int64, known bool) {
	if len(claims) < quorum {
		return 0, false
	}
	var heights []int64
	for _, height := range claims {
		heights = append(heights, height)
	}
	slices.Sort(heights)
	slices.Reverse(heights)
	return heights[len(heights)/2], true
}

// tips takes a node that lacks a block near the tip for one that is at the height before it. Most nodes have the block,
// or the check is void.
func (j *judgement) tips(record *types.QoSRound) {
	record.ReferenceHeight = &j.Head
	contrast := j.contrast()
	for i, sample := range record.Samples {
		if j.missing[i] == nil && isNothing(j.readings[i], contrast) && sample.Answer == types.AnswerClass_ANSWER_CLASS_MISSING {
			sample.Head = proto.Int64(j.Question.Height - 1)
			j.lag(sample, j.Head)
		}
	}
}

// lag notes how far a sample's head is behind a reference.
func (j *judgement) lag(sample *types.QoSSample, reference int64) {
	lag := max(0, reference-sample.GetHead())
	sample.Lag = &lag
	if j.BlockTime > 0 {
		const most = int64(1<<63-1) / int64(time.Hour)
		sample.LagTime = durationpb.New(time.Duration(min(lag, most)) * min(j.BlockTime, time.Hour))
	}
}
