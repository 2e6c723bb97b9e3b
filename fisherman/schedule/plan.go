package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Distribution says where in a session its checks fall.
type Distribution int

// The distributions.
const (
	// Even puts each check at the middle of its stratum: predictable, for debugging.
	Even Distribution = iota + 1
	// StratifiedJitter puts one check at a secret place within each of the session's equal strata: even over time,
	// yet no servicer can tell when it is watched.
	StratifiedJitter
	// UniformRandom puts each check anywhere in the session, independently of the others.
	UniformRandom
)

// Plan is where a session's checks fall: positions in [0, 1) of the session, ascending. The place in the plan is the
// check's index.
type Plan []float64

// New plans a session's checks. The same seed gives the same plan; without the seed the random distributions cannot be
// foretold (ChaCha8). It refuses an unknown distribution.
func New(distribution Distribution, checks int, seed [32]byte) (Plan, error) {
	if checks < 1 {
		return nil, fmt.Errorf("plan of %d checks; at least 1 is needed", checks)
	}
	source := rand.New(rand.NewChaCha8(seed))
	var place func(stratum int) float64
	switch distribution {
	case Even:
		place = func(stratum int) float64 { return (float64(stratum) + 0.5) / float64(checks) }
	case StratifiedJitter:
		place = func(stratum int) float64 { return (float64(stratum) + source.Float64()) / float64(checks) }
	case UniformRandom:
		place = func(int) float64 { return source.Float64() }
	default:
		return nil, fmt.Errorf("unknown distribution %d", distribution)
	}
	plan := make(Plan, checks)
	for index := range plan {
		plan[index] = min(place(index), lastPosition)
	}
	slices.Sort(plan)
	return plan, nil
}

// lastPosition keeps rounding from putting a check at 1, which is the next session.
const lastPosition = 1 - 1.0/(1<<53)
