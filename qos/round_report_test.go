package qos

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"google.golang.org/protobuf/types/known/durationpb"
)

// The golden file fixes the form of a round: an answer with everything, one that was refused, and a check that was not
// asked.
func TestRoundsAreReported(t *testing.T) {
	session := sessionOf(2)
	asked := roundOf(session, 3, done, &types.QoSSample{
		Servicer: address(1), ServiceUrl: serviceURL(1), Outcome: types.Outcome_OUTCOME_OK,
		Consistency: disagree, SentUnixNano: 1_700_000_000_000_000_123,
		RoundTripTime: durationpb.New(12_345_678), TimeToFirstByte: durationpb.New(12_000_400),
		UserRoundTripTime: durationpb.New(13 * time.Millisecond), Timing: types.TimingSource_TIMING_SOURCE_KERNEL,
		DnsTime: durationpb.New(0), ConnectTime: durationpb.New(time.Millisecond), TlsTime: durationpb.New(2 * time.Millisecond),
		OverSla: true, AnswerDigest: bytes.Repeat([]byte{0xcd}, 32), RequestEnvelope: []byte("asked"), ResponseEnvelope: []byte("told"),
	}, &types.QoSSample{
		Servicer: address(2), ServiceUrl: serviceURL(2), Outcome: types.Outcome_OUTCOME_RELAY_ERROR, Blame: types.Blame_BLAME_SERVICER,
		Detail: "servicer refused: OVERLOADED", ReusedConnection: true, RelayErrorCode: uint32(types.RelayErrorCode_RELAY_ERROR_CODE_REPLAYED),
	})
	asked.Question, asked.PlannedUnixNano, asked.ReleasedUnixNano = "block height=12", 1_700_000_000_000_000_000, 1_700_000_000_000_000_100
	asked.Skew = durationpb.New(103_001)
	unasked := roundOf(session, 4, dropped)
	unasked.Reason, unasked.PlannedUnixNano = "the next check was due as well", 1_700_000_001_000_000_000
	got, err := json.MarshalIndent([]RoundReport{ReportRound(asked), ReportRound(unasked), {}}, "", "  ")
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
