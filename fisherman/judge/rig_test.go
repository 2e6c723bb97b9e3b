package judge

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	blamesServicer = types.Blame_BLAME_SERVICER
	blamesBackend  = types.Blame_BLAME_BACKEND
	blamesSelf     = types.Blame_BLAME_SELF
	blamesUnknown  = types.Blame_BLAME_UNKNOWN

	outcomeOK         = types.Outcome_OUTCOME_OK
	outcomeVoid       = types.Outcome_OUTCOME_VOID
	outcomeTimeout    = types.Outcome_OUTCOME_TIMEOUT
	outcomeRelayError = types.Outcome_OUTCOME_RELAY_ERROR

	causeNone = types.Cause_CAUSE_UNSPECIFIED

	fit = types.ControlFitness_CONTROL_FITNESS_FIT
)

var (
	due = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

	errOffline = errors.New("offline")
)

// rules of the tests.
func rules() *Rules {
	return &Rules{Timeout: 2 * time.Second, LatencySLA: 50 * time.Millisecond, MaxSkew: 10 * time.Millisecond, Quorum: 2, Reserve: 20}
}

// check of some exchanges, in which nothing is this machine's fault.
func check(exchanges ...Exchange) *Observation {
	return &Observation{
		SessionID: "a session",
		Index:     3,
		Question: question.Question{
			Label:   "block height=12",
			Payload: types.Payload{JSONRPC: []byte(`{"jsonrpc":"2.0","id":7,"method":"block","params":{"height":12}}`)},
		},
		Asked:     21, // more than the reserve
		Due:       due,
		Released:  due,
		Lead:      LongestLead,
		Exchanges: exchanges,
	}
}

// times of an exchange, by the kernel.
func times() Times {
	return Times{
		Sent: due, Writing: 90 * time.Microsecond, SentStamped: true, Source: types.TimingSource_TIMING_SOURCE_KERNEL,
		RoundTrip: 20 * time.Millisecond, FirstByte: 19 * time.Millisecond, UserRoundTrip: 21 * time.Millisecond,
	}
}

// result is a well-formed answer.
func result(value string) []byte {
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":7,"result":%s}`, value)
}

// nodeError is a well-formed error of a node.
const nodeError = `{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"no such block"}}`

// answers is an exchange with a servicer that answers a JSON value, as one of its own origin.
func answers(servicer, value string) Exchange {
	return says(servicer, string(result(value)))
}

// says is an exchange with a servicer whose node answers some bytes.
func says(servicer, payload string) Exchange {
	return Exchange{
		Servicer: servicer, ServiceURL: "https://" + servicer + ".example", Times: times(), Reused: true,
		Payload: []byte(payload), Request: []byte("request to " + servicer), Response: []byte("response of " + servicer),
	}
}

// fails is an exchange that ended without an answer.
func fails(servicer string, outcome types.Outcome, blame types.Blame) Exchange {
	return Exchange{
		Servicer: servicer, ServiceURL: "https://" + servicer + ".example",
		Failure: &types.Failure{Outcome: outcome, Blame: blame, Attempt: types.Attempt_ATTEMPT_CONNECT, Err: errors.New("as told")},
	}
}

// refuses is an exchange that a servicer ended by a signed error.
func refuses(servicer string, outcome types.Outcome, blame types.Blame, refusal types.Refusal) Exchange {
	return Exchange{
		Servicer: servicer, ServiceURL: "https://" + servicer + ".example", Times: times(),
		Rejected: &types.Failure{
			Outcome: outcome, Blame: blame, Attempt: types.Attempt_ATTEMPT_SIGNED_ERROR, Refusal: &refusal, Err: errors.New(refusal.Label + ": no"),
		},
	}
}

// Exchanges as they are met often.
func down(servicer string) Exchange {
	return fails(servicer, types.Outcome_OUTCOME_CONNECT, blamesServicer)
}

func disputing(servicer, label string) Exchange {
	return refuses(servicer, outcomeRelayError, blamesServicer, types.Refusal{Code: 4, Label: label, DisputesRequest: true})
}

func busy(servicer string) Exchange {
	return refuses(servicer, outcomeRelayError, blamesServicer, types.Refusal{Code: 9, Label: "BUSY"})
}

func upstream(servicer string) Exchange {
	return refuses(servicer, types.Outcome_OUTCOME_BACKEND_ERROR, blamesBackend, types.Refusal{Code: 101, Label: "UPSTREAM_TIMEOUT"})
}

func overAllowance(servicer string) Exchange {
	return refuses(servicer, outcomeVoid, blamesSelf, types.Refusal{Code: 8, Label: "OVER_ALLOWANCE", OverAllowance: true})
}

func sampleOf(t testing.TB, record *types.QoSRound, servicer string) *types.QoSSample {
	t.Helper()
	for _, sample := range record.GetSamples() {
		if sample.GetServicer() == servicer {
			return sample
		}
	}
	t.Fatalf("no sample of %s", servicer)
	return nil
}

// judged judges a check, and checks what holds of every round.
func judged(t testing.TB, o *Observation, rules *Rules) *types.QoSRound {
	t.Helper()
	record, _ := Round(o, rules)
	for _, flaw := range flaws(o, record) {
		t.Errorf("%s: %v", flaw, record)
	}
	return record
}

// flaws returns what is wrong about a round whatever was observed.
func flaws(o *Observation, record *types.QoSRound) (found []string) {
	holds := func(what string, good bool) {
		if !good {
			found = append(found, what)
		}
	}
	done := record.GetStatus() == types.RoundStatus_ROUND_STATUS_DONE
	holds("a round is void without a cause, or done with one", done == (record.GetCause() == causeNone) && done == (record.GetReason() == ""))
	holds("a sample is missing", len(record.GetSamples()) == len(o.Exchanges))
	holds("samples are not ordered by servicer", slices.IsSortedFunc(record.GetSamples(), func(a, b *types.QoSSample) int {
		return strings.Compare(a.GetServicer(), b.GetServicer())
	}))
	holds("a reason is no short line", isLine(record.GetReason()))
	_, err := proto.Marshal(record)
	holds("a round cannot be stored", err == nil)
	holds("a round counts in which nothing does", !done || slices.ContainsFunc(record.GetSamples(), counts))
	answer := slices.ContainsFunc(record.GetSamples(), answered)
	holds("a round counts without an answer", !done || answer || !slices.ContainsFunc(record.GetSamples(), null) || o.Control != nil && o.Control.Err == nil ||
		slices.ContainsFunc(o.Exchanges, func(e Exchange) bool { return e.Responded }))
	for _, sample := range record.GetSamples() {
		good := answered(sample)
		holds("a detail is no short line", isLine(sample.GetDetail()))
		holds("half of the evidence", (sample.RequestEnvelope == nil) == (sample.ResponseEnvelope == nil))
		holds("too much evidence", len(sample.GetResponseEnvelope()) <= mostEvidence)
		if !done {
			holds("a void round blames", (!counts(sample) || sample.GetOutcome() == types.Outcome_OUTCOME_THROTTLED) && sample.GetBlame() == blamesSelf)
			holds("a void round compares", sample.GetConsistency() == types.Consistency_CONSISTENCY_UNSPECIFIED)
			continue
		}
		holds("an answer is blamed", !good || sample.GetBlame() == 0 && sample.GetAttempt() == 0 && sample.GetRelayErrorCode() == 0)
		holds("an answer is not measured", !good || sample.RoundTripTime != nil && sample.TimeToFirstByte != nil &&
			sample.UserRoundTripTime != nil && (len(sample.GetAnswerDigest()) == 32 || o.Question.Kind == types.RoundKind_ROUND_KIND_TIP))
		holds("an answer is not compared, or a height is", !good || (sample.GetConsistency() != 0) == (o.Question.Kind == types.RoundKind_ROUND_KIND_SETTLED))
		holds("what is no answer has something of one", good || sample.RoundTripTime == nil && sample.TimeToFirstByte == nil &&
			sample.UserRoundTripTime == nil && sample.AnswerDigest == nil && !sample.GetOverSla() && sample.GetTiming() == 0 &&
			sample.GetConsistency() == 0 && sample.RequestEnvelope == nil)
		holds("nothing is said of a failure", good || sample.GetDetail() != "" && sample.GetBlame() != 0)
	}
	return found
}

func isLine(text string) bool {
	return len(text) <= mostDetail && utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}
