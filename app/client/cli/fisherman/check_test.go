package fisherman

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// checkURL runs the command against a URL; the time-out is short, and nothing but the machine itself is asked.
func checkURL(t *testing.T, args ...string) (code command.ExitCode, result checkResult, stderr string) {
	t.Helper()
	code, stdout, stderr := commandtest.Pocket(t, New, append([]string{"fisherman", "check", "--output", "json", "--timeout", "300ms"}, args...)...)
	if stdout != "" {
		if err := json.Unmarshal([]byte(stdout), &result); err != nil {
			t.Fatalf("%s: %v", stdout, err)
		}
	}
	return code, result, stderr
}

// Each fault is told by its outcome, without a fisherman and without a key.
func TestCheckOfAURL(t *testing.T) {
	for name, test := range map[string]struct {
		fault              fakes.Fault
		outcome            api.Outcome
		signature, binding api.Finding
		code               command.ExitCode
		verdict            string
	}{
		"honest":         {fakes.Honest(), "OK", "ok", "ok", command.ExitOK, "undecidable"},
		"down":           {fakes.Down(), "CONNECT", "", "", command.ExitCheckFailed, "null"},
		"hanging":        {fakes.Hanging(), "TIMEOUT", "", "", command.ExitCheckFailed, "null"},
		"forging":        {fakes.Forging(), "BAD_SIGNATURE", "failed", "", command.ExitCheckFailed, "null"},
		"replaying":      {fakes.Replaying(), "WRONG_BINDING", "ok", "failed", command.ExitCheckFailed, "null"},
		"bomb":           {fakes.Bomb(), "TOO_LARGE", "", "", command.ExitCheckFailed, "null"},
		"status 502":     {fakes.Erring(502), "HTTP_STATUS", "", "", command.ExitCheckFailed, "null"},
		"upstream gone":  {fakes.Refusing(types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_UNREACHABLE), "BACKEND_ERROR", "ok", "ok", command.ExitCheckFailed, "null"},
		"busy":           {fakes.Refusing(types.RelayErrorCode_RELAY_ERROR_CODE_BUSY), "RELAY_ERROR", "ok", "ok", command.ExitCheckFailed, "null"},
		"no application": {fakes.Refusing(types.RelayErrorCode_RELAY_ERROR_CODE_APPLICATION_NOT_STAKED), "RELAY_ERROR", "ok", "ok", command.ExitOK, "reachable"},
		"no session":     {fakes.Refusing(types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT), "RELAY_ERROR", "ok", "ok", command.ExitOK, "reachable"},
	} {
		servicer := fakes.Start(t, test.fault)
		code, result, stderr := checkURL(t, "--url", servicer.URL(), "--servicer", servicer.Address())
		sample := result.Check.Sample(servicer.Address())
		if code != test.code || sample == nil || result.Verdict != test.verdict || sample.Outcome != test.outcome ||
			sample.Signature != test.signature || sample.Binding != test.binding || len(result.Explanation) < 2 {
			t.Errorf("%s: exit code %d, %+v, %+v", name, code, result, sample)
		}
		if (code == 0) != (stderr == "") || strings.Count(stderr, "\n") > 1 {
			t.Errorf("%s: %q", name, stderr)
		}
		if !strings.Contains(result.Explanation[len(result.Explanation)-1], "no public address") {
			t.Errorf("%s: %q", name, result.Explanation)
		}
	}
}

// Phases are there as far as it came.
func TestPhasesOfACheck(t *testing.T) {
	secured := fakes.Start(t, fakes.Honest())
	_, result, _ := checkURL(t, "--url", secured.URL())
	whole := result.Check.Samples[0]
	if whole.Servicer != secured.Address() || whole.DNS == nil || whole.Connect == nil || whole.TLS != nil || whole.WriteMS == nil ||
		whole.TimeToFirstByte == nil || whole.RoundTripTime == nil || *whole.RoundTripTime < *whole.TimeToFirstByte {
		t.Errorf("%+v", whole)
	}
	_, result, _ = checkURL(t, "--url", fakes.Start(t, fakes.Hanging()).URL())
	if half := result.Check.Samples[0]; half.Connect == nil || half.WriteMS == nil || half.TimeToFirstByte != nil || half.RoundTripTime != nil {
		t.Errorf("%+v", half)
	}
	_, result, _ = checkURL(t, "--url", fakes.Start(t, fakes.Down()).URL())
	if none := result.Check.Samples[0]; none.Connect != nil || none.WriteMS != nil {
		t.Errorf("%+v", none)
	}
}

// Whatever comes of a request, and whatever a servicer signs, is explained.
func TestEveryOutcomeIsExplained(t *testing.T) {
	seen := make(map[string]string)
	for number, name := range types.Outcome_name {
		outcome := types.Outcome(number)
		if outcome == types.Outcome_OUTCOME_UNSPECIFIED || outcome == types.Outcome_OUTCOME_OK {
			continue
		}
		said := explainOutcome(api.CheckSample{Sample: api.Sample{Outcome: api.Outcome(outcome.Label()), Detail: "seen"}}, 3000)
		if other, repeated := seen[said[0]]; repeated || len(said) != 2 || !strings.Contains(said[1], "seen") {
			t.Errorf("%s: %q, like %s", name, said, other)
		}
		seen[said[0]] = name
	}
	for number, name := range types.RelayErrorCode_name {
		code := types.RelayErrorCode(number)
		if said := explainCode(code.Label()); code != 0 && (len(said) != 1 || strings.Contains(said[0], "not known")) {
			t.Errorf("%s: %q", name, said)
		}
	}
}

func TestExplainReport(t *testing.T) {
	ms := func(value float64) *float64 { return &value }
	whole := func(value int64) *int64 { return &value }
	for name, test := range map[string]struct {
		sample  api.Sample
		verdict api.CheckVerdict
		reason  string
		want    string
	}{
		"ok":             {api.Sample{RoundTripTime: ms(1.25), Consistency: api.Optional(api.AgreementAgree)}, api.CheckVerdictOK, "", "1.250 ms, within the latency SLA of 150 ms, as the majority did: of 2 servicers 2 agree"},
		"slow, waiting":  {api.Sample{TimeToFirstByte: ms(200), RoundTripTime: ms(201), Connect: ms(1)}, api.CheckVerdictSlow, "", "passed before the first byte"},
		"slow, dripping": {api.Sample{TimeToFirstByte: ms(20), RoundTripTime: ms(201), Connect: ms(1)}, api.CheckVerdictSlow, "", "between the first and the last byte"},
		"slow, far":      {api.Sample{TimeToFirstByte: ms(200), RoundTripTime: ms(201), Connect: ms(190)}, api.CheckVerdictSlow, "", "the distance"},
		"inconsistent":   {api.Sample{Consistency: api.Optional(api.AgreementDisagree)}, api.CheckVerdictInconsistent, "", "1 agree, 1 disagree"},
		"undecidable":    {api.Sample{Consistency: api.Optional(api.AgreementUndecidable)}, api.CheckVerdictUndecidable, "", "a majority needs 2 votes"},
		"void round":     {api.Sample{Outcome: "VOID"}, api.CheckVerdictVoid, "this machine stalled", "this machine stalled. Run it again"},
		"void sample":    {api.Sample{Outcome: "VOID", Detail: "over", RelayError: api.Optional("OVER_ALLOWANCE")}, api.CheckVerdictVoid, "", "the asker's fault"},
		"null":           {api.Sample{Outcome: "TIMEOUT"}, api.CheckVerdictNull, "", "within 3000 ms"},
		"missing":        {api.Sample{Outcome: "MISSING", Answer: api.Optional(api.AnswerClassMissing)}, api.CheckVerdictNull, "", "Its node answered that there is nothing, where others have data"},
		"failure":        {api.Sample{Outcome: "BACKEND_ERROR", Answer: api.Optional(api.AnswerClassFailure)}, api.CheckVerdictNull, "", "an error that is not the answer of most others"},
		"agreed error":   {api.Sample{Outcome: "OK", Answer: api.Optional(api.AnswerClassAgreedError)}, api.CheckVerdictOK, "", "and so did most others and the control probe"},
		"not there yet":  {api.Sample{Outcome: "OK", Answer: api.Optional(api.AnswerClassMissing)}, api.CheckVerdictUndecidable, "", "does not have the block yet"},
		"behind":         {api.Sample{Outcome: "OK", Head: whole(1000), Lag: whole(62), LagMS: ms(744_000)}, api.CheckVerdictOK, "", "at height 1000, 62 blocks behind what most others have reached (about 744 s)."},
		"behind by one":  {api.Sample{Outcome: "OK", Head: whole(1000), Lag: whole(1)}, api.CheckVerdictOK, "", "1 block behind what most others have reached."},
		"fresh":          {api.Sample{Outcome: "OK", Head: whole(1000), Lag: whole(0)}, api.CheckVerdictOK, "", "at height 1000, not behind"},
		"no reference":   {api.Sample{Outcome: "OK", Head: whole(1000)}, api.CheckVerdictOK, "", "is not known"},
	} {
		test.sample.Servicer = "b"
		report := api.CheckReport{Servicer: "b", Verdict: test.verdict, Reason: test.reason, LatencySLAMS: 150, TimeoutMS: 3000, Quorum: 2,
			Samples: []api.CheckSample{{Sample: api.Sample{Servicer: "a", Consistency: api.Optional(api.AgreementAgree)}}, {Sample: test.sample}}}
		if said := explainReport(report); !slices.ContainsFunc(said, func(text string) bool { return strings.Contains(text, test.want) }) {
			t.Errorf("%s: %q", name, said)
		}
	}
	if said := explainReport(api.CheckReport{Servicer: "b"}); !strings.Contains(said[0], "left the session") {
		t.Errorf("%q", said)
	}
}

// What a node or a servicer says of a check ends up on a terminal.
func TestCheckTextIsClean(t *testing.T) {
	const bad = "\x1b[2J\u202e\nx"
	sample := api.CheckSample{Signature: bad, Binding: bad, Sample: api.Sample{Servicer: bad, ServiceURL: bad, Outcome: bad, Blame: api.Optional[api.Blame](bad),
		Consistency: api.Optional[api.Agreement](bad), RelayError: api.Optional(bad), Detail: bad, AnswerDigest: api.Optional(bad)}}
	report := api.CheckReport{Session: api.EvidenceSession{ID: bad, RelayChain: bad, Application: bad}, Servicer: bad, Verdict: api.CheckVerdictNull, Question: bad, AskedAt: bad,
		Samples: []api.CheckSample{sample, {}}}
	result := checkResult{Verdict: bad, Explanation: explainReport(report), Check: report}
	text := result.text()
	if strings.ContainsAny(text, "\x1b\u202e") || slices.Contains(strings.Split(text, "\n"), "x") {
		t.Errorf("%q", text)
	}
}
