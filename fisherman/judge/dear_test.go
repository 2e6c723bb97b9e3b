package judge

import (
	"errors"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// tooDear is an answer of more values than are compared.
func tooDear() string { return "[" + strings.Repeat("0,", verify.MaxElements) + "0]" }

// Whose answer is too large to compare has a null, and no say; where the control probe's is as well, nobody has.
func TestTooDear(t *testing.T) {
	o := check(answers("a", `1`), answers("b", `1`), answers("c", tooDear()))
	record := judged(t, o, rules())
	isDone(t, "one of three", record)
	for _, sample := range record.GetSamples() {
		want := outcomeOK
		if sample.GetServicer() == "c" {
			want = types.Outcome_OUTCOME_TOO_LARGE
		}
		if sample.GetOutcome() != want {
			t.Errorf("%s: %v", sample.GetServicer(), sample)
		}
	}
	all := check(answers("a", tooDear()), answers("b", tooDear()))
	for name, test := range map[string]struct {
		control *Control
		cause   types.Cause
	}{
		"no control":        {nil, types.Cause_CAUSE_NO_CONTROL_PROBE},
		"control as large":  {&Control{Fitness: fit, Payload: result(tooDear())}, types.Cause_CAUSE_TOO_LARGE},
		"control not there": {&Control{Fitness: fit, Err: errors.New("down")}, types.Cause_CAUSE_OFFLINE},
		"control has data":  {&Control{Fitness: fit, Payload: result("1")}, causeNone},
	} {
		all.Control = test.control
		if record, _ := Round(all, rules()); record.GetCause() != test.cause {
			t.Errorf("%s: %v, %s", name, record.GetCause(), record.GetReason())
		}
	}
	// It does not decide about a block near the tip.
	o.Question.Kind = types.RoundKind_ROUND_KIND_TIP
	record, _ = Round(o, rules())
	isDone(t, "near the tip", record)
}

// What our own judging held up is void with a cause of its own.
func TestOwnJudging(t *testing.T) {
	o := check(answers("a", `1`), answers("b", `1`))
	o.Judging = true
	isDone(t, "not held up", judged(t, o, rules()))
	o.Stall = StallLimit + 1
	isVoid(t, "held up", judged(t, o, rules()), types.Cause_CAUSE_JUDGING, "judging")
	o.Discard()
	for _, e := range o.Exchanges {
		if len(e.Payload)+len(e.Response) > 0 {
			t.Errorf("%s: the answer is kept", e.Servicer)
		}
	}
}

// cut is the exchange with a servicer whose answer found no room.
func cut(servicer string) Exchange {
	e := answers(servicer, `1`)
	e.Payload, e.Response = nil, nil
	e.Failure = own(types.Attempt_ATTEMPT_FIND_ROOM, errors.New("no room"))
	return e
}

// An answer that was cut off is void and ours. It keeps nobody else from being judged, and makes no majority of the rest.
func TestAnswersWithoutRoom(t *testing.T) {
	const agree, disagree, undecidable = types.Consistency_CONSISTENCY_AGREE, types.Consistency_CONSISTENCY_DISAGREE, types.Consistency_CONSISTENCY_UNDECIDABLE
	for name, test := range map[string]struct {
		exchanges []Exchange
		want      map[string]types.Consistency
	}{
		"one of four":           {[]Exchange{answers("a", `1`), answers("b", `1`), answers("c", `1`), cut("d")}, map[string]types.Consistency{"a": agree, "b": agree, "c": agree}},
		"a liar is in no doubt": {[]Exchange{answers("a", `1`), answers("b", `1`), answers("c", `1`), answers("e", `2`), cut("d")}, map[string]types.Consistency{"a": agree, "b": agree, "c": agree, "e": disagree}},
		"liars are no majority": {[]Exchange{answers("a", `1`), answers("e", `2`), answers("f", `2`), cut("c"), cut("d")}, map[string]types.Consistency{"a": undecidable, "e": undecidable, "f": undecidable}},
	} {
		record := judged(t, check(test.exchanges...), rules())
		isDone(t, name, record)
		for _, sample := range record.GetSamples() {
			want, answers := test.want[sample.GetServicer()]
			if answers && (sample.GetOutcome() != outcomeOK || sample.GetConsistency() != want) ||
				!answers && (sample.GetOutcome() != outcomeVoid || sample.GetBlame() != blamesSelf || sample.GetConsistency() != 0) {
				t.Errorf("%s: %v", name, sample)
			}
		}
	}
	isVoid(t, "all", judged(t, check(cut("a"), cut("b")), rules()), types.Cause_CAUSE_OVERLOAD, "too many bytes")
}

// A height counts that a majority of all has reached, those that were cut off among them.
func TestHeadsWithoutRoom(t *testing.T) {
	for name, test := range map[string]struct {
		cut  []Exchange
		want int64
	}{"none": {nil, 100}, "one": {[]Exchange{cut("d")}, 99}, "two": {[]Exchange{cut("d"), cut("e")}, 99}, "most": {[]Exchange{cut("d"), cut("e"), cut("f"), cut("g")}, 0}} {
		o := check(append([]Exchange{claims("a", 100), claims("b", 100), claims("c", 99)}, test.cut...)...)
		ask(o, headKind, 0)
		record := judged(t, o, rules())
		if record.GetReferenceHeight() != test.want || (record.ReferenceHeight != nil) != (test.want > 0) {
			t.Errorf("%s: reference %v", name, record.ReferenceHeight)
		}
	}
}
