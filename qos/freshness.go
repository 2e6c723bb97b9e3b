package qos

import (
	"maps"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// claims are how far a servicer's head claims are behind the references of their rounds. Merging adds counts, so that
// the numbers of a window are as exact as a session's.
type claims struct {
	// blocks counts the claims by their lag in blocks.
	blocks map[int64]int
	// longest is the largest lag in time; nil while none is known.
	longest *time.Duration
}

// isClaim reports whether a sample of a done round is a head claim.
func isClaim(round *types.QoSRound, sample *types.QoSSample) bool {
	kind := round.GetKind()
	return sample.Lag != nil && (kind == types.RoundKind_ROUND_KIND_HEAD || kind == types.RoundKind_ROUND_KIND_TIP)
}

// add counts a head claim.
func (c *claims) add(sample *types.QoSSample) {
	c.count(sample.GetLag(), 1)
	if sample.GetLagTime() != nil {
		c.lasted(sample.GetLagTime().AsDuration())
	}
}

// total is how many claims there are.
func (c *claims) total() (claims int) {
	for _, n := range c.blocks {
		claims += n
	}
	return claims
}

func (c *claims) count(blocks int64, claims int) {
	if c.blocks == nil {
		c.blocks = make(map[int64]int)
	}
	c.blocks[blocks] += claims
}

func (c *claims) lasted(lag time.Duration) {
	if c.longest == nil || lag > *c.longest {
		c.longest = &lag
	}
}

// above counts the claims that lag by more blocks than allowed.
func (c *claims) above(allowed int64) (behind int) {
	for blocks, claims := range c.blocks {
		if blocks > allowed {
			behind += claims
		}
	}
	return behind
}

// freshness is what is shown of claims, but for how many are behind.
func (c *claims) freshness() api.Freshness {
	var shown api.Freshness
	shown.Claims = c.total()
	seen := 0
	for _, blocks := range slices.Sorted(maps.Keys(c.blocks)) {
		if seen += c.blocks[blocks]; shown.LagBlocksMedian == nil && seen >= rankOf(50, shown.Claims) {
			shown.LagBlocksMedian = &blocks
		}
		shown.LagBlocksMax = &blocks
	}
	if c.longest != nil {
		longest := Milliseconds(*c.longest)
		shown.LagMSMax = &longest
	}
	return shown
}
