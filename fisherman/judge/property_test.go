package judge

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// drawDuration draws a duration around a limit, so that both sides of it are met.
func drawDuration(t *rapid.T, limit time.Duration, label string) time.Duration {
	return rapid.SampledFrom([]time.Duration{0, 1, limit / 2, limit, limit + 1, 3 * limit}).Draw(t, label)
}

func drawFailure(t *rapid.T) *types.Failure {
	failure := &types.Failure{
		Outcome: types.Outcome(rapid.IntRange(int(outcomeOK)+1, len(types.Outcome_name)-1).Draw(t, "outcome")),
		Blame:   types.Blame(rapid.IntRange(1, len(types.Blame_name)-1).Draw(t, "blame")),
		Attempt: types.Attempt(rapid.IntRange(1, len(types.Attempt_name)-1).Draw(t, "attempt")),
		Err:     errors.New(rapid.String().Draw(t, "error")),
	}
	if failure.Blame == blamesSelf || failure.Outcome == outcomeVoid {
		failure.Outcome, failure.Blame = outcomeVoid, blamesSelf
	}
	return failure
}

// drawExchange draws an exchange with a servicer, of any kind.
func drawExchange(t *rapid.T, servicer string) Exchange {
	timeout := rules().Timeout
	e := answers(servicer, rapid.SampledFrom([]string{`1`, `1.0`, `2`, `{"lie":1}`, `{"lie":2}`}).Draw(t, "value"))
	e.ServiceURL = rapid.SampledFrom([]string{"http://x.example", "http://x.example:80", e.ServiceURL, "http://[::1"}).Draw(t, "URL")
	e.DNS, e.Connect, e.TLS = drawDuration(t, LongestLead, "DNS"), drawDuration(t, LongestLead, "connect"), drawDuration(t, LongestLead, "TLS")
	e.Reused, e.Remark = rapid.Bool().Draw(t, "reused"), rapid.String().Draw(t, "remark")
	e.Times.SentStamped, e.Times.Writing = rapid.Bool().Draw(t, "stamped"), drawDuration(t, writeLimit, "writing")
	e.Times.Source = types.TimingSource(rapid.IntRange(1, 2).Draw(t, "source"))
	e.Times.UserRoundTrip = drawDuration(t, timeout, "user RTT")
	e.Responded = rapid.Bool().Draw(t, "responded")
	e.Response = make([]byte, rapid.SampledFrom([]int{1, mostEvidence, mostEvidence + 1}).Draw(t, "size"))
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		e.Late = &LateConnection{Redialed: rapid.Bool().Draw(t, "redialed"), Evades: rapid.Bool().Draw(t, "evades"), Before: rapid.IntRange(0, 5).Draw(t, "late before")}
	case 1:
		e.Failure = drawFailure(t)
	case 2:
		e.Rejected = drawFailure(t)
	case 3:
		e.Rejected = rapid.SampledFrom([]Exchange{disputing(servicer, "STALE"), busy(servicer), upstream(servicer), overAllowance(servicer), unsigned(servicer, true), unsigned(servicer, false)}).Draw(t, "refusal").Rejected
	case 4:
		e.Payload = []byte(nodeError)
	case 5:
		e.Payload = rapid.SliceOf(rapid.Byte()).Draw(t, "payload")
	}
	return e
}

// drawCheck draws a whole observation.
func drawCheck(t *rapid.T) *Observation {
	var exchanges []Exchange
	for i := range rapid.IntRange(0, 6).Draw(t, "servicers") {
		exchanges = append(exchanges, drawExchange(t, fmt.Sprintf("servicer-%d", i)))
	}
	o := check(exchanges...)
	o.Asked = rapid.Uint64Range(0, 40).Draw(t, "asked")
	if rapid.IntRange(0, 3).Draw(t, "harmed") == 0 { // most checks go well
		o.Released = due.Add(drawDuration(t, latestRelease, "late"))
		o.Stall, o.ConnectStall = drawDuration(t, StallLimit, "stall"), drawDuration(t, StallLimit, "connect stall")
		o.Skew, o.Stopped = drawDuration(t, rules().MaxSkew, "skew"), rapid.Bool().Draw(t, "stopped")
	}
	o.Control = rapid.SampledFrom([]*Control{nil, {Err: errOffline}, {Payload: result(`3`)}, {Payload: []byte(nodeError)}}).Draw(t, "control")
	return o
}

// drawn checks a property of observations of all kinds, and what holds of every round.
func drawn(t *testing.T, property func(t *rapid.T, o *Observation, by *Rules, record *types.QoSRound)) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		o := drawCheck(t)
		by := rules()
		by.Direct = rapid.Bool().Draw(t, "direct")
		record, _ := Round(o, by)
		for _, flaw := range flaws(o, record) {
			t.Errorf("%s: %v", flaw, record)
		}
		property(t, o, by, record)
	})
}

// Judging changes nothing of what was observed, and comes to the same result each time.
func TestJudgingIsPure(t *testing.T) {
	drawn(t, func(t *rapid.T, o *Observation, by *Rules, record *types.QoSRound) {
		before := *o
		before.Exchanges = slices.Clone(o.Exchanges)
		if again, _ := Round(o, by); !proto.Equal(again, record) || !reflect.DeepEqual(before, *o) {
			t.Errorf("%v, then %v", record, again)
		}
	})
}

// The order in which servicers are asked says nothing about them: it decides only which of the majority is the witness,
// and which of several refusals a reason quotes.
func TestOrderDoesNotCount(t *testing.T) {
	drawn(t, func(t *rapid.T, o *Observation, by *Rules, record *types.QoSRound) {
		shuffled := *o
		shuffled.Exchanges = rapid.Permutation(o.Exchanges).Draw(t, "order")
		if other, _ := Round(&shuffled, by); !proto.Equal(withoutWitness(record), withoutWitness(other)) {
			t.Errorf("%v, in another order %v", record, other)
		}
	})
}

// withoutWitness is a round without what depends on the order of its exchanges.
func withoutWitness(record *types.QoSRound) *types.QoSRound {
	record = proto.CloneOf(record)
	record.Reason = ""
	for _, sample := range record.GetSamples() {
		sample.RequestEnvelope, sample.ResponseEnvelope = nil, nil
		sample.Detail = ""
	}
	return record
}

// A servicer is blamed only for what it did, never for what may be this machine's fault.
func TestOnlyTheirFaultsAreBlamed(t *testing.T) {
	drawn(t, func(t *rapid.T, o *Observation, by *Rules, record *types.QoSRound) {
		for i := range o.Exchanges {
			e, sample := &o.Exchanges[i], sampleOfDrawn(record, o.Exchanges[i].Servicer)
			if sample.GetBlame() != blamesServicer && sample.GetBlame() != blamesBackend {
				continue
			}
			spoilt := e.Late == nil && e.Failure == nil && untimed(e.Times, rules().Timeout) != nil
			failed := e.Failure != nil && e.Failure.Blame == blamesSelf && e.Late == nil
			stalled := e.Late != nil && (o.ConnectStall > StallLimit || !e.Late.Evades && e.Late.Before < lateNull)
			allowed := e.Rejected != nil && e.Late == nil && e.Failure == nil && e.Rejected.Blame == blamesSelf &&
				(e.Rejected.Refusal == nil || o.Asked == 0 || o.Asked > rules().Reserve)
			if spoilt || failed || stalled || allowed {
				t.Errorf("blamed for what is not its fault: %v", sample)
			}
			if o.Stopped || o.Stall > StallLimit || o.Skew > rules().MaxSkew || o.Released.Sub(o.Due) > latestRelease {
				t.Errorf("blamed in a check that this machine spoilt: %v", record)
			}
		}
	})
}

func sampleOfDrawn(record *types.QoSRound, servicer string) *types.QoSSample {
	i := slices.IndexFunc(record.GetSamples(), func(s *types.QoSSample) bool { return s.GetServicer() == servicer })
	return record.GetSamples()[i]
}

// What one servicer did changes nothing of what another one is blamed for, as long as somebody answers.
func TestNeighboursAreIndependent(t *testing.T) {
	drawn(t, func(t *rapid.T, o *Observation, by *Rules, _ *types.QoSRound) {
		o.Released, o.Stall, o.Skew, o.Stopped = due, 0, 0, false
		o.Exchanges = append(o.Exchanges, answers("z", `1`))
		with, _ := Round(o, by)
		for i := range o.Exchanges {
			alone := *o
			alone.Exchanges = []Exchange{o.Exchanges[i], answers("zz", `1`)}
			judgedAlone, _ := Round(&alone, by)
			one, other := sampleOfDrawn(judgedAlone, o.Exchanges[i].Servicer), sampleOfDrawn(with, o.Exchanges[i].Servicer)
			if one.GetOutcome() != other.GetOutcome() || one.GetBlame() != other.GetBlame() || one.GetAttempt() != other.GetAttempt() {
				t.Errorf("%v among others, alone %v", other, one)
			}
		}
	})
}

// FuzzAnswers: whatever nodes and control probe answer, a round is judged and holds what every round does.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":7,"result":{"lie":1}}`), uint32(200), []byte(`{}`), false)
	f.Add([]byte(nodeError), uint32(0), []byte(nodeError), false)
	f.Add([]byte(`{"a":[1,2,{"b":null}]}`), uint32(200), []byte(`[]`), true)
	f.Add([]byte("<html>\xff\x1b[2J"), uint32(404), []byte("<html>"), true)
	f.Add([]byte(`{"jsonrpc":"2.0","id":7,"error":{"code":1e999,"message":"\u202e\n"}}`), uint32(500), []byte(nil), false)
	f.Fuzz(func(t *testing.T, payload []byte, status uint32, control []byte, rest bool) {
		fuzzed := says("a", string(payload))
		fuzzed.Status = status
		twin := says("b", string(payload))
		twin.Status = status
		for _, others := range [][]Exchange{{answers("c", `{"lie":1}`)}, {down("c")}, nil} {
			o := check(append([]Exchange{fuzzed, twin}, others...)...)
			o.Control = &Control{Status: status, Payload: control}
			if rest {
				o.Question.Payload = types.Payload{REST: &types.RESTPayload{Method: "GET", Path: "/"}}
			}
			for _, ignored := range [][]types.Pointer{nil, {{"lie"}}} {
				by := rules()
				by.Ignored = ignored
				record := judged(t, o, by)
				one, other := sampleOf(t, record, "a"), sampleOf(t, record, "b")
				if one.GetOutcome() != other.GetOutcome() || one.GetConsistency() != other.GetConsistency() {
					t.Errorf("the same answer is %v and %v", one, other)
				}
			}
		}
	})
}
