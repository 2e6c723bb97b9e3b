package samples

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func TestReportCheck(t *testing.T) {
	const ok, void = types.Outcome_OUTCOME_OK, types.Outcome_OUTCOME_VOID
	const agree, disagree, undecidable = types.Consistency_CONSISTENCY_AGREE, types.Consistency_CONSISTENCY_DISAGREE, types.Consistency_CONSISTENCY_UNDECIDABLE
	for name, test := range map[string]struct {
		sample             *types.QoSSample
		verdict            api.CheckVerdict
		signature, binding api.Finding
	}{
		"agrees":               {&types.QoSSample{Outcome: ok, Consistency: agree}, api.CheckVerdictOK, "ok", "ok"},
		"disagrees":            {&types.QoSSample{Outcome: ok, Consistency: disagree, OverSla: true}, api.CheckVerdictInconsistent, "ok", "ok"},
		"slow":                 {&types.QoSSample{Outcome: ok, Consistency: agree, OverSla: true}, api.CheckVerdictSlow, "ok", "ok"},
		"slow and undecidable": {&types.QoSSample{Outcome: ok, Consistency: undecidable, OverSla: true}, api.CheckVerdictSlow, "ok", "ok"},
		"undecidable":          {&types.QoSSample{Outcome: ok, Consistency: undecidable}, api.CheckVerdictUndecidable, "ok", "ok"},
		"down":                 {&types.QoSSample{Outcome: types.Outcome_OUTCOME_CONNECT}, api.CheckVerdictNull, "", ""},
		"forged":               {&types.QoSSample{Outcome: types.Outcome_OUTCOME_BAD_SIGNATURE}, api.CheckVerdictNull, "failed", ""},
		"replayed":             {&types.QoSSample{Outcome: types.Outcome_OUTCOME_WRONG_BINDING}, api.CheckVerdictNull, "ok", "failed"},
		"refused":              {&types.QoSSample{Outcome: types.Outcome_OUTCOME_RELAY_ERROR, RelayErrorCode: 7}, api.CheckVerdictNull, "ok", "ok"},
		"its node failed":      {&types.QoSSample{Outcome: types.Outcome_OUTCOME_BACKEND_ERROR}, api.CheckVerdictNull, "ok", "ok"},
		"malformed":            {&types.QoSSample{Outcome: types.Outcome_OUTCOME_MALFORMED}, api.CheckVerdictNull, "", ""},
		"our fault":            {&types.QoSSample{Outcome: void}, api.CheckVerdictVoid, "", ""},
		"our allowance":        {&types.QoSSample{Outcome: void, RelayErrorCode: 11}, api.CheckVerdictVoid, "ok", "ok"},
		"answered, but void":   {&types.QoSSample{Outcome: void, AnswerDigest: []byte{1}}, api.CheckVerdictVoid, "ok", "ok"},
	} {
		test.sample.Servicer = "b"
		round := &types.QoSRound{Samples: []*types.QoSSample{{Servicer: "a", Outcome: ok}, test.sample}}
		report := Check("b", round, nil)
		sample := report.Sample("b")
		if report.Verdict != test.verdict || sample.Signature != test.signature || sample.Binding != test.binding || len(report.Samples) != 2 {
			t.Errorf("%s: %s, %+v", name, report.Verdict, sample)
		}
	}
}

func TestReportCheckHasEveryPhase(t *testing.T) {
	ms := func(n int) *durationpb.Duration { return durationpb.New(time.Duration(n) * time.Millisecond) }
	round := &types.QoSRound{Reason: "why", Question: "block height=3", ReleasedUnixNano: 1_700_000_000_000_000_001, Skew: durationpb.New(1500), Samples: []*types.QoSSample{{
		Servicer: "a", ServiceUrl: "http://a", Outcome: types.Outcome_OUTCOME_RELAY_ERROR, Blame: types.Blame_BLAME_SERVICER, Detail: "d", RelayErrorCode: 7,
		DnsTime: ms(1), ConnectTime: ms(2), TlsTime: ms(3), TimeToFirstByte: ms(5), RoundTripTime: ms(6), AnswerDigest: []byte{0xab},
	}, {Servicer: "b", TlsTime: ms(0)}}}
	report := Check("c", round, map[string]time.Duration{"a": 4 * time.Millisecond})
	if report.Verdict != api.CheckVerdictVoid || report.Sample("c") != nil || report.SkewMicros != 1 || report.AskedAt != "2023-11-14T22:13:20.000000001Z" || report.Reason != "why" {
		t.Errorf("%+v", report)
	}
	got := report.Sample("a")
	for i, phase := range []*float64{got.DNS, got.Connect, got.TLS, got.WriteMS, got.TimeToFirstByte, got.RoundTripTime} {
		if phase == nil || *phase != float64(i+1) {
			t.Errorf("phase %d: %v", i+1, phase)
		}
	}
	if *got.RelayError != "NOT_IN_SESSION" || *got.Blame != api.BlameServicer || got.Consistency != nil || *got.AnswerDigest != "ab" {
		t.Errorf("%+v", got)
	}
	if got.FirstByteMS != got.TimeToFirstByte || got.LastByteMS != got.RoundTripTime || got.Digest != "ab" {
		t.Errorf("old names have other values: %+v", got)
	}
	if other := report.Sample("b"); other.DNS != nil || other.TLS != nil || other.WriteMS != nil || other.RoundTripTime != nil || other.Blame != nil {
		t.Errorf("%+v", other)
	}
}
