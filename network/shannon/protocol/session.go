package protocol

import (
	"errors"
	"fmt"
	"math"
)

// ErrParams is returned for parameters that no chain can have.
var ErrParams = errors.New("impossible parameters")

// maxBlocks bounds every number of blocks that is computed with: nothing overflows below it.
const maxBlocks = math.MaxInt32

// Grid says which session a height is in. It holds while the parameters do not change.
type Grid struct {
	blocks, grace, claimOpen int64
	anchor, number           int64
	pending                  int64
}

// GridOf returns the grid of the sessions' parameters. Errors: ErrParams.
func GridOf(params *SharedParams) (Grid, error) {
	bounded := []struct {
		name  string
		value uint64
		most  uint64
	}{
		{"num_blocks_per_session", params.GetNumBlocksPerSession(), maxBlocks},
		{"grace_period_end_offset_blocks", params.GetGracePeriodEndOffsetBlocks(), maxBlocks},
		{"claim_window_open_offset_blocks", params.GetClaimWindowOpenOffsetBlocks(), maxBlocks},
		{"claim_window_close_offset_blocks", params.GetClaimWindowCloseOffsetBlocks(), maxBlocks},
		{"proof_window_open_offset_blocks", params.GetProofWindowOpenOffsetBlocks(), maxBlocks},
		{"proof_window_close_offset_blocks", params.GetProofWindowCloseOffsetBlocks(), maxBlocks},
		{"session_grid_anchor_height", params.GetSessionGridAnchorHeight(), math.MaxInt64 >> 1},
		{"session_number_at_anchor", params.GetSessionNumberAtAnchor(), math.MaxInt64 >> 1},
	}
	for _, b := range bounded {
		if b.value > b.most {
			return Grid{}, fmt.Errorf("%w: %s is %d", ErrParams, b.name, b.value)
		}
	}
	if params.GetNumBlocksPerSession() == 0 {
		return Grid{}, fmt.Errorf("%w: num_blocks_per_session is 0", ErrParams)
	}
	g := Grid{
		blocks:    int64(params.GetNumBlocksPerSession()),
		grace:     int64(params.GetGracePeriodEndOffsetBlocks()),
		claimOpen: int64(params.GetClaimWindowOpenOffsetBlocks()),
		anchor:    int64(params.GetSessionGridAnchorHeight()),
		number:    max(1, int64(params.GetSessionNumberAtAnchor())),
	}
	settled := g.claimOpen + int64(params.GetClaimWindowCloseOffsetBlocks()) +
		int64(params.GetProofWindowOpenOffsetBlocks()) + int64(params.GetProofWindowCloseOffsetBlocks())
	g.pending = (settled + g.blocks - 1) / g.blocks
	return g, nil
}

// Blocks returns the length of a session.
func (g Grid) Blocks() int64 { return g.blocks }

// anchorAt returns where the grid that holds at a height begins: block 1 for heights before the anchor.
func (g Grid) anchorAt(height int64) (anchor, number int64) {
	if g.anchor == 0 || g.anchor > height {
		return 1, 1
	}
	return g.anchor, g.number
}

// Start returns the first height of the session of a height, 0 for heights below 1.
func (g Grid) Start(height int64) int64 {
	if height < 1 {
		return 0
	}
	anchor, _ := g.anchorAt(height)
	return anchor + (height-anchor)/g.blocks*g.blocks
}

// End returns the last height of the session of a height, 0 for heights below 1.
func (g Grid) End(height int64) int64 {
	if height < 1 {
		return 0
	}
	return g.Start(height) + g.blocks - 1
}

// Number returns which session a height is in, counted from 1; 0 for heights below 1.
func (g Grid) Number(height int64) int64 {
	if height < 1 {
		return 0
	}
	anchor, number := g.anchorAt(height)
	return number + (height-anchor)/g.blocks
}

// GraceEnd returns the last height at which suppliers still answer relays of a session that ends at a height.
func (g Grid) GraceEnd(sessionEnd int64) int64 { return sessionEnd + g.grace }

// ClaimOpen returns the first height at which suppliers claim a session that ends at a height.
func (g Grid) ClaimOpen(sessionEnd int64) int64 { return sessionEnd + g.claimOpen + 1 }

// PendingSessions returns how many sessions are not settled yet at any time: an application's stake is shared out over
// them.
func (g Grid) PendingSessions() int64 { return g.pending }
