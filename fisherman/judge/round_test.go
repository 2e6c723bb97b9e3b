package judge

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// isVoid checks that a round counts for nobody, and that it says what was observed all the same.
func isVoid(t *testing.T, name string, record *types.QoSRound, cause types.Cause, reason string) {
	t.Helper()
	if record.GetStatus() != types.RoundStatus_ROUND_STATUS_VOID || record.GetCause() != cause || !strings.Contains(record.GetReason(), reason) {
		t.Errorf("%s: round is %v of %v: %s; want void of %v: %s", name, record.GetStatus(), record.GetCause(), record.GetReason(), cause, reason)
	}
	for _, sample := range record.GetSamples() {
		if sample.GetOutcome() != outcomeVoid || sample.GetBlame() != blamesSelf || sample.GetDetail() == "" {
			t.Errorf("%s: %v", name, sample)
		}
	}
}

func isDone(t *testing.T, name string, record *types.QoSRound) {
	t.Helper()
	if record.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE {
		t.Errorf("%s: round is %v: %s", name, record.GetStatus(), record.GetReason())
	}
}

// A round says which check it was, when, and what was asked and ignored.
func TestRecord(t *testing.T) {
	o := check(answers("a", `1`))
	o.Released, o.Skew = due.Add(time.Millisecond), time.Microsecond
	record := judged(t, o, rules())
	isDone(t, "answered", record)
	if record.GetSessionId() != "a session" || record.GetIndex() != 3 || record.GetQuestion() != "block height=12" || record.GetIgnoredFields() != nil ||
		record.GetPlannedUnixNano() != due.UnixNano() || record.GetReleasedUnixNano() != due.Add(time.Millisecond).UnixNano() ||
		record.GetSkew().AsDuration() != time.Microsecond {
		t.Errorf("%v", record)
	}
	o.Released, o.Stopped = time.Time{}, true
	if record := judged(t, o, rules()); record.GetReleasedUnixNano() != 0 {
		t.Errorf("never released: %v", record)
	}
}

// What may be the fault of this machine voids a round that went well, from just above each limit.
func TestOwnFaultsVoid(t *testing.T) {
	for name, test := range map[string]struct {
		harm   func(*Observation)
		cause  types.Cause
		reason string
	}{
		"unharmed":       {func(*Observation) {}, causeNone, ""},
		"stop":           {func(o *Observation) { o.Stopped = true }, types.Cause_CAUSE_STOPPED, "stopped"},
		"longest stall":  {func(o *Observation) { o.Stall = StallLimit }, causeNone, ""},
		"stall":          {func(o *Observation) { o.Stall = StallLimit + 1 }, types.Cause_CAUSE_STALL, "stalled for 100ms"},
		"connect stall":  {func(o *Observation) { o.ConnectStall = time.Hour }, causeNone, ""},
		"largest skew":   {func(o *Observation) { o.Skew = 10 * time.Millisecond }, causeNone, ""},
		"skew":           {func(o *Observation) { o.Skew = 10*time.Millisecond + 1 }, types.Cause_CAUSE_SKEW, "skew of 10.000001ms between the requests, allowed 10ms"},
		"latest release": {func(o *Observation) { o.Due = o.Released.Add(-latestRelease) }, causeNone, ""},
		"late release":   {func(o *Observation) { o.Due = o.Released.Add(-latestRelease - 1) }, types.Cause_CAUSE_LATE, "released 1.1s after its time"},
		"longest writing": {func(o *Observation) {
			o.Exchanges[0].Times.Writing = writeLimit
			o.Exchanges[0].Times.SentStamped = false
		}, causeNone, ""},
	} {
		o := check(answers("a", `1`), answers("b", `1`), down("c"), overAllowance("d"))
		test.harm(o)
		record := judged(t, o, rules())
		if test.cause == causeNone {
			isDone(t, name, record)
			continue
		}
		isVoid(t, name, record, test.cause, test.reason)
		if got := sampleOf(t, record, "a").GetDetail(); got != "OK in a void round" {
			t.Errorf("%s: answer: %s", name, got)
		}
		if got := sampleOf(t, record, "c").GetDetail(); got != "CONNECT in a void round: connect: as told" {
			t.Errorf("%s: failure: %s", name, got)
		}
		if got := sampleOf(t, record, "d").GetDetail(); got != "signed error: OVER_ALLOWANCE: no" {
			t.Errorf("%s: void sample: %s", name, got)
		}
	}
}

// Of several causes the one that explains the others comes first.
func TestFirstCauseCounts(t *testing.T) {
	o := check(overAllowance("a"))
	o.Stopped, o.Released, o.Stall, o.Skew = true, due.Add(time.Hour), time.Hour, time.Hour
	for _, step := range []struct {
		cause  types.Cause
		remove func()
	}{
		{types.Cause_CAUSE_STOPPED, func() { o.Stopped = false }},
		{types.Cause_CAUSE_LATE, func() { o.Released = due }},
		{types.Cause_CAUSE_STALL, func() { o.Stall = 0 }},
		{types.Cause_CAUSE_SKEW, func() { o.Skew = 0 }},
		{types.Cause_CAUSE_NO_SAMPLE, func() { o.Exchanges = []Exchange{disputing("a", "STALE"), disputing("b", "STALE")} }},
		{types.Cause_CAUSE_REFUSED, func() { o.Exchanges = []Exchange{down("a"), disputing("b", "STALE")} }},
		{types.Cause_CAUSE_NO_CONTROL_PROBE, func() { o.Control = &Control{Err: errOffline} }},
		{types.Cause_CAUSE_OFFLINE, func() { o.Control = &Control{Payload: result(`{}`), Fitness: fit} }},
		{causeNone, func() {}},
	} {
		if record := judged(t, o, rules()); record.GetCause() != step.cause {
			t.Errorf("%v, want %v: %s", record.GetCause(), step.cause, record.GetReason())
		}
		step.remove()
	}
}

// When nobody answers, the control probe decides whose fault it is.
func TestNobodyAnswers(t *testing.T) {
	answer := &Control{Payload: result(`{}`), Fitness: fit}
	hanging := fails("hanging", outcomeTimeout, blamesServicer)
	for name, test := range map[string]struct {
		exchanges []Exchange
		control   *Control
		cause     types.Cause
		reason    string
	}{
		"the probe answers":          {[]Exchange{down("a"), hanging}, answer, causeNone, ""},
		"the probe fails":            {[]Exchange{down("a"), hanging}, &Control{Err: errOffline}, types.Cause_CAUSE_OFFLINE, "neither did the control probe: offline"},
		"the probe fails in answers": {[]Exchange{down("a")}, &Control{Err: errOffline, Payload: answer.Payload}, types.Cause_CAUSE_OFFLINE, "neither did the control probe: offline"},
		"the probe is garbled":       {[]Exchange{down("a")}, &Control{Payload: []byte("<html>")}, types.Cause_CAUSE_OFFLINE, "neither did the control probe: malformed"},
		"the probe says nothing":     {[]Exchange{down("a")}, &Control{}, types.Cause_CAUSE_OFFLINE, "neither did the control probe: malformed"},
		"the probe answers another":  {[]Exchange{down("a")}, &Control{Payload: []byte(`{"jsonrpc":"2.0","id":8,"result":{}}`)}, types.Cause_CAUSE_OFFLINE, "neither did the control probe: malformed"},
		"the probe errs as well":     {[]Exchange{says("a", nodeError), says("b", nodeError)}, &Control{Payload: []byte(nodeError)}, types.Cause_CAUSE_OFFLINE, "neither did the control probe: error of the node"},
		"there is no probe":          {[]Exchange{down("a"), fails("b", types.Outcome_OUTCOME_RESET, blamesServicer)}, nil, types.Cause_CAUSE_NO_CONTROL_PROBE, "no control probe"},
		"only our own fault is null": {[]Exchange{overAllowance("a")}, answer, types.Cause_CAUSE_NO_SAMPLE, "none of its samples counts"},
		"names get no verdict":       {[]Exchange{fails("a", outcomeVoid, blamesUnknown)}, answer, types.Cause_CAUSE_NO_SAMPLE, "none of its samples counts"},
		"some our own fault":         {[]Exchange{overAllowance("a"), down("b")}, answer, causeNone, ""},
		"nobody to ask":              {nil, answer, types.Cause_CAUSE_NO_SAMPLE, "none of its samples counts"},
	} {
		o := check(test.exchanges...)
		o.Control = test.control
		record := judged(t, o, rules())
		if test.cause != causeNone {
			isVoid(t, name, record, test.cause, test.reason)
			continue
		}
		isDone(t, name, record)
		if !slices.ContainsFunc(record.GetSamples(), func(s *types.QoSSample) bool { return s.GetBlame() == blamesServicer }) {
			t.Errorf("%s: nobody is blamed", name)
		}
	}
}

// The control probe is needed only when nobody answers; where it was asked all the same, it changes nothing.
func TestControlProbeIsNeededOnlyWhenNobodyAnswers(t *testing.T) {
	o := check(answers("a", `1`), down("b"))
	want := judged(t, o, rules())
	isDone(t, "not asked", want)
	for _, control := range []*Control{{Err: errOffline}, {Payload: result(`2`)}, {}} {
		o.Control = control
		if got := judged(t, o, rules()); !proto.Equal(got, want) {
			t.Errorf("%v: %v", control, got)
		}
	}
}

// When nobody gives a usable answer to a REST question, its control probe decides by the same measure.
func TestControlProbeByREST(t *testing.T) {
	for name, test := range map[string]struct {
		status  uint32
		payload string
		control Control
		cause   types.Cause
		outcome types.Outcome
	}{
		"the probe answers":                 {404, `{"code":5}`, Control{Status: 200, Payload: []byte(`{}`), Fitness: fit}, causeNone, types.Outcome_OUTCOME_MISSING},
		"the probe answers, not the node":   {503, `{"code":5}`, Control{Status: 200, Payload: []byte(`{}`), Fitness: fit}, causeNone, types.Outcome_OUTCOME_BACKEND_ERROR},
		"the probe that answers is unfit":   {404, `{"code":5}`, Control{Status: 200, Payload: []byte(`{}`)}, types.Cause_CAUSE_CONTROL_UNFIT, outcomeVoid},
		"the probe has no such height":      {404, `{"code":5}`, Control{Status: 404, Payload: []byte(`{}`), Fitness: fit}, types.Cause_CAUSE_NO_DATA, outcomeVoid},
		"the answer is a page for everyone": {200, `<html>`, Control{Status: 200, Payload: []byte("<html>")}, types.Cause_CAUSE_OFFLINE, outcomeVoid},
		"the status is not known":           {0, `{}`, Control{Payload: []byte(`{}`)}, types.Cause_CAUSE_OFFLINE, outcomeVoid},
		"an answer":                         {200, `{}`, Control{Err: errOffline}, causeNone, outcomeOK},
		"no page":                           {200, `<html>`, Control{Status: 200, Payload: []byte("{}")}, causeNone, types.Outcome_OUTCOME_MALFORMED},
	} {
		exchange := says("a", test.payload)
		exchange.Status = test.status
		o := check(exchange)
		o.Question.Payload = types.Payload{REST: &types.RESTPayload{Method: "GET", Path: "/blocks/12"}}
		o.Control = &test.control
		record := judged(t, o, rules())
		if record.GetCause() != test.cause || sampleOf(t, record, "a").GetOutcome() != test.outcome {
			t.Errorf("%s: %v", name, record)
		}
	}
}

// When every servicer that can be reached calls the request wrong, it may be: the fisherman's node may have fallen behind.
// Nobody is blamed then. One that is alone in that, or contradicted by another, is.
func TestEverybodyRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		exchanges []Exchange
		label     string
	}{
		"all":                             {[]Exchange{disputing("a", "STALE"), disputing("b", "STALE"), disputing("c", "STALE")}, "STALE"},
		"for different reasons":           {[]Exchange{disputing("a", "STALE"), disputing("b", "STRANGER")}, "STRANGER"},
		"all that can be reached":         {[]Exchange{disputing("a", "STALE"), down("b"), disputing("c", "STALE")}, "STALE"},
		"all but one over our allowance":  {[]Exchange{disputing("a", "STALE"), disputing("b", "STALE"), overAllowance("c")}, ""},
		"one answers":                     {[]Exchange{disputing("a", "STALE"), answers("b", `1`), disputing("c", "STALE")}, ""},
		"one would, but is busy":          {[]Exchange{disputing("a", "STALE"), busy("b"), disputing("c", "STALE")}, ""},
		"one would, but for its node":     {[]Exchange{disputing("a", "STALE"), upstream("b"), disputing("c", "STALE")}, ""},
		"one passes an error on":          {[]Exchange{disputing("a", "STALE"), says("b", nodeError), disputing("c", "STALE")}, ""},
		"one alone":                       {[]Exchange{disputing("a", "STALE")}, ""},
		"one alone, beside one not there": {[]Exchange{disputing("a", "STALE"), down("b")}, ""},
	} {
		for _, control := range []*Control{{Payload: result(`{}`), Fitness: fit}, {Err: errOffline}, nil} {
			o := check(test.exchanges...)
			o.Control = control
			record := judged(t, o, rules())
			if test.label != "" {
				isVoid(t, name, record, types.Cause_CAUSE_REFUSED, "refused the request as wrong: "+test.label)
				continue
			}
			if record.GetCause() == types.Cause_CAUSE_REFUSED {
				t.Errorf("%s: %s", name, record.GetReason())
			}
			if control == nil || control.Err != nil {
				continue
			}
			isDone(t, name, record)
			if sample := sampleOf(t, record, "a"); sample.GetOutcome() != outcomeRelayError || sample.GetBlame() != blamesServicer || sample.GetRelayErrorCode() != 4 {
				t.Errorf("%s: %v", name, sample)
			}
		}
	}
}

// A refusal disputes the request only when it says so; a code or a label alone says nothing here.
func TestDisputes(t *testing.T) {
	for name, test := range map[string]struct {
		exchange Exchange
		want     bool
	}{
		"dispute":         {disputing("a", "STALE"), true},
		"busy":            {busy("a"), false},
		"over allowance":  {overAllowance("a"), false},
		"node":            {upstream("a"), false},
		"down":            {down("a"), false},
		"answer":          {answers("a", `1`), false},
		"bad signature":   {Exchange{Times: times(), Rejected: &types.Failure{Outcome: types.Outcome_OUTCOME_BAD_SIGNATURE, Blame: blamesServicer, Err: errors.New("no")}}, false},
		"read too late":   {changed(disputing("a", "STALE"), func(e *Exchange) { e.Times.SentStamped, e.Times.Writing = false, time.Hour }), false},
		"never connected": {changed(disputing("a", "STALE"), func(e *Exchange) { e.Late = &LateConnection{} }), false},
	} {
		sample := judged(t, check(test.exchange, answers("z", `1`)), rules()).GetSamples()[0]
		if got := disputes(&test.exchange, sample); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
