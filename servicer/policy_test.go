package servicer

import (
	"context"
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func sessionOf(stake uint64, servicers int) *types.Session {
	return &types.Session{Application: &types.Actor{StakeUpokt: stake}, Servicers: make([]*types.Actor, servicers)}
}

func TestAllowance(t *testing.T) {
	for _, test := range []struct {
		stake, multiplier uint64
		servicers         int
		want              uint64
	}{
		{15_000_000_000, 40, 24, 25_000},
		{15_000_000_000, 40, 1, 600_000},
		{1_999_999, 1, 1, 1},
		{999_999, 1, 1, 0},
		{3_000_000, 1, 2, 1},
		{15_000_000_000, 40, 0, 0},
		{0, 40, 24, 0},
		{math.MaxUint64, 1, 1, math.MaxUint64 / 1_000_000},
		{math.MaxUint64, 1_000_000, 1, math.MaxUint64},
		{math.MaxUint64, 1_000_001, 1, math.MaxUint64},
		{math.MaxUint64, math.MaxUint64, 1024, math.MaxUint64},
	} {
		if got := (Policy{RelaysPerPOKT: test.multiplier}).Allowance(sessionOf(test.stake, test.servicers)); got != test.want {
			t.Errorf("%d uPOKT × %d / %d servicers = %d, want %d", test.stake, test.multiplier, test.servicers, got, test.want)
		}
	}
}

// The allowance is the exact quotient, or the largest number.
func TestAllowanceIsExact(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		stake, multiplier := rapid.Uint64().Draw(r, "stake"), rapid.Uint64().Draw(r, "multiplier")
		servicers := rapid.IntRange(1, 1024).Draw(r, "servicers")
		want := new(big.Int).Mul(new(big.Int).SetUint64(stake), new(big.Int).SetUint64(multiplier))
		want.Div(want, big.NewInt(int64(servicers)*1_000_000))
		if !want.IsUint64() {
			want.SetUint64(math.MaxUint64)
		}
		if got := (Policy{RelaysPerPOKT: multiplier}).Allowance(sessionOf(stake, servicers)); got != want.Uint64() {
			r.Fatalf("got %d, want %s", got, want)
		}
	})
}

// counting returns each session's start as its reserve.
type counting struct {
	reads int
	fail  error
}

func (c *counting) RelayPolicy(_ context.Context, session *types.Session) (Policy, error) {
	c.reads++
	return Policy{Reserve: uint64(session.GetHeader().GetStartHeight())}, c.fail
}

func TestPoliciesAreReadOncePerSession(t *testing.T) {
	source := &counting{fail: errors.New("disk")}
	reader := &policyReader{source: source, policies: make(map[int64]Policy)}
	at := func(start int64) *types.Session {
		return &types.Session{Header: &types.SessionHeader{StartHeight: start}}
	}
	if _, err := reader.of(t.Context(), at(10)); !errors.Is(err, source.fail) {
		t.Errorf("got %v, want the source's error", err)
	}
	source.fail = nil
	for start := int64(10); start <= 200; start += 10 {
		for range 3 {
			policy, err := reader.of(t.Context(), at(start))
			if err != nil || policy.Reserve != uint64(start) {
				t.Fatalf("session at %d: %+v, %v", start, policy, err)
			}
		}
	}
	if source.reads != 1+20 {
		t.Errorf("policies were read %d times, want 21", source.reads)
	}
	if len(reader.policies) != maxPolicies {
		t.Errorf("%d policies are remembered", len(reader.policies))
	}
	for _, start := range []int64{190, 200} {
		if _, known := reader.policies[start]; !known {
			t.Errorf("the policy of the session at %d was forgotten", start)
		}
	}
}
