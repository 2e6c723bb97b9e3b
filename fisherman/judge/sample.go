package judge

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// sample judges what the i-th servicer did.
func (j *judgement) sample(i int, settled settlement) *types.QoSSample {
	e, reading := &j.Exchanges[i], j.readings[i]
	sample := &types.QoSSample{
		Servicer:         e.Servicer,
		ServiceUrl:       e.ServiceURL,
		Operator:         e.Operator,
		SentUnixNano:     unixNano(e.Times.Sent),
		ReusedConnection: e.Reused,
	}
	if !e.Reused && e.DNS+e.Connect+e.TLS > 0 {
		sample.DnsTime = durationpb.New(e.DNS)
		sample.ConnectTime = durationpb.New(e.Connect)
		sample.TlsTime = durationpb.New(e.TLS)
	}
	failure := j.missing[i]
	if failure != nil && failure == e.Rejected && j.tooLarge(e) { // our protocol's limit, not the node's
		failure = own(failure.Attempt, failure.Err)
		failure.Refusal = e.Rejected.Refusal
	}
	if failure == nil {
		sample.Answer, failure = j.worth(reading, settled)
	}
	if failure != nil {
		sample.Outcome, sample.Blame, sample.Attempt = failure.Outcome, failure.Blame, failure.Attempt
		sample.Detail = text.Line(failure.Error(), mostDetail)
		if refusal := failure.Refusal; refusal != nil {
			sample.RelayErrorCode, sample.RelayError = refusal.Code, refusal.Label
		}
		return sample
	}
	sample.Outcome, sample.Detail = types.Outcome_OUTCOME_OK, text.Line(e.Remark, mostDetail)
	sample.Timing = e.Times.Source
	times := new([3]durationpb.Duration) // in one piece of memory
	for i, took := range []time.Duration{e.Times.RoundTrip, e.Times.UserRoundTrip, e.Times.FirstByte} {
		times[i].Seconds, times[i].Nanos = int64(took/time.Second), int32(took%time.Second)
	}
	sample.RoundTripTime, sample.UserRoundTripTime, sample.TimeToFirstByte = &times[0], &times[1], &times[2]
	sample.AnswerDigest = reading.Digest[:]
	return sample
}

// withoutAnswer takes from a sample what only an answer has.
func withoutAnswer(sample *types.QoSSample) {
	sample.Timing, sample.RoundTripTime, sample.UserRoundTripTime, sample.TimeToFirstByte = 0, nil, nil, nil
	sample.AnswerDigest = nil
}

// worth returns what an answer is worth, and why it is none; nil when it is one.
func (j *judgement) worth(reading verify.Reading, settled settlement) (types.AnswerClass, *types.Failure) {
	fail := func(outcome types.Outcome, blame types.Blame) *types.Failure {
		return &types.Failure{Outcome: outcome, Blame: blame, Attempt: types.Attempt_ATTEMPT_READ_ANSWER, Err: reading.Err}
	}
	switch {
	case j.Direct && errors.Is(reading.Err, verify.ErrOtherID): // no protocol between binds the answer to the request
		return types.AnswerClass_ANSWER_CLASS_UNSPECIFIED, fail(types.Outcome_OUTCOME_WRONG_BINDING, types.Blame_BLAME_SERVICER)
	case reading.Class == verify.Malformed:
		return types.AnswerClass_ANSWER_CLASS_UNSPECIFIED, fail(types.Outcome_OUTCOME_MALFORMED, types.Blame_BLAME_SERVICER)
	case reading.Class == verify.TooLarge:
		return types.AnswerClass_ANSWER_CLASS_UNSPECIFIED, fail(types.Outcome_OUTCOME_TOO_LARGE, types.Blame_BLAME_SERVICER)
	case isNothing(reading, true) && settled.agreed != (verify.Digest{}) && reading.Digest == settled.agreed:
		return types.AnswerClass_ANSWER_CLASS_AGREED_ERROR, nil
	case j.Question.Kind == types.RoundKind_ROUND_KIND_TIP && isNothing(reading, j.contrast()):
		return types.AnswerClass_ANSWER_CLASS_MISSING, nil // it says truly that it does not have the block yet
	case reading.Class == verify.Empty && settled.emptyMissed:
		reading.Err = errEmpty
		return types.AnswerClass_ANSWER_CLASS_MISSING, fail(types.Outcome_OUTCOME_MISSING, types.Blame_BLAME_BACKEND)
	case reading.Class == verify.Absence:
		return types.AnswerClass_ANSWER_CLASS_MISSING, fail(types.Outcome_OUTCOME_MISSING, types.Blame_BLAME_BACKEND)
	case !reading.Data():
		return types.AnswerClass_ANSWER_CLASS_FAILURE, fail(types.Outcome_OUTCOME_BACKEND_ERROR, types.Blame_BLAME_BACKEND)
	}
	return types.AnswerClass_ANSWER_CLASS_VALUE, nil
}

var errEmpty = errors.New("the node answered with nothing where others have data")

// unread returns why an exchange has no answer that can be read; nil when it has one.
func (j *judgement) unread(e *Exchange) *types.Failure {
	switch {
	case e.Late != nil:
		return j.late(e)
	case e.Failure != nil:
		return e.Failure
	}
	if failure := untimed(e.Times, j.Timeout); failure != nil {
		return failure
	}
	return j.corroborated(j.withinReserve(e.Rejected))
}

var errStillConnecting = errors.New("not asked: still connecting when the check was released")

// late judges a connection that was made after the release. Once it is the servicer's fault no more than ours: the lead
// may have been too short. It is the servicer's when it was late before, closed the connection that was kept for it
// since, and then took longer to connect and shake hands than there was time: otherwise it could avoid measurement
// indefinitely. Our own stalls are not held against it, nor is name resolution, whose blame is unknown.
//
// One that is late again and again, though it answers in between, is doubtful from the third time on: it may be far away, and
// the checks close together. From the fifth time on it is a TIMEOUT if it took longer than the longest lead. Connections
// that were begun before the first was late are all that first time.
func (j *judgement) late(e *Exchange) *types.Failure {
	took, given := e.Connect+e.TLS, j.Lead
	if e.Late.Redialed {
		given = min(given, LongestLead)
	}
	repeated := e.Late.Before >= lateDoubtful
	switch {
	case !e.Late.Evades && !repeated || j.ConnectStall > j.maxStall() || e.DNS+took <= given:
		return own(types.Attempt_ATTEMPT_CONNECT, errStillConnecting)
	case took <= given:
		return &types.Failure{
			Outcome: types.Outcome_OUTCOME_VOID,
			Blame:   types.Blame_BLAME_UNKNOWN,
			Attempt: types.Attempt_ATTEMPT_RESOLVE_HOST_NAME,
			Err:     fmt.Errorf("took %v", e.DNS.Round(time.Millisecond)),
		}
	}
	again := fmt.Errorf("took %v, after %d connections that were as late", took.Round(time.Millisecond), e.Late.Before)
	switch {
	case e.Late.Before >= lateNull && took > max(given, LongestLead):
		return &types.Failure{Outcome: types.Outcome_OUTCOME_TIMEOUT, Blame: types.Blame_BLAME_SERVICER, Attempt: types.Attempt_ATTEMPT_CONNECT, Err: again}
	case !e.Late.Evades:
		return &types.Failure{Outcome: types.Outcome_OUTCOME_VOID, Blame: types.Blame_BLAME_UNKNOWN, Attempt: types.Attempt_ATTEMPT_CONNECT, Err: again}
	}
	return &types.Failure{
		Outcome: types.Outcome_OUTCOME_TIMEOUT,
		Blame:   types.Blame_BLAME_SERVICER,
		Attempt: types.Attempt_ATTEMPT_CONNECT,
		Err: fmt.Errorf("took %v, above %v, after it had closed a connection that had been as late",
			took.Round(time.Millisecond), given.Round(time.Millisecond)),
	}
}

// untimed returns how this machine spoilt the timing of an answer; nil when it did not. When it was slow to write the
// request, the moment of sending is unknown; when it was slow to read an answer that had arrived in time, its own share
// of the time is.
func untimed(times Times, timeout time.Duration) *types.Failure {
	if !times.SentStamped && times.Writing > writeLimit {
		return own(types.Attempt_ATTEMPT_WRITE_REQUEST, fmt.Errorf("took %v; the moment of sending is not known", times.Writing))
	}
	if times.Source == types.TimingSource_TIMING_SOURCE_USER_SPACE && times.UserRoundTrip > timeout {
		return own(types.Attempt_ATTEMPT_READ_ANSWER, fmt.Errorf("read after %v; the moment of its arrival is not known", times.UserRoundTrip))
	}
	return nil
}

// withinReserve judges a refusal for having asked too much. A servicer keeps a reserve of requests for each fisherman of
// a session: a fisherman that cannot have asked for more has used up nothing, and the refusal is the servicer's fault.
// Without this rule a servicer could turn its nulls into voids.
func (j *judgement) withinReserve(failure *types.Failure) *types.Failure {
	over := failure != nil && failure.Refusal != nil && failure.Refusal.OverAllowance
	if !over || j.Asked == 0 || j.Asked > j.Reserve {
		return failure
	}
	return &types.Failure{
		Outcome: types.Outcome_OUTCOME_RELAY_ERROR,
		Blame:   types.Blame_BLAME_SERVICER,
		Attempt: failure.Attempt,
		Refusal: failure.Refusal,
		Err:     fmt.Errorf("this was relay %d at most of a reserve of %d: %w", j.Asked, j.Reserve, failure.Err),
	}
}

// own returns a failure of this fisherman.
func own(attempt types.Attempt, err error) *types.Failure {
	return &types.Failure{Outcome: types.Outcome_OUTCOME_VOID, Blame: types.Blame_BLAME_SELF, Attempt: attempt, Err: err}
}
