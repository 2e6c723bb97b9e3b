package servicer

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"sync"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Parameters tells what the chain's parameters say of the relays of a session. They hold for a whole session, and are
// the same for all sessions that start at the same height.
type Parameters interface {
	RelayPolicy(ctx context.Context, session *types.Session) (Policy, error)
}

// Policy is what the chain's parameters say of the relays of one session.
type Policy struct {
	// RelaysPerPOKT is the multiplier of the application's stake; see Allowance.
	RelaysPerPOKT uint64
	// Reserve is how many relays each fisherman of the session may send to one servicer, beside the allowance.
	Reserve uint64
	// DifficultyBits is from how many leading zero bits of its hash on a relay is volume-applicable. 0 to 255.
	DifficultyBits int
}

// uPOKTPerPOKT is the unit of stakes in that of the multiplier.
const uPOKTPerPOKT = 1_000_000

// Allowance returns how many relays an application may send to one servicer of a session: stake × relays per POKT /
// servicers, rounded down. It is exact: the product has 128 bits, and a result beyond 64 bits is the largest number of
// them. Without servicers it is 0.
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

// maxPolicies bounds what policyReader remembers. Relays are taken of three sessions at most: the current one and its
// neighbours.
const maxPolicies = 4

// policyReader reads policies and remembers them. Failures are not remembered.
type policyReader struct {
	source Parameters

	mu sync.Mutex
	// policies are kept by the start height of their sessions.
	policies map[int64]Policy
}

// of returns the policy of a session that state knows.
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
