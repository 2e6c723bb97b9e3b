package fisherman

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/client"
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
		outcome            string
		signature, binding string
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
	if whole.Servicer != secured.Address() || whole.DNSMS == nil || whole.ConnectMS == nil || whole.TLSMS != nil || whole.WriteMS == nil ||
		whole.FirstByteMS == nil || whole.LastByteMS == nil || *whole.LastByteMS < *whole.FirstByteMS {
		t.Errorf("%+v", whole)
	}
	_, result, _ = checkURL(t, "--url", fakes.Start(t, fakes.Hanging()).URL())
	if half := result.Check.Samples[0]; half.ConnectMS == nil || half.WriteMS == nil || half.FirstByteMS != nil || half.LastByteMS != nil {
		t.Errorf("%+v", half)
	}
	_, result, _ = checkURL(t, "--url", fakes.Start(t, fakes.Down()).URL())
	if none := result.Check.Samples[0]; none.ConnectMS != nil || none.WriteMS != nil {
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
		said := explainOutcome(client.CheckSample{Outcome: outcome.Label(), Detail: "seen"}, 3000)
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
	for name, test := range map[string]struct {
		sample  client.CheckSample
		verdict qos.CheckVerdict
		reason  string
		want    string
	}{
		"ok":             {client.CheckSample{LastByteMS: ms(1.25), Consistency: "AGREE"}, qos.CheckOK, "", "1.250 ms, within the latency SLA of 150 ms, as the majority did: of 2 servicers 2 agree"},
		"slow, waiting":  {client.CheckSample{FirstByteMS: ms(200), LastByteMS: ms(201), ConnectMS: ms(1)}, qos.CheckSlow, "", "passed before the first byte"},
		"slow, dripping": {client.CheckSample{FirstByteMS: ms(20), LastByteMS: ms(201), ConnectMS: ms(1)}, qos.CheckSlow, "", "between the first and the last byte"},
		"slow, far":      {client.CheckSample{FirstByteMS: ms(200), LastByteMS: ms(201), ConnectMS: ms(190)}, qos.CheckSlow, "", "the distance"},
		"inconsistent":   {client.CheckSample{Consistency: "DISAGREE"}, qos.CheckInconsistent, "", "1 agree, 1 disagree"},
		"undecidable":    {client.CheckSample{Consistency: "UNDECIDABLE"}, qos.CheckUndecidable, "", "a majority needs 2 votes"},
		"void round":     {client.CheckSample{Outcome: "VOID"}, qos.CheckVoid, "this machine stalled", "this machine stalled. Run it again"},
		"void sample":    {client.CheckSample{Outcome: "VOID", Detail: "over", RelayError: "OVER_ALLOWANCE"}, qos.CheckVoid, "", "the asker's fault"},
		"null":           {client.CheckSample{Outcome: "TIMEOUT"}, qos.CheckNull, "", "within 3000 ms"},
	} {
		test.sample.Servicer = "b"
		report := client.CheckReport{Servicer: "b", Verdict: test.verdict, Reason: test.reason, LatencySLAMS: 150, TimeoutMS: 3000, Quorum: 2,
			Samples: []client.CheckSample{{Servicer: "a", Consistency: "AGREE"}, test.sample}}
		if said := explainReport(report); !slices.ContainsFunc(said, func(text string) bool { return strings.Contains(text, test.want) }) {
			t.Errorf("%s: %q", name, said)
		}
	}
	if said := explainReport(client.CheckReport{Servicer: "b"}); !strings.Contains(said[0], "left the session") {
		t.Errorf("%q", said)
	}
}

// What a node or a servicer says of a check ends up on a terminal.
func TestCheckTextIsClean(t *testing.T) {
	const bad = "\x1b[2J\u202e\nx"
	sample := client.CheckSample{Servicer: bad, ServiceURL: bad, Outcome: bad, Blame: bad, Consistency: bad, RelayError: bad, Detail: bad, Signature: bad, Binding: bad, Digest: bad}
	report := client.CheckReport{Session: qos.EvidenceSession{ID: bad, RelayChain: bad, Application: bad}, Servicer: bad, Verdict: qos.CheckNull, Question: bad, AskedAt: bad,
		Samples: []client.CheckSample{sample, {}}}
	result := checkResult{Verdict: bad, Explanation: explainReport(report), Check: report}
	text := result.text()
	if strings.ContainsAny(text, "\x1b\u202e") || slices.Contains(strings.Split(text, "\n"), "x") {
		t.Errorf("%q", text)
	}
}
