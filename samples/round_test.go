package samples

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// The golden file fixes the form of a round: an answer with everything, one that was refused, a check that was not
// asked, and one that asked for heads.
func TestRoundsAreReported(t *testing.T) {
	session := strings.Repeat("ab", 32)
	asked := &types.QoSRound{SessionId: session, Index: 3, Status: types.RoundStatus_ROUND_STATUS_DONE, Samples: []*types.QoSSample{{
		Servicer: fmt.Sprintf("%040x", 1), ServiceUrl: "http://servicer-1.test", Outcome: types.Outcome_OUTCOME_OK,
		Consistency: types.Consistency_CONSISTENCY_DISAGREE, SentUnixNano: 1_700_000_000_000_000_123,
		RoundTripTime: durationpb.New(12_345_678), TimeToFirstByte: durationpb.New(12_000_400),
		UserRoundTripTime: durationpb.New(13 * time.Millisecond), Timing: types.TimingSource_TIMING_SOURCE_KERNEL,
		DnsTime: durationpb.New(0), ConnectTime: durationpb.New(time.Millisecond), TlsTime: durationpb.New(2 * time.Millisecond),
		OverSla: true, AnswerDigest: bytes.Repeat([]byte{0xcd}, 32), RequestEnvelope: []byte("asked"), ResponseEnvelope: []byte("told"),
	}, {
		Servicer: fmt.Sprintf("%040x", 2), ServiceUrl: "http://servicer-2.test", Outcome: types.Outcome_OUTCOME_RELAY_ERROR, Blame: types.Blame_BLAME_SERVICER,
		Detail: "servicer refused: OVERLOADED", ReusedConnection: true, RelayErrorCode: uint32(types.RelayErrorCode_RELAY_ERROR_CODE_REPLAYED),
		Attempt: types.Attempt_ATTEMPT_SIGNED_ERROR,
	}}}
	asked.Question, asked.PlannedUnixNano, asked.ReleasedUnixNano = "block height=12", 1_700_000_000_000_000_000, 1_700_000_000_000_000_100
	asked.Skew = durationpb.New(103_001)
	unasked := &types.QoSRound{SessionId: session, Index: 4, Status: types.RoundStatus_ROUND_STATUS_DROPPED, Cause: types.Cause_CAUSE_OVERTAKEN}
	unasked.Reason, unasked.PlannedUnixNano = "the next check was due as well", 1_700_000_001_000_000_000
	head := &types.QoSRound{SessionId: session, Index: 5, Status: types.RoundStatus_ROUND_STATUS_DONE, Question: "head",
		Kind: types.RoundKind_ROUND_KIND_HEAD, Form: types.CompareForm_COMPARE_FORM_HEX_NUMBER, ReferenceHeight: proto.Int64(1062),
		Samples: []*types.QoSSample{{Servicer: fmt.Sprintf("%040x", 1), Outcome: types.Outcome_OUTCOME_OK,
			Origin: 1, Operator: "acme", Answer: types.AnswerClass_ANSWER_CLASS_VALUE, Head: proto.Int64(1000), Lag: proto.Int64(62), LagTime: durationpb.New(744 * time.Second)}}}
	got, err := json.MarshalIndent([]api.Round{Round(asked), Round(unasked), Round(head), {Samples: []api.Sample{}}}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", "rounds.golden.json")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got %s", got)
	}
	if strings.Contains(string(got), "told") {
		t.Error("the evidence itself is in the report")
	}
}
