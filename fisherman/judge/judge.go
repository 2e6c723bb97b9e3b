package judge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// Round judges a check. A check that no servicer answered has the cause NO_CONTROL_PROBE while the observation has no
// Control: the caller asks the control probe then, and judges again.
func Round(o *Observation, rules *Rules) *types.QoSRound {
	record := &types.QoSRound{
		SessionId:        o.SessionID,
		Index:            o.Index,
		Status:           types.RoundStatus_ROUND_STATUS_DONE,
		PlannedUnixNano:  unixNano(o.Due),
		ReleasedUnixNano: unixNano(o.Released),
		Skew:             durationpb.New(o.Skew),
		Question:         o.Question.Label,
		IgnoredFields:    rules.IgnoredFields,
	}
	j := judgement{Observation: o, Rules: rules}
	j.answers = verify.NewReader(func(status uint32, payload []byte) (verify.Digest, error) {
		return verify.ReadAnswer(o.Question.Payload, status, payload, rules.Ignored...)
	})
	var ballots []verify.Ballot
	var voters []int
	for i := range o.Exchanges {
		sample, digest := j.sample(&o.Exchanges[i])
		if answered(sample) {
			ballots = append(ballots, verify.Ballot{Origin: origin(sample.ServiceUrl), Digest: digest})
			voters = append(voters, i)
		}
		record.Samples = append(record.Samples, sample)
	}
	for i, consistency := range verify.Compare(ballots, rules.Quorum) {
		record.Samples[voters[i]].Consistency = consistency
	}
	keepEvidence(o, record)
	if cause, reason := j.void(record); cause != types.Cause_CAUSE_UNSPECIFIED {
		voidRound(record, cause, reason)
	}
	slices.SortFunc(record.Samples, func(a, b *types.QoSSample) int { return cmp.Compare(a.Servicer, b.Servicer) })
	return record
}

// judgement is one under way.
type judgement struct {
	*Observation
	*Rules
	answers *verify.Reader
}

// void returns why the whole check counts for nobody; CAUSE_UNSPECIFIED when it counts.
func (j *judgement) void(record *types.QoSRound) (types.Cause, string) {
	late := j.Released.Sub(j.Due)
	switch {
	case j.Stopped:
		return types.Cause_CAUSE_STOPPED, "the fisherman was stopped during the check"
	case late > latestRelease:
		return types.Cause_CAUSE_LATE, fmt.Sprintf("released %v after its time", late.Round(time.Millisecond))
	case j.Stall > j.maxStall():
		return types.Cause_CAUSE_STALL, fmt.Sprintf("this machine stalled for %v during the check", j.Stall.Round(time.Millisecond))
	case j.Skew > j.MaxSkew:
		return types.Cause_CAUSE_SKEW, fmt.Sprintf("skew of %v between the requests, allowed %v", j.Skew, j.MaxSkew)
	case !slices.ContainsFunc(record.Samples, counts):
		return types.Cause_CAUSE_NO_SAMPLE, "none of its samples counts"
	case !slices.ContainsFunc(record.Samples, answered):
		return j.unanswered(record)
	}
	return types.Cause_CAUSE_UNSPECIFIED, ""
}

// unanswered decides about a check that no servicer answered. When the control probe, which is outside of the session,
// answers the very same question, the fault is the servicers'; otherwise it may be ours.
func (j *judgement) unanswered(record *types.QoSRound) (types.Cause, string) {
	if label, only := onlyDisputed(j.Exchanges, record); only {
		return types.Cause_CAUSE_REFUSED,
			"no servicer answered, and those that could be reached refused the request as wrong: " + label
	}
	if j.Control == nil {
		return types.Cause_CAUSE_NO_CONTROL_PROBE, "no servicer answered and there is no control probe to show whose fault that is"
	}
	err := j.Control.Err
	if err == nil {
		_, err = verify.ReadAnswer(j.Question.Payload, j.Control.Status, j.Control.Payload)
	}
	if err != nil {
		return types.Cause_CAUSE_OFFLINE, "no servicer answered and neither did the control probe: " + err.Error()
	}
	return types.Cause_CAUSE_UNSPECIFIED, ""
}

func counts(sample *types.QoSSample) bool { return sample.Outcome != types.Outcome_OUTCOME_VOID }

func answered(sample *types.QoSSample) bool { return sample.Outcome == types.Outcome_OUTCOME_OK }

// voidRound voids a round and all its samples; what was observed stays readable in the details.
func voidRound(record *types.QoSRound, cause types.Cause, reason string) {
	record.Status, record.Cause, record.Reason = types.RoundStatus_ROUND_STATUS_VOID, cause, text.Line(reason, mostDetail)
	for _, sample := range record.Samples {
		if counts(sample) {
			sample.Detail = text.Line(strings.TrimSuffix(sample.Outcome.Label()+" in a void round: "+sample.Detail, ": "), mostDetail)
		}
		sample.Outcome, sample.Blame = types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF
		sample.Consistency = types.Consistency_CONSISTENCY_UNSPECIFIED
	}
}

func unixNano(moment time.Time) int64 {
	if moment.IsZero() {
		return 0
	}
	return moment.UnixNano()
}
