package qos

import (
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Reports name the code of a refusal, as a check on demand does, in sessions and in windows.
func TestReportsNameRefusals(t *testing.T) {
	session := &types.QoSSession{Header: &types.SessionHeader{Id: "aa", RelayChain: "0001"}, ChecksPlanned: 5,
		Servicers: []*types.QoSServicer{{Address: "a"}}}
	var rounds []*types.QoSRound
	for i := range uint32(5) {
		sample := &types.QoSSample{Servicer: "a", Outcome: types.Outcome_OUTCOME_BACKEND_ERROR, RelayErrorCode: 101, RelayError: "UPSTREAM_UNREACHABLE"}
		switch i {
		case 3:
			sample = &types.QoSSample{Servicer: "a", Outcome: types.Outcome_OUTCOME_BACKEND_ERROR} // an error of the node
		case 4:
			sample = &types.QoSSample{Servicer: "a", Outcome: types.Outcome_OUTCOME_RELAY_ERROR, RelayErrorCode: 12, RelayError: "BUSY"}
		}
		rounds = append(rounds, &types.QoSRound{SessionId: "aa", Index: i, Status: types.RoundStatus_ROUND_STATUS_DONE, Samples: []*types.QoSSample{sample}})
	}
	report := Summarize(session, rounds)
	got := report.Servicers[0]
	if !strings.Contains(got.Reason, "(UPSTREAM_UNREACHABLE 3, BACKEND_ERROR 1, BUSY 1)") {
		t.Errorf("reason %q", got.Reason)
	}
	if len(got.RelayErrors) != 2 || got.RelayErrors["UPSTREAM_UNREACHABLE"] != 3 || got.RelayErrors["BUSY"] != 1 {
		t.Errorf("relay errors %v", got.RelayErrors)
	}
	if got.Outcomes["BACKEND_ERROR"] != 4 || got.Outcomes["RELAY_ERROR"] != 1 {
		t.Errorf("outcomes %v", got.Outcomes)
	}
	var all, half refusals
	for range 2 {
		half = refusals{}
		half.add(rounds[0].GetSamples()[0])
		all.merge(half)
	}
	if shown := all.shown(); len(shown) != 1 || shown["UPSTREAM_UNREACHABLE"] != 2 {
		t.Errorf("merged: %v", shown)
	}
	for i := range 2 * mostRefusals {
		all.add(&types.QoSSample{RelayErrorCode: uint32(i + 1), RelayError: strings.Repeat("X", i+1)})
	}
	if len(all.counts) != mostRefusals {
		t.Errorf("%d codes are told apart, want %d", len(all.counts), mostRefusals)
	}
}
