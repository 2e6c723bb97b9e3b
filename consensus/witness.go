package consensus

import (
	"fmt"
	"time"

	sm "github.com/cometbft/cometbft/state"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// freshness is how long ago a block may have been agreed on for its head to count as witnessed. It allows for the
// votes' time on the network and for differing clocks.
const freshness = 3 * time.Second

// validatorSets reads the validator sets that CometBFT stored.
type validatorSets interface {
	LoadValidators(height int64) (*cmttypes.ValidatorSet, error)
}

// publish marks heads that were not witnessed.
func (e *Engine) publish(head types.Head) {
	head.CatchingUp = !e.witnessed(head.Height)
	e.standing.note(head.Height, !head.CatchingUp, e.now())
	e.heads.Publish(head)
}

// witnessed reports whether the block that is being committed was agreed on just now. It was not when it was replayed
// by New or by Run's start, or fetched from peers in bulk. Nor was it when its votes are old: the last blocks before a
// late joiner is level come one by one, as live ones do, and after a crash the write-ahead log may finish a block. The
// votes are signed, so no peer can make a block look older or newer than a third of the voting power says.
func (e *Engine) witnessed(height int64) bool {
	if !e.signs.witnessing.Load() || e.node.ConsensusReactor().WaitSync() {
		return false
	}
	agreed, err := e.agreedAt(height)
	if err != nil {
		e.logger.Warn("the time of a block is not known, so it starts no session", "height", height, "err", err)
		return false
	}
	return e.now().Sub(agreed) <= freshness
}

// agreedAt is when the validators agreed on a block: the median of the times of their votes, by voting power. CometBFT
// puts it into the next block as its time.
func (e *Engine) agreedAt(height int64) (time.Time, error) {
	commit := e.node.BlockStore().LoadSeenCommit(height)
	if commit == nil {
		return time.Time{}, fmt.Errorf("no votes on block %d are stored", height)
	}
	validators, err := e.validators.LoadValidators(height)
	if err != nil {
		return time.Time{}, fmt.Errorf("load validators of block %d: %w", height, err)
	}
	return sm.MedianTime(commit, validators)
}
