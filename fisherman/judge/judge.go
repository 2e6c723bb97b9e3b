package judge

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// Round judges a check. wantsControl reports that what the control probe says would decide, and that it was not asked:
// the caller asks it then, and judges again.
func Round(o *Observation, rules *Rules) (record *types.QoSRound, wantsControl bool) {
	record = &types.QoSRound{
		SessionId:        o.SessionID,
		Index:            o.Index,
		Status:           types.RoundStatus_ROUND_STATUS_DONE,
		PlannedUnixNano:  unixNano(o.Due),
		ReleasedUnixNano: unixNano(o.Released),
		Skew:             durationpb.New(o.Skew),
		Question:         o.Question.Label,
		IgnoredFields:    rules.IgnoredFields,
		Kind:             o.Question.Kind,
		Form:             o.Question.Form,
	}
	j := &judgement{Observation: o, Rules: rules, origins: origins(o.Exchanges)}
	j.voters = voters(o.Exchanges, j.origins)
	j.read()
	settled := j.settle()
	record.Samples = make([]*types.QoSSample, 0, len(o.Exchanges))
	for i := range o.Exchanges {
		record.Samples = append(record.Samples, j.sample(i, settled))
	}
	switch o.Question.Kind {
	case types.RoundKind_ROUND_KIND_HEAD:
		j.heads(record)
	case types.RoundKind_ROUND_KIND_TIP:
		j.tips(record)
	default:
		j.compare(record)
	}
	j.hold(record)
	keepEvidence(o, record)
	if cause, reason := j.void(record, settled); cause != types.Cause_CAUSE_UNSPECIFIED {
		voidRound(record, cause, reason)
		j.undecided = wanted(cause)
	}
	numberOrigins(record.Samples, j.origins)
	slices.SortFunc(record.Samples, func(a, b *types.QoSSample) int { return cmp.Compare(a.Servicer, b.Servicer) })
	return record, j.undecided && o.Control == nil
}

// wanted reports whether the control probe could still decide about a check that is void for a cause.
func wanted(cause types.Cause) bool {
	return cause == types.Cause_CAUSE_NO_CONTROL_PROBE || cause == types.Cause_CAUSE_CONTESTED
}

// judgement is one under way.
type judgement struct {
	*Observation
	*Rules
	// origins is, for each exchange, what its vote is counted by; voters, for each origin, who has that vote.
	origins []int
	voters  []verify.Voter
	// missing and readings are, for each exchange, why it has no answer that can be read, or what the answer says.
	missing  []*types.Failure
	readings []verify.Reading
	// disputed: most servicers refuse the request as wrong.
	disputed bool
	// large: most nodes with data have a large answer.
	large bool
	// received is how many bytes came from each origin, receivedAll from all; nil until a late answer asks for it.
	received    []int
	receivedAll int
	// crowded: a servicer is excused for a time-out, because our own link was busy.
	crowded bool
	// undecided: the control probe could still decide about the check.
	undecided bool
}

// read reads all answers.
func (j *judgement) read() {
	answers := verify.NewReader(j.reading)
	j.missing = make([]*types.Failure, len(j.Exchanges))
	j.readings = make([]verify.Reading, len(j.Exchanges))
	j.disputed = j.mostDispute()
	for i := range j.Exchanges {
		e := &j.Exchanges[i]
		if j.missing[i] = j.unread(e); j.missing[i] != nil {
			continue
		}
		j.readings[i] = answers.Read(e.Status, e.Payload)
	}
	j.large = j.mostLarge()
}

// reading reads an answer to the question.
func (j *judgement) reading(status uint32, payload []byte) verify.Reading {
	return verify.ReadAnswer(j.Question.Payload, status, payload, j.Question.Form, j.Ignored...).Admitted(j.Question.Errors).Admitted(j.Question.Denials)
}

// compare compares the answers that count, and notes whom they agree with. One that was cut off agrees with none: otherwise
// few could be the majority of what is left.
func (j *judgement) compare(record *types.QoSRound) {
	var ballots []verify.Ballot
	var voters []*types.QoSSample
	for i, sample := range record.Samples {
		from := j.origins[i]
		ballot := verify.Ballot{Origin: from, Voter: j.voters[from], Digest: j.readings[i].Digest}
		switch {
		case answered(sample):
			ballots, voters = append(ballots, ballot), append(voters, sample)
		case cutOff(sample):
			ballot.Digest = cutOffDigest(from)
			ballots, voters = append(ballots, ballot), append(voters, nil)
		}
	}
	for i, consistency := range verify.Compare(ballots, j.Quorum) {
		if voters[i] != nil {
			voters[i].Consistency = consistency
		}
	}
}

// cutOffDigest returns the digest of what an origin would have said. It is no answer's that anybody could find.
func cutOffDigest(origin int) (digest verify.Digest) {
	for i := range digest {
		digest[i] = 0xff
	}
	binary.BigEndian.PutUint64(digest[len(digest)-8:], uint64(origin))
	return digest
}

// cutOff reports whether the answer was not read to its end, because too many bytes of answers were in memory. Its servicer
// has said something, and nobody knows what.
func cutOff(sample *types.QoSSample) bool { return sample.Attempt == types.Attempt_ATTEMPT_FIND_ROOM }

// void returns why the whole check counts for nobody; CAUSE_UNSPECIFIED when it counts.
func (j *judgement) void(record *types.QoSRound, settled settlement) (types.Cause, string) {
	late := j.Released.Sub(j.Due)
	switch {
	case j.Stopped:
		return types.Cause_CAUSE_STOPPED, "the fisherman was stopped during the check"
	case late > latestRelease:
		return types.Cause_CAUSE_LATE, fmt.Sprintf("released %v after its time", late.Round(time.Millisecond))
	case j.Stall > j.maxStall() && j.Judging:
		return types.Cause_CAUSE_JUDGING, fmt.Sprintf("judging other checks held this one up for %v", j.Stall.Round(time.Millisecond))
	case j.Stall > j.maxStall():
		return types.Cause_CAUSE_STALL, fmt.Sprintf("this machine stalled for %v during the check", j.Stall.Round(time.Millisecond))
	case j.Skew > j.MaxSkew:
		return types.Cause_CAUSE_SKEW, fmt.Sprintf("skew of %v between the requests, allowed %v", j.Skew, j.MaxSkew)
	case j.crowded && !slices.ContainsFunc(record.Samples, counts):
		return types.Cause_CAUSE_SATURATED, "no answer was complete in time, because all of them kept our own link busy"
	case !slices.ContainsFunc(record.Samples, counts) && slices.ContainsFunc(record.Samples, cutOff):
		return types.Cause_CAUSE_OVERLOAD, "too many bytes of answers were in memory to read one of this check"
	case !slices.ContainsFunc(record.Samples, counts):
		if slices.ContainsFunc(j.Exchanges, func(e Exchange) bool { return j.tooLarge(&e) }) {
			return types.Cause_CAUSE_TOO_LARGE, "the answer is larger than the protocol carries in some spellings"
		}
		return types.Cause_CAUSE_NO_SAMPLE, "none of its samples counts"
	case settled.cause != types.Cause_CAUSE_UNSPECIFIED:
		return settled.cause, settled.reason
	case !slices.ContainsFunc(record.Samples, null):
		return types.Cause_CAUSE_UNSPECIFIED, "" // answered, or throttled, which speaks against nobody
	case !slices.ContainsFunc(record.Samples, answered):
		return j.unanswered(record)
	}
	return types.Cause_CAUSE_UNSPECIFIED, ""
}

// null reports whether a sample counts, without an answer.
func null(sample *types.QoSSample) bool {
	return counts(sample) && !answered(sample) && sample.Outcome != types.Outcome_OUTCOME_THROTTLED
}

func counts(sample *types.QoSSample) bool { return sample.Outcome != types.Outcome_OUTCOME_VOID }

func answered(sample *types.QoSSample) bool { return sample.Outcome == types.Outcome_OUTCOME_OK }

// voidRound voids a round and all its samples; what was observed stays readable in the details.
func voidRound(record *types.QoSRound, cause types.Cause, reason string) {
	record.Status, record.Cause, record.Reason = types.RoundStatus_ROUND_STATUS_VOID, cause, text.Line(reason, mostDetail)
	record.ReferenceHeight = nil
	for _, sample := range record.Samples {
		if sample.Outcome == types.Outcome_OUTCOME_THROTTLED {
			sample.Blame = types.Blame_BLAME_SELF // it was not asked, or told us to wait, whatever else happened
			continue
		}
		if counts(sample) {
			sample.Detail = text.Line(strings.TrimSuffix(sample.Outcome.Label()+" in a void round: "+sample.Detail, ": "), mostDetail)
		}
		sample.Outcome, sample.Blame = types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF
		sample.Consistency = types.Consistency_CONSISTENCY_UNSPECIFIED
		sample.Lag, sample.LagTime = nil, nil
	}
}

func unixNano(moment time.Time) int64 {
	if moment.IsZero() {
		return 0
	}
	return moment.UnixNano()
}
