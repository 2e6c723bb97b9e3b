package servicer

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"sync"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Parameters returns the chain's parameters for the relays of a session. They apply to a whole session, and are the
// same for all sessions that start at the same height.
type Parameters interface {
	RelayPolicy(ctx context.Context, session *types.Session) (Policy, error)
}

// Policy is the set of the chain's parameters for the relays of one session.
type Policy struct {
	// RelaysPerPOKT is the multiplier of the application's stake; see Allowance.
	RelaysPerPOKT uint64
	// Reserve is the number of relays that each fisherman of the session may send to one servicer, separate from the
	// allowance.
	Reserve uint64
	// DifficultyBits is the number of leading zero bits that make a relay's hash volume-applicable; 0 to 255.
	DifficultyBits int
}

// uPOKTPerPOKT converts the multiplier's unit to that of stakes.
const uPOKTPerPOKT = 1_000_000

// Allowance returns the number of relays that an application may send to one servicer of a session: stake × relays per
// POKT / servicers, rounded down. It is exact: the product has 128 bits, and a result beyond 64 bits is clamped to the
// largest 64-bit number. Without servicers it is 0.
func (p Policy) Allowance(session *types.Session) uint64 {
	servicers := uint64(len(session.GetServicers()))
	if servicers == 0 {
		return 0
	}
	divisor := servicers * uPOKTPerPOKT
	high, low := bits.Mul64(session.GetApplication().GetStakeUpokt(), p.RelaysPerPOKT)
	if high >= divisor {
		return math.MaxUint64
	}
	relays, _ := bits.Div64(high, low, divisor)
	return relays
}

// maxPolicies bounds the cache of policyReader. Relays are accepted for at most three sessions: the current one and its
// neighbours.
const maxPolicies = 4

// policyReader reads and caches policies. Failures are not cached.
type policyReader struct {
	source Parameters

	mu sync.Mutex
	// policies is keyed by the start height of the sessions.
	policies map[int64]Policy
}

// of returns the policy of a session that is known to the state.
func (r *policyReader) of(ctx context.Context, session *types.Session) (Policy, error) {
	start := session.GetHeader().GetStartHeight()
	r.mu.Lock()
	policy, known := r.policies[start]
	r.mu.Unlock()
	if known {
		return policy, nil
	}
	policy, err := r.source.RelayPolicy(ctx, session)
	if err != nil {
		return Policy{}, fmt.Errorf("read relay policy of the session at %d: %w", start, err)
	}
	r.remember(start, policy)
	return policy, nil
}

func (r *policyReader) remember(start int64, policy Policy) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.policies[start] = policy
	for len(r.policies) > maxPolicies {
		oldest := start
		for height := range r.policies {
			oldest = min(oldest, height)
		}
		delete(r.policies, oldest)
	}
}
