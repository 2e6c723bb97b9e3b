package fisherman

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/network/networktest/memory"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// The whole way of a sample on a network that is not ours, in virtual time: heads, sessions, requests and answers are the
// memory network's, and identifiers are whatever it calls them.
func TestSessionOfAnotherNetwork(t *testing.T) {
	type want struct {
		outcome     types.Outcome
		blame       types.Blame
		consistency types.Consistency
		relayError  string
	}
	const ok, servicer = types.Outcome_OUTCOME_OK, types.Blame_BLAME_SERVICER
	faults := memory.Servicers{
		"alice": memory.Honest(), "bob": memory.Honest(), "carol": memory.Honest(), "mallory": memory.Lying("x"),
		"silent": memory.Silent(), "busy": memory.Refusing(memory.Busy), "broken": memory.Refusing(memory.NodeDown),
	}
	wants := map[string]want{
		"alice":   {outcome: ok, consistency: types.Consistency_CONSISTENCY_AGREE},
		"bob":     {outcome: ok, consistency: types.Consistency_CONSISTENCY_AGREE},
		"carol":   {outcome: ok, consistency: types.Consistency_CONSISTENCY_AGREE},
		"mallory": {outcome: ok, consistency: types.Consistency_CONSISTENCY_DISAGREE},
		"silent":  {outcome: types.Outcome_OUTCOME_TIMEOUT, blame: servicer},
		"busy":    {outcome: types.Outcome_OUTCOME_RELAY_ERROR, blame: servicer, relayError: "BUSY"},
		"broken":  {outcome: types.Outcome_OUTCOME_BACKEND_ERROR, blame: types.Blame_BLAME_BACKEND, relayError: "NODE_DOWN"},
		"gone":    {outcome: types.Outcome_OUTCOME_CONNECT, blame: servicer},
	}
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.dial = faults.Dial
		n.members = func(int64) []*types.Actor {
			var members []*types.Actor
			for name := range wants {
				members = append(members, memory.Actor(name))
			}
			return members
		}
		n.while(t, func() { n.blocks(10, 22, time.Second) })
		rounds, err := n.store.Rounds(t.Context(), idOf(10))
		if err != nil || len(rounds) != n.policy.Checks {
			t.Fatalf("%d rounds, %v", len(rounds), err)
		}
		for _, round := range rounds {
			if round.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE || len(round.GetSamples()) != len(wants) {
				t.Errorf("check %d is %v: %s, %d samples", round.GetIndex(), round.GetStatus(), round.GetReason(), len(round.GetSamples()))
			}
			for _, sample := range round.GetSamples() {
				want, got := wants[sample.GetServicer()], want{sample.GetOutcome(), sample.GetBlame(), sample.GetConsistency(), sample.RelayErrorName()}
				if round.GetKind() != types.RoundKind_ROUND_KIND_SETTLED {
					want.consistency = types.Consistency_CONSISTENCY_UNSPECIFIED // values are not compared
				}
				if got != want {
					t.Errorf("check %d, %s: %+v: %s", round.GetIndex(), sample.GetServicer(), got, sample.GetDetail())
				}
			}
		}
	})
}
