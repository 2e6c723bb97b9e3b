package node

import (
	"fmt"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// staleAfter is how old the newest block may be while a node counts as level with the chain: ten block times, and what
// validators take to agree when one of them is missing.
func staleAfter(blockTime time.Duration) time.Duration { return 10*blockTime + 10*time.Second }

// notReady says why a node is not level with the chain; empty if it is. A head that was fetched or replayed is not, and
// neither is a chain that stands still.
func notReady(head types.Head, known bool, now time.Time, blockTime time.Duration) string {
	switch limit := staleAfter(blockTime); {
	case !known:
		return "the node has no block yet"
	case head.CatchingUp:
		return fmt.Sprintf("the node is catching up, at height %d", head.Height)
	case now.Sub(head.Time) > limit:
		return fmt.Sprintf("no block for more than %s, at height %d", limit, head.Height)
	}
	return ""
}

// NotReady tells the API why the node is not level with the chain; empty if it is.
func (r statusReader) NotReady() string {
	head, known := r.heads.Latest()
	return notReady(head, known, time.Now(), r.blockTime)
}
