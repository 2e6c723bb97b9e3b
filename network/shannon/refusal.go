package shannon

import (
	"math"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// RelayMiners sign no errors. One that says that our session is not the current one, or that its stake is used up, frees the
// supplier of an answer, so it is held against what we see of the chain.

// headSlack is by how many blocks another node's view of the chain may differ from ours.
const headSlack = 2

// weigh says of a refusal whether it can be right.
func (r *request) weigh(failure *wire.Failure) *wire.Failure {
	refusal := failure.Refusal
	switch {
	case failure.Outcome != types.Outcome_OUTCOME_VOID || refusal == nil:
	case refusal.DisputesRequest:
		height, at := r.network.Head()
		refusal.Contradicted = height > 0 && !r.session.inDoubt(r.asked, ahead(height, time.Since(at), r.session.blockTime))
	case refusal.OverAllowance && !r.session.usedUp(r.network.spent.of(r.session.account, r.session.header.GetSessionId()).Session):
		failure.Blame = types.Blame_BLAME_UNKNOWN
	}
	return failure
}

// ahead returns the height that a chain is at, at most, some time after it was seen at a height: at twice its usual pace.
func ahead(height int64, since, blockTime time.Duration) int64 {
	blocks := int64(2 * max(since, 0) / max(blockTime, leastBlockTime))
	if height > math.MaxInt64-blocks-headSlack {
		return math.MaxInt64 - headSlack
	}
	return height + blocks
}

// inDoubt reports whether a node may see the session as not begun, or as over, while our view went from one height to another.
// A session that is over is served to the end of its grace.
func (s *session) inDoubt(from, until int64) bool {
	return from-headSlack < s.header.GetSessionStartBlockHeight() || until+headSlack > s.graceEnd
}

// usedUp reports whether what was spent on the session comes near what a supplier serves of it for the application's stake.
// Others may spend the same stake, which nobody tells us.
func (s *session) usedUp(spent uint64) bool {
	asked := max(uint64(len(s.members)), 1)
	return spent/asked+s.price >= s.allowance
}
