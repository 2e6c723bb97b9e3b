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

// What our own judging held up is void with a cause of its own, and so is what was not read.
func TestOwnJudging(t *testing.T) {
	o := check(answers("a", `1`), answers("b", `1`))
	o.Judging = true
	isDone(t, "not held up", judged(t, o, rules()))
	o.Stall = StallLimit + 1
	isVoid(t, "held up", judged(t, o, rules()), types.Cause_CAUSE_JUDGING, "judging")
	o = check(answers("a", `1`), answers("b", `1`))
	if o.Size() == 0 {
		t.Error("answers have no size")
	}
	o.Discard()
	o.Unread = true
	isVoid(t, "unread", judged(t, o, rules()), types.Cause_CAUSE_OVERLOAD, "waited to be judged")
	if o.Size() != 0 {
		t.Errorf("%d bytes after they were let go of", o.Size())
	}
}
