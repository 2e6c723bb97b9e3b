package fisherman

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// runREST carries out a round whose question is a REST request.
func (r *rounds) runREST() *types.QoSRound {
	r.t.Helper()
	catalogue, one := question.Cosmos(), r.at(time.Now())
	var err error
	if one.question, err = catalogue.Draw([32]byte{2}, catalogue.Client([32]byte{3}, 1), 1000, nil); err != nil {
		r.t.Fatal(err)
	}
	return one.judge(r.t.Context(), one.execute(r.t.Context()))
}

// A REST question is asked, compared and judged as a JSON-RPC question is.
func TestRoundByREST(t *testing.T) {
	honest := []*fakes.Servicer{fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest())}
	lying, broken, paging := fakes.Start(t, fakes.Lying("x")), fakes.Start(t, fakes.Broken()), fakes.Start(t, fakes.Paging())
	r := newRounds(t, append(honest, lying, broken, paging)...)
	record := undisturbed(t, r.runREST)
	if record.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE || !strings.HasPrefix(record.GetQuestion(), "GET /") {
		t.Fatalf("round is %v of %q: %s", record.GetStatus(), record.GetQuestion(), record.GetReason())
	}
	for _, servicer := range honest {
		isOK(t, sampleOf(t, record, servicer))
		if got := sampleOf(t, record, servicer).GetConsistency(); got != types.Consistency_CONSISTENCY_AGREE {
			t.Errorf("an honest servicer is %v", got)
		}
	}
	isOK(t, sampleOf(t, record, lying))
	if got := sampleOf(t, record, lying).GetConsistency(); got != types.Consistency_CONSISTENCY_DISAGREE {
		t.Errorf("the liar is %v", got)
	}
	isNull(t, sampleOf(t, record, broken), types.Outcome_OUTCOME_BACKEND_ERROR, types.Blame_BLAME_BACKEND)
	isNull(t, sampleOf(t, record, paging), types.Outcome_OUTCOME_MALFORMED, types.Blame_BLAME_SERVICER)
	isStorable(t, record)
	opened, err := relay.OpenRequest(sampleOf(t, record, lying).GetRequestEnvelope())
	if err != nil || opened.Request.GetRest().GetMethod() != "GET" {
		t.Errorf("evidence %v, %v", opened, err)
	}
}

// When nobody gives a usable answer to a REST question, its control probe decides by the same measure.
func TestControlProbeByREST(t *testing.T) {
	for name, test := range map[string]struct {
		fault  fakes.Fault
		answer Answer
		void   string
	}{
		"the probe answers":                 {fakes.Broken(), Answer{Status: 200, Body: []byte(`{}`)}, ""},
		"the probe has no such height":      {fakes.Broken(), Answer{Status: 404, Body: []byte(`{}`)}, "neither did the control probe"},
		"the answer is a page for everyone": {fakes.Paging(), Answer{Status: 200, Body: []byte("<html>")}, "neither did the control probe"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRounds(t, fakes.Start(t, test.fault), fakes.Start(t, test.fault))
			r.probe = func(_ context.Context, payload types.Payload) (Answer, error) {
				if payload.REST == nil || payload.JSONRPC != nil {
					t.Errorf("asked %v", payload)
				}
				return test.answer, nil
			}
			record := undisturbed(t, r.runREST)
			if test.void != "" {
				isVoid(t, record, test.void)
			} else if record.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE {
				t.Errorf("round is %v: %s", record.GetStatus(), record.GetReason())
			}
		})
	}
}
