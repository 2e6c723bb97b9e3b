package judge

import (
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// heads takes each answer for a claim of the newest height, and measures how far each is behind the reference.
func (j *judgement) heads(record *types.QoSRound) {
	claims := make(map[int]int64, len(j.voters))
	for i, sample := range record.Samples {
		if cutOff(sample) {
			claims[j.origins[i]] = 0 // it counts, and speaks for no height
		}
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
	reference, known := reached(claims, j.voters, j.Quorum)
	if !known || reference == 0 && slices.ContainsFunc(record.Samples, cutOff) {
		return
	}
	record.ReferenceHeight = &reference
	for _, sample := range record.Samples {
		if sample.Head != nil {
			j.lag(sample, reference)
		}
	}
}

// reached returns the highest height that more voters have reached than have not, given at least quorum voters. One that
// is too high moves nothing. An operator has reached a height when one of its origins has, and has not when one has not.
func reached(claims map[int]int64, voters []verify.Voter, quorum int) (height int64, known bool) {
	type span struct{ lowest, highest int64 }
	spans := make(map[verify.Voter]span, len(claims))
	for at, claim := range claims {
		of, before := spans[voters[at]]
		if !before {
			of = span{claim, claim}
		}
		spans[voters[at]] = span{min(of.lowest, claim), max(of.highest, claim)}
	}
	if len(spans) < quorum || len(spans) == 0 {
		return 0, false
	}
	var lowest, highest []int64
	for _, of := range spans {
		lowest, highest = append(lowest, of.lowest), append(highest, of.highest)
	}
	slices.Sort(lowest)
	slices.Sort(highest)
	heights := slices.Sorted(maps.Values(claims))
	for _, height := range slices.Backward(heights) {
		have, _ := slices.BinarySearch(highest, height)
		lack, _ := slices.BinarySearch(lowest, height)
		if len(highest)-have > lack {
			return height, true
		}
	}
	return 0, false
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
