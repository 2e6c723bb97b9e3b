package observer

import "time"

const (
	// stillBlocks is for how many block times a chain may stand still before a person is told.
	stillBlocks = 10
	// shortestPatience is the least time without a block after which a person is told; firstPatience is that of a chain
	// whose pace is not known.
	shortestPatience = 5 * time.Second
	firstPatience    = 30 * time.Second
)

// pace tells a chain that stands still from a slow one.
type pace struct {
	// blockTime of the chain; 0 when it is not known, and is taken from the blocks that were seen.
	blockTime     time.Duration
	first, height int64
	began, since  time.Time
}

// still is how long the height has not changed, when that is longer than many of the chain's blocks took; else 0.
func (p *pace) still(height int64, now time.Time) time.Duration {
	if p.began.IsZero() {
		p.first, p.height, p.began, p.since = height, height, now, now
	}
	if height != p.height {
		p.height, p.since = height, now
	}
	if still := now.Sub(p.since); still > p.patience() {
		return still
	}
	return 0
}

func (p *pace) patience() time.Duration {
	if p.blockTime > 0 {
		return stillBlocks * p.blockTime
	}
	if blocks := p.height - p.first; blocks > 0 {
		return max(stillBlocks*p.since.Sub(p.began)/time.Duration(blocks), shortestPatience)
	}
	return firstPatience
}
