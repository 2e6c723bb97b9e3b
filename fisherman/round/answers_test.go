package round_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

var errOffline = errors.New("offline")

// answering is a control probe that answers the question of a JSON-RPC check.
func answering(o *judge.Observation) *judge.Control {
	var asked struct{ ID json.RawMessage }
	if err := json.Unmarshal(o.Question.Payload.JSONRPC, &asked); err != nil {
		return &judge.Control{Err: err}
	}
	return &judge.Control{Payload: fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":{"hash":"x"}}`, asked.ID), Fitness: types.ControlFitness_CONTROL_FITNESS_FIT}
}

// Consistency as it falls out of who answers what, and the evidence of it.
func TestRoundConsistency(t *testing.T) {
	for name, test := range map[string]struct {
		faults []fakes.Fault
		quorum int
		want   string
	}{
		"all honest":               {[]fakes.Fault{fakes.Honest(), fakes.Honest(), fakes.Honest()}, 2, "aaa"},
		"one liar":                 {[]fakes.Fault{fakes.Honest(), fakes.Lying("x"), fakes.Honest()}, 2, "ada"},
		"liars outvote":            {[]fakes.Fault{fakes.Lying("x"), fakes.Honest(), fakes.Lying("x")}, 2, "ada"},
		"liars differ":             {[]fakes.Fault{fakes.Lying("x"), fakes.Honest(), fakes.Lying("y")}, 2, "uuu"},
		"one against one":          {[]fakes.Fault{fakes.Lying("x"), fakes.Honest()}, 2, "uu"},
		"alone":                    {[]fakes.Fault{fakes.Honest(), fakes.Down()}, 2, "u "},
		"quorum not reached":       {[]fakes.Fault{fakes.Honest(), fakes.Honest(), fakes.Down()}, 3, "uu "},
		"who is down has no vote":  {[]fakes.Fault{fakes.Honest(), fakes.Down(), fakes.Erring(500), fakes.Honest()}, 2, "a  a"},
		"who forges has no vote":   {[]fakes.Fault{fakes.Honest(), fakes.Forging(), fakes.Replaying(), fakes.Lying("x"), fakes.Honest()}, 3, "a  da"},
		"an error is not a result": {[]fakes.Fault{fakes.Broken(), fakes.Broken(), fakes.Broken(), fakes.Honest(), fakes.Honest()}, 2, "   aa"},
	} {
		virtually(t, name, func(t *testing.T) {
			servicers := piped(t, test.faults...)
			r := overPipes(t, servicers...)
			r.rules.Quorum = test.quorum
			observed := r.observe(t.Context(), time.Now())
			observed.Control = answering(observed)
			record := r.judge(observed)
			var got strings.Builder
			for _, servicer := range servicers {
				got.WriteByte(" adu"[sampleOf(t, record, servicer).GetConsistency()])
			}
			if got.String() != test.want {
				t.Errorf("%q, want %q", got.String(), test.want)
			}
			checkEvidence(t, record, strings.Contains(test.want, "d"))
		})
	}
}

// checkEvidence checks that every dissenter's envelopes are kept and those of one of the majority, and that they prove
// what was asked and answered.
func checkEvidence(t *testing.T, record *types.QoSRound, dissent bool) {
	t.Helper()
	witnesses := 0
	for _, sample := range record.GetSamples() {
		kept := len(sample.GetRequestEnvelope()) > 0
		if kept != (len(sample.GetResponseEnvelope()) > 0) {
			t.Error("half of the evidence")
		}
		switch sample.GetConsistency() {
		case types.Consistency_CONSISTENCY_DISAGREE:
			if !kept {
				t.Error("no evidence of a dissenter")
			}
		case types.Consistency_CONSISTENCY_AGREE:
			if kept {
				witnesses++
			}
		default:
			if kept {
				t.Errorf("evidence of a servicer that is %v", sample.GetConsistency())
			}
		}
		if kept {
			proves(t, sample)
		}
	}
	if want := map[bool]int{true: 1}[dissent]; witnesses != want {
		t.Errorf("evidence of %d of the majority, want %d", witnesses, want)
	}
}

func proves(t *testing.T, sample *types.QoSSample) {
	t.Helper()
	request, err := relay.OpenRequest(sample.GetRequestEnvelope())
	if err != nil {
		t.Fatal(err)
	}
	var answer types.Envelope
	if err := proto.Unmarshal(sample.GetResponseEnvelope(), &answer); err != nil {
		t.Fatal(err)
	}
	response, err := relay.OpenResponse(sample.GetResponseEnvelope(), relay.Binding{
		RequestHash: request.BodyHash, Servicer: sample.GetServicer(), PublicKey: answer.GetSignature().GetPublicKey(),
	})
	if err != nil {
		t.Fatal(err)
	}
	reading := verify.ReadAnswer(types.PayloadOf(request.Request), response.GetUpstreamStatus(), response.GetPayload(), types.CompareForm_COMPARE_FORM_JSON)
	if err := reading.Err; err != nil || !bytes.Equal(reading.Digest[:], sample.GetAnswerDigest()) || !request.VerifySignature() {
		t.Errorf("the evidence does not prove the digest: %v", err)
	}
}

// A REST question is asked, compared and judged as a JSON-RPC question is.
func TestRoundByREST(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servicers := piped(t, fakes.Honest(), fakes.Honest(), fakes.Honest(), fakes.Lying("x"), fakes.Broken(), fakes.Paging())
		lying, broken, paging := servicers[3], servicers[4], servicers[5]
		r := overPipes(t, servicers...)
		r.asksREST()
		record := r.run()
		isDone(t, record)
		if !strings.HasPrefix(record.GetQuestion(), "GET /") {
			t.Errorf("asked %q", record.GetQuestion())
		}
		areUnmoved(t, record, servicers[:3])
		isOK(t, sampleOf(t, record, lying))
		if got := sampleOf(t, record, lying).GetConsistency(); got != types.Consistency_CONSISTENCY_DISAGREE {
			t.Errorf("the liar is %v", got)
		}
		isNull(t, sampleOf(t, record, broken), types.Outcome_OUTCOME_MISSING, blamesBackend)
		isNull(t, sampleOf(t, record, paging), types.Outcome_OUTCOME_MALFORMED, blamesServicer)
		isStorable(t, record)
		checkEvidence(t, record, true)
		opened, err := relay.OpenRequest(sampleOf(t, record, lying).GetRequestEnvelope())
		if err != nil || opened.Request.GetRest().GetMethod() != "GET" {
			t.Errorf("evidence %v, %v", opened, err)
		}
	})
}

// asksREST makes the question of the rounds a REST request.
func (r *rig) asksREST() {
	catalogue := question.Cosmos()
	var err error
	if r.spec.Question, err = catalogue.Draw([32]byte{2}, catalogue.Client([32]byte{3}, 1), 1000, nil); err != nil {
		r.t.Fatal(err)
	}
}

// When nobody gives a usable answer to a REST question, its control probe decides by the same measure.
func TestControlProbeByREST(t *testing.T) {
	for name, test := range map[string]struct {
		fault  fakes.Fault
		answer judge.Control
		cause  types.Cause
	}{
		"the probe answers":                 {fakes.Broken(), judge.Control{Status: 200, Payload: []byte(`{}`), Fitness: types.ControlFitness_CONTROL_FITNESS_FIT}, types.Cause_CAUSE_UNSPECIFIED},
		"the probe has no such height":      {fakes.Broken(), judge.Control{Status: 404, Payload: []byte(`{}`)}, types.Cause_CAUSE_NO_DATA},
		"the answer is a page for everyone": {fakes.Paging(), judge.Control{Status: 200, Payload: []byte("<html>")}, types.Cause_CAUSE_OFFLINE},
	} {
		virtually(t, name, func(t *testing.T) {
			r := overPipes(t, piped(t, test.fault, test.fault)...)
			r.asksREST()
			observed := r.observe(t.Context(), time.Now())
			if payload := observed.Question.Payload; payload.REST == nil || payload.JSONRPC != nil {
				t.Errorf("asked %v", payload)
			}
			isVoid(t, r.judge(observed), types.Cause_CAUSE_NO_CONTROL_PROBE)
			observed.Control = &test.answer
			if record := r.judge(observed); test.cause != types.Cause_CAUSE_UNSPECIFIED {
				isVoid(t, record, test.cause)
			} else {
				isDone(t, record)
			}
		})
	}
}

// An answer that was good once is another request's from then on: in the next check, and in another session.
func TestHoardedAnswer(t *testing.T) {
	hoarded := func(t *testing.T, r *rig, hoarder *fakes.Servicer) {
		if first := sampleOf(t, r.runCalm(), hoarder); first.GetOutcome() != outcomeOK {
			t.Errorf("the first answer is %v: %s", first.GetOutcome(), first.GetDetail())
		}
		isNull(t, sampleOf(t, r.runCalm(), hoarder), types.Outcome_OUTCOME_WRONG_BINDING, blamesServicer)
		r.start += 10
		isNull(t, sampleOf(t, r.runCalm(), hoarder), types.Outcome_OUTCOME_WRONG_BINDING, blamesServicer)
	}
	virtually(t, "plain", func(t *testing.T) {
		servicers := piped(t, fakes.Hoarding(), fakes.Honest())
		hoarded(t, overPipes(t, servicers...), servicers[0])
	})
	t.Run("TLS", func(t *testing.T) {
		hoarder := fakes.StartTLS(t, fakes.Hoarding(), nil)
		hoarded(t, overSockets(t, hoarder, fakes.Start(t, fakes.Honest())).connect(), hoarder)
	})
}

// A connection on which an answer came before it was asked for is not kept: the next answer would be the last one's.
func TestAnticipatedAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servicers := piped(t, fakes.Anticipating(), fakes.Honest())
		r := overPipes(t, servicers...)
		r.spec.Offset = 100 * time.Millisecond // the answer is there before the question
		for range 3 {
			record := r.run()
			isNull(t, sampleOf(t, record, servicers[0]), types.Outcome_OUTCOME_MALFORMED, blamesServicer)
			isOK(t, sampleOf(t, record, servicers[1]))
			if r.Pool.Take(servicers[0].URL()) != nil {
				t.Error("the connection is kept")
			}
		}
	})
}

// A servicer that no request can be sealed for keeps nobody else from being asked.
func TestUnsealable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servicers := piped(t, fakes.Honest(), fakes.Honest(), fakes.Honest())
		bad, unusable, honest := servicers[0], servicers[1], servicers[2]
		r := overPipes(t, servicers...)
		r.actors[0].PublicKey = "zz"
		r.actors[1].ServiceUrl = "http://xn--a\u00ad\u0301.example"
		record := r.run()
		isNull(t, sampleOf(t, record, bad), outcomeVoid, blamesSelf)
		isNull(t, sampleOf(t, record, unusable), types.Outcome_OUTCOME_CONNECT, blamesServicer)
		isOK(t, sampleOf(t, record, honest))
		isDone(t, record)
		if bad.Accepted() > 0 {
			t.Errorf("%d connections", bad.Accepted())
		}
	})
}
