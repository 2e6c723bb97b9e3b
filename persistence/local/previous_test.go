package local

import (
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"google.golang.org/protobuf/proto"
)

// The sessions of testdata/store-v1; testdata/README.md says how it was made.
const sampledSession, halfSampledSession = "3e03e620c46d1f46b3dcda3f2011f0c95d2b2f4023f7adad19afa13695fc9823",
	"7811d26a45a7379c0fc795babd884bb90132637a32fd2cafe13bf851a2f224cc"

var causelessSession, openSession = strings.Repeat("a", 64), strings.Repeat("b", 64)

// contentOfV1 lists the sessions of testdata/store-v1, oldest first.
var contentOfV1 = []struct {
	id                  string
	closed              bool
	done, void, dropped int
}{
	{sampledSession, true, 10, 0, 0},
	{halfSampledSession, false, 1, 1, 0},
	{causelessSession, true, 1, 8, 8},
	{openSession, false, 2, 0, 0},
}

// A store that the version before causes and attempts wrote opens, reads as it was, takes rounds, and opens again.
func TestStoreOfPreviousVersion(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS("testdata/store-v1")))
	s := sampleIn(t, dir, vfs.Default)
	wantContentOfV1(t, s, 0)
	round := roundOf(1, 2, 10)
	round.SessionId, round.Status, round.Cause = openSession, types.RoundStatus_ROUND_STATUS_VOID, types.Cause_CAUSE_STALL
	must(t, s.PutRound(ctx, round))
	wantError(t, s.PutRound(ctx, round), ErrRoundExists)
	must(t, s.PutSession(ctx, sessionOf(1000)))
	s.put(1000, 0)
	must(t, s.Close())
	s = sampleIn(t, dir, vfs.Default)
	wantContentOfV1(t, s, 1)
	s.wantHeld(1000, 0)
	rounds, err := s.Rounds(ctx, openSession)
	must(t, err)
	if last := rounds[len(rounds)-1]; !proto.Equal(last, round) || last.Why() != types.Cause_CAUSE_STALL {
		t.Errorf("the added round is %v", last)
	}
}

// wantContentOfV1 checks what testdata/store-v1 holds, and that the open session has some rounds more.
func wantContentOfV1(t *testing.T, s *sampling, added int) {
	t.Helper()
	s.wantDurable(true)
	if health := s.Health(); health.SetAside != "" {
		t.Fatalf("the store was set aside: %+v", health)
	}
	sessions, err := s.Sessions(t.Context())
	must(t, err)
	for place, want := range contentOfV1 {
		session := sessions[place]
		if session.GetHeader().GetId() != want.id || session.GetClosed() != want.closed || len(session.GetServicers()) != 5 {
			t.Errorf("session %d is %v", place, session)
		}
		rounds, err := s.Rounds(t.Context(), want.id)
		must(t, err)
		if want.id == openSession {
			rounds = rounds[:len(rounds)-added]
		}
		statuses := make(map[types.RoundStatus]int)
		for index, round := range rounds {
			if round.GetIndex() != uint32(index) {
				t.Errorf("session %s: place %d holds round %d", want.id, index, round.GetIndex())
			}
			statuses[round.GetStatus()]++
			wantRoundOfV1(t, round)
		}
		if len(rounds) != want.done+want.void+want.dropped || statuses[types.RoundStatus_ROUND_STATUS_DONE] != want.done ||
			statuses[types.RoundStatus_ROUND_STATUS_VOID] != want.void {
			t.Errorf("session %s has %v, want %+v", want.id, statuses, want)
		}
	}
}

// wantRoundOfV1 checks a round that was stored without a cause.
func wantRoundOfV1(t *testing.T, round *types.QoSRound) {
	t.Helper()
	why, reasoned, samples := types.Cause_CAUSE_UNSPECIFIED, false, 5
	switch round.GetStatus() {
	case types.RoundStatus_ROUND_STATUS_VOID:
		why, reasoned = types.Cause_CAUSE_OTHER, true
	case types.RoundStatus_ROUND_STATUS_DROPPED:
		why, reasoned, samples = types.Cause_CAUSE_OTHER, true, 0
	}
	if round.Why() != why || (round.GetReason() != "") != reasoned || len(round.GetSamples()) != samples {
		t.Errorf("round %d of %s reads as %s, %q, with %d samples", round.GetIndex(), round.GetSessionId(), round.Why(),
			round.GetReason(), len(round.GetSamples()))
	}
	evidence := 0
	for _, sample := range round.GetSamples() {
		if sample.GetAttempt() != types.Attempt_ATTEMPT_UNSPECIFIED || sample.GetRelayError() != "" {
			t.Errorf("a sample has what its version did not store: %v", sample)
		}
		if sample.GetOutcome() != types.Outcome_OUTCOME_OK && sample.GetDetail() == "" {
			t.Errorf("a failed sample has no detail: %v", sample)
		}
		if sample.GetRelayErrorCode() != 0 && sample.RelayErrorName() != "NOT_IN_SESSION" {
			t.Errorf("the signed error reads as %q", sample.RelayErrorName())
		}
		if len(sample.GetRequestEnvelope()) > 0 && len(sample.GetResponseEnvelope()) > 0 {
			evidence++
		}
	}
	if done := round.GetStatus() == types.RoundStatus_ROUND_STATUS_DONE; done && evidence != 2 || !done && evidence != 0 {
		t.Errorf("round %d of %s has %d envelopes of evidence, want those of the liar and one other", round.GetIndex(),
			round.GetSessionId(), evidence)
	}
}
