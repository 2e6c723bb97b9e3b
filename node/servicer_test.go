package node

import (
	"testing"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/servicer"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Servicers get the parameters of the block before the session, and of block 1 for the first.
func TestRelayPolicy(t *testing.T) {
	module := chain(t, 12, func(p *genesis.Params) {
		p.Qos.ChecksPerSession = 10_000
		p.Relay = &genesis.RelayParams{RelaysPerPokt: 7, ReservePerCheck: 100, VolumeDifficultyBits: 255}
	})
	want := servicer.Policy{RelaysPerPOKT: 7, Reserve: 1_000_000, DifficultyBits: 255}
	for start, known := range map[int64]bool{0: true, 10: true, 13: true, 14: false} {
		session := &types.Session{Header: &types.SessionHeader{StartHeight: start}}
		got, err := relayPolicies{utility: module}.RelayPolicy(t.Context(), session)
		if known && (err != nil || got != want) || !known && err == nil {
			t.Errorf("session at %d: %+v, %v", start, got, err)
		}
	}
}

// With the default parameters a LocalNet's fisherman and application are not hindered, whatever its flags say.
func TestDefaultPolicyHindersNobody(t *testing.T) {
	const mostChecks = 10_000
	module := chain(t, 1, func(p *genesis.Params) { p.Qos.ChecksPerSession = mostChecks })
	policy, err := relayPolicies{utility: module}.RelayPolicy(t.Context(), &types.Session{Header: &types.SessionHeader{}})
	if err != nil {
		t.Fatal(err)
	}
	session := &types.Session{
		Application: &types.Actor{StakeUpokt: genesis.DefaultParams().GetStake().GetApplicationMinimumUpokt()},
		Servicers:   make([]*types.Actor, 24),
	}
	if policy.Reserve < mostChecks || policy.Reserve > uint64(servicer.DefaultConfig().MaxNonces) || policy.Allowance(session) < 1000 {
		t.Errorf("reserve %d, allowance %d", policy.Reserve, policy.Allowance(session))
	}
}
