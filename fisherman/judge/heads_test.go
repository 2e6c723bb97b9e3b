package judge

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	headKind = types.RoundKind_ROUND_KIND_HEAD
	tipKind  = types.RoundKind_ROUND_KIND_TIP
)

// claims is an exchange with a servicer that claims a newest height.
func claims(servicer string, height int64) Exchange { return answers(servicer, fmt.Sprint(height)) }

// readHead finds the height of claims.
func readHead(answer []byte) (int64, error) {
	var read struct{ Result *int64 }
	if err := json.Unmarshal(answer, &read); err != nil || read.Result == nil {
		return 0, errors.New("read height: it is none")
	}
	return *read.Result, nil
}

// ask makes a check one of a kind; a TIP check asks about a height, 5 below the newest that is known.
func ask(o *Observation, kind types.RoundKind, height int64) {
	o.Question.Kind, o.Question.ReadHead = kind, readHead
	if kind == tipKind {
		o.Question.Height, o.Head = height, height+5
	}
}

// Each answer is a claim of the newest height, and how far it is behind what a strict majority of the origins has reached.
func TestHeads(t *testing.T) {
	const none = -1
	for name, test := range map[string]struct {
		exchanges []Exchange
		quorum    int
		reference int64
		lags      map[string]int64
	}{
		"all the same":                 {[]Exchange{claims("a", 100), claims("b", 100), claims("c", 100)}, 2, 100, map[string]int64{"a": 0, "b": 0, "c": 0}},
		"one stands still":             {[]Exchange{claims("a", 100), claims("b", 100), claims("c", 40)}, 2, 100, map[string]int64{"a": 0, "b": 0, "c": 60}},
		"the chain stands still":       {[]Exchange{claims("a", 7), claims("b", 7)}, 2, 7, map[string]int64{"a": 0, "b": 0}},
		"no block yet":                 {[]Exchange{claims("a", 0), claims("b", 0)}, 2, 0, map[string]int64{"a": 0, "b": 0}},
		"one too high moves nothing":   {[]Exchange{claims("a", 100), claims("b", 101), claims("c", 1<<48)}, 2, 101, map[string]int64{"a": 1, "b": 0, "c": 0}},
		"one too high of two":          {[]Exchange{claims("a", 100), claims("b", 1<<48)}, 2, 100, map[string]int64{"a": 0, "b": 0}},
		"two of four too high":         {[]Exchange{claims("a", 100), claims("b", 100), claims("c", 900), claims("d", 900)}, 2, 100, map[string]int64{"a": 0, "c": 0}},
		"three of five":                {[]Exchange{claims("a", 100), claims("b", 100), claims("c", 900), claims("d", 900), claims("e", 800)}, 2, 800, map[string]int64{"a": 700, "e": 0, "c": 0}},
		"one too low of three":         {[]Exchange{claims("a", 100), claims("b", 100), claims("c", 0)}, 2, 100, map[string]int64{"a": 0, "c": 100}},
		"each at another":              {[]Exchange{claims("a", 98), claims("b", 99), claims("c", 100)}, 2, 99, map[string]int64{"a": 1, "b": 0, "c": 0}},
		"alone":                        {[]Exchange{claims("a", 100), down("b")}, 2, none, nil},
		"alone, of a quorum of one":    {[]Exchange{claims("a", 100), down("b")}, 1, 100, map[string]int64{"a": 0}},
		"the quorum is not reached":    {[]Exchange{claims("a", 100), claims("b", 100), down("c")}, 3, none, nil},
		"two servicers of one origin":  {[]Exchange{at("http://x.example", claims("a", 100)), at("http://x.example:80/2", claims("b", 100))}, 2, none, nil},
		"one origin has one claim":     {[]Exchange{at("http://x.example", claims("a", 900)), at("http://x.example/2", claims("b", 900)), at("http://x.example/3", claims("c", 900)), claims("d", 100), claims("e", 100)}, 2, 100, map[string]int64{"a": 0, "d": 0}},
		"the lower one of an origin":   {[]Exchange{at("http://x.example", claims("a", 900)), at("http://x.example/2", claims("b", 100)), claims("d", 500)}, 2, 100, map[string]int64{"a": 0, "b": 0, "d": 0}},
		"an unreadable one has no say": {[]Exchange{claims("a", 100), claims("b", 100), answers("c", `"soon"`)}, 2, 100, map[string]int64{"a": 0, "b": 0}},
		"who errs has no say":          {[]Exchange{claims("a", 100), claims("b", 100), says("c", nodeError), says("d", string(errorOf(slotSkipped)))}, 2, 100, map[string]int64{"a": 0, "b": 0}},
	} {
		o := check(test.exchanges...)
		ask(o, headKind, 0)
		o.BlockTime = 12 * time.Second
		by := rules()
		by.Quorum = test.quorum
		record := judged(t, o, by)
		isDone(t, name, record)
		if known := record.ReferenceHeight != nil; known != (test.reference != none) || known && record.GetReferenceHeight() != test.reference {
			t.Errorf("%s: reference %v", name, record.ReferenceHeight)
		}
		for servicer, lag := range test.lags {
			if sample := sampleOf(t, record, servicer); sample.Lag == nil || sample.GetLag() != lag || sample.GetLagTime().AsDuration() != time.Duration(lag)*o.BlockTime {
				t.Errorf("%s: %s: %v", name, servicer, sample)
			}
		}
		for _, sample := range record.GetSamples() {
			if sample.GetConsistency() != 0 || (sample.Lag != nil) != (sample.Head != nil && test.reference != none) || (sample.Head != nil) != answered(sample) {
				t.Errorf("%s: %v", name, sample)
			}
		}
	}
}

// An answer without a height is no answer, and says nothing of the servicer's lag.
func TestUnreadableHead(t *testing.T) {
	o := check(claims("a", 100), claims("b", 100), answers("c", `{"height":"soon"}`))
	ask(o, headKind, 0)
	sample := sampleOf(t, judged(t, o, rules()), "c")
	if verdictOf(t, sample) != 'f' || sample.Head != nil || sample.Lag != nil || sample.GetDetail() != "read height: it is none" {
		t.Errorf("%v", sample)
	}
	// When nobody's can be read, the control probe says whether one could be.
	o = check(answers("a", `"soon"`), answers("b", `"soon"`))
	ask(o, headKind, 0)
	if _, wants := Round(o, rules()); !wants {
		t.Error("the control probe is not asked")
	}
	o.Control = &Control{Payload: result(`100`), Fitness: fit}
	isDone(t, "the probe answers", judged(t, o, rules()))
	o.Control.Fitness = types.ControlFitness_CONTROL_FITNESS_UNPROVEN
	isVoid(t, "the probe is unproven", judged(t, o, rules()), controlUnfit, "unfit")
}

// That there is a newest height is certain: who says that there is none is at fault, be it half of them, and without the
// control probe. They could else keep it from being proven.
func TestHeadsNeedNoSettling(t *testing.T) {
	for _, nothing := range []Exchange{answers("b", `null`), says("b", string(errorOf(slotSkipped))), says("b", nodeError)} {
		o := check(claims("a", 100), nothing)
		ask(o, headKind, 0)
		o.Question.Nothing, o.Question.Errors = true, []int64{slotSkipped}
		record := judged(t, o, rules())
		isDone(t, "half has no head", record)
		if sample := sampleOf(t, record, "b"); answered(sample) || sample.GetBlame() != blamesBackend {
			t.Errorf("%v", sample)
		}
	}
}

// The time of a lag is known as well as the block time is, and does not overflow.
func TestLagTime(t *testing.T) {
	for _, test := range []struct {
		low, high int64
		blockTime time.Duration
		want      time.Duration
	}{
		{40, 100, 12 * time.Second, 12 * time.Minute},
		{40, 100, 0, -1},
		{0, 1 << 48, time.Hour, time.Duration(math.MaxInt64) / time.Hour * time.Hour},
		{0, 1 << 48, 1000 * time.Hour, time.Duration(math.MaxInt64) / time.Hour * time.Hour},
		{0, 1 << 40, time.Millisecond, time.Duration(math.MaxInt64/int64(time.Hour)) * time.Millisecond},
	} {
		o := check(claims("a", test.high), claims("b", test.high), claims("c", test.low))
		ask(o, headKind, 0)
		o.BlockTime = test.blockTime
		sample := sampleOf(t, judged(t, o, rules()), "c")
		if sample.GetLag() != test.high-test.low || (sample.LagTime == nil) != (test.want < 0) || test.want >= 0 && sample.GetLagTime().AsDuration() != test.want {
			t.Errorf("%v: %v", test, sample)
		}
	}
}

// Of a void check claims stay readable, and speak of nobody's lag.
func TestVoidHeads(t *testing.T) {
	o := check(claims("a", 100), claims("b", 100), claims("c", 40))
	ask(o, headKind, 0)
	o.Stopped = true
	record := judged(t, o, rules())
	isVoid(t, "stopped", record, types.Cause_CAUSE_STOPPED, "stopped")
	for _, sample := range record.GetSamples() {
		if record.ReferenceHeight != nil || sample.Lag != nil || sample.LagTime != nil || sample.Head == nil {
			t.Errorf("%v", sample)
		}
	}
}

// The reference is a height that more than half of the origins claim or exceed, and the highest such; so whatever fewer
// than half of them claim, it stays within what the others do.
func TestReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		honest := rapid.SliceOfN(rapid.Int64Range(1000, 1010), 1, 5).Draw(t, "honest")
		lies := rapid.SliceOfN(rapid.Int64Range(0, 1<<48), 0, len(honest)-1).Draw(t, "lies")
		var exchanges []Exchange
		for i, height := range slices.Concat(honest, lies) {
			exchanges = append(exchanges, claims(fmt.Sprint("s", i), height))
		}
		o := check(exchanges...)
		ask(o, headKind, 0)
		by := rules()
		by.Quorum = 1
		record, _ := Round(o, by)
		reached := func(height int64) (count int) {
			for _, claimed := range slices.Concat(honest, lies) {
				if claimed >= height {
					count++
				}
			}
			return count
		}
		reference := record.GetReferenceHeight()
		if 2*reached(reference) <= len(exchanges) || 2*reached(reference+1) > len(exchanges) {
			t.Errorf("reference %d of %v and %v", reference, honest, lies)
		}
		if reference < slices.Min(honest) || reference > slices.Max(honest) {
			t.Errorf("reference %d: %v moved it out of %v", reference, lies, honest)
		}
	})
}

// A node that lacks a block near the tip is behind; values near the tip are compared by nobody.
func TestTips(t *testing.T) {
	null := func(servicer string) Exchange { return answers(servicer, `null`) }
	errs := func(servicer string) Exchange { return says(servicer, string(errorOf(slotSkipped))) }
	broken := func(servicer string) Exchange { return says(servicer, nodeError) }
	for name, test := range map[string]struct {
		exchanges []Exchange
		control   *Control
		cause     types.Cause
		// lacks are servicers without the block, in the order of the rest: "." has it, "l" lacks it, else as verdictOf.
		want string
	}{
		"all have it":                  {[]Exchange{answers("a", `1`), answers("b", `1`)}, nil, causeNone, ".."},
		"a reorganisation":             {[]Exchange{answers("a", `1`), answers("b", `2`), answers("c", `3`)}, nil, causeNone, "..."},
		"a reorganisation, one alone":  {[]Exchange{answers("a", `1`), answers("b", `1`), answers("c", `3`)}, nil, causeNone, "..."},
		"one lacks it":                 {[]Exchange{answers("a", `1`), answers("b", `1`), null("c")}, nil, causeNone, "..l"},
		"one lacks it, and errs":       {[]Exchange{answers("a", `1`), answers("b", `1`), errs("c")}, nil, causeNone, "..l"},
		"one fails":                    {[]Exchange{answers("a", `1`), answers("b", `1`), broken("c")}, nil, causeNone, "..f"},
		"an empty one is none":         {[]Exchange{answers("a", `1`), answers("b", `1`), answers("c", `[]`)}, nil, causeNone, "..l"},
		"one is down":                  {[]Exchange{answers("a", `1`), answers("b", `1`), down("c")}, nil, causeNone, "..c"},
		"most lack it":                 {[]Exchange{answers("a", `1`), null("b"), null("c")}, nil, noData, "vvv"},
		"half lacks it":                {[]Exchange{answers("a", `1`), null("b")}, nil, noData, "vv"},
		"all lack it":                  {[]Exchange{null("a"), null("b")}, nil, noData, "vv"},
		"all lack it, the probe not":   {[]Exchange{null("a"), null("b")}, &Control{Payload: result(`1`), Fitness: fit}, noData, "vv"},
		"most fail":                    {[]Exchange{answers("a", `1`), broken("b"), broken("c")}, nil, noData, "vvv"},
		"all fail, each in its way":    {[]Exchange{null("a"), broken("b"), errs("c")}, &Control{Payload: result(`1`), Fitness: fit}, noData, "vvv"},
		"many servicers of one origin": {[]Exchange{answers("a", `1`), answers("b", `1`), at("http://x.example", null("c")), at("http://x.example/2", null("d")), at("http://x.example/3", null("e"))}, nil, causeNone, "..lll"},
		"one origin has it and lacks it": {
			[]Exchange{at("http://x.example", answers("a", `1`)), at("http://x.example/2", null("b"))}, nil, noData, "vv"},
		"nobody is there": {[]Exchange{down("a"), down("b")}, &Control{Payload: result(`1`)}, causeNone, "cc"},
	} {
		o := check(test.exchanges...)
		ask(o, tipKind, 95)
		o.Control, o.BlockTime = test.control, time.Second
		record := judged(t, o, rules())
		if record.GetCause() != test.cause {
			t.Errorf("%s: %v: %s", name, record.GetCause(), record.GetReason())
		}
		for i, sample := range record.GetSamples() {
			letter := test.want[i]
			switch {
			case letter == '.':
				if !answered(sample) || sample.Lag != nil || sample.GetAnswer() != types.AnswerClass_ANSWER_CLASS_VALUE || sample.GetConsistency() != 0 {
					t.Errorf("%s: %v", name, sample)
				}
			case letter == 'l':
				if !answered(sample) || sample.GetHead() != 94 || sample.GetLag() != 6 || sample.GetLagTime().AsDuration() != 6*time.Second ||
					sample.GetAnswer() != types.AnswerClass_ANSWER_CLASS_MISSING || sample.GetConsistency() != 0 || record.GetReferenceHeight() != 100 {
					t.Errorf("%s: %v", name, sample)
				}
			case verdictOf(t, sample) != letter || sample.Lag != nil || sample.Head != nil && letter != 'v':
				t.Errorf("%s: %v", name, sample)
			}
		}
		if _, wants := Round(o, rules()); wants {
			t.Errorf("%s: the control probe is asked about a block near the tip", name)
		}
	}
}

// That there is a newest height is certain, so a node that has none is at fault where anything comes back, whoever else is
// there.
func TestHeadsOfNodesAskedDirectly(t *testing.T) {
	erring := says("a", nodeError)
	erring.Responded = true
	o := check(erring)
	ask(o, types.RoundKind_ROUND_KIND_HEAD, 0)
	by := rules()
	by.Direct = true
	record := judged(t, o, by)
	isDone(t, "a node that has no height", record)
	if sample := sampleOf(t, record, "a"); sample.GetOutcome() != types.Outcome_OUTCOME_BACKEND_ERROR || sample.GetBlame() != blamesBackend {
		t.Error(sample)
	}
}

// An answer to another request is told from a malformed one where no protocol binds answers to requests.
func TestAnswerToAnotherRequest(t *testing.T) {
	for direct, want := range map[bool]types.Outcome{true: types.Outcome_OUTCOME_WRONG_BINDING, false: types.Outcome_OUTCOME_MALFORMED} {
		by := rules()
		by.Direct = direct
		record := judged(t, check(answers("a", "1"), answers("b", "1"), says("c", `{"jsonrpc":"2.0","id":8,"result":1}`)), by)
		if sample := sampleOf(t, record, "c"); sample.GetOutcome() != want || sample.GetBlame() != blamesServicer {
			t.Errorf("direct %t: %v", direct, sample)
		}
	}
}
