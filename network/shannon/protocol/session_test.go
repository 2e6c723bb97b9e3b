package protocol_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
)

func TestGridRefuses(t *testing.T) {
	for name, params := range map[string]*protocol.SharedParams{
		"nothing":        nil,
		"no blocks":      {},
		"too long":       {NumBlocksPerSession: math.MaxUint64},
		"endless grace":  {NumBlocksPerSession: 20, GracePeriodEndOffsetBlocks: 1 << 40},
		"a late anchor":  {NumBlocksPerSession: 20, SessionGridAnchorHeight: math.MaxUint64},
		"a huge number":  {NumBlocksPerSession: 20, SessionGridAnchorHeight: 1, SessionNumberAtAnchor: math.MaxUint64},
		"a late claim":   {NumBlocksPerSession: 20, ClaimWindowOpenOffsetBlocks: math.MaxUint64},
		"a late closing": {NumBlocksPerSession: 20, ProofWindowCloseOffsetBlocks: math.MaxUint64},
	} {
		if _, err := protocol.GridOf(params); !errors.Is(err, protocol.ErrParams) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The sessions of a grid cover every height once, in order.
func TestGridIsGapless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grid, err := protocol.GridOf(&protocol.SharedParams{NumBlocksPerSession: rapid.Uint64Range(1, 100).Draw(t, "blocks"),
			SessionGridAnchorHeight: rapid.Uint64Range(0, 1000).Draw(t, "anchor"), SessionNumberAtAnchor: rapid.Uint64Range(0, 50).Draw(t, "number")})
		if err != nil {
			t.Fatal(err)
		}
		height := rapid.Int64Range(1001, 1<<50).Draw(t, "height")
		start, end := grid.Start(height), grid.End(height)
		if start > height || end < height || end-start+1 != grid.Blocks() || grid.Start(end+1) != end+1 || grid.Number(end+1) != grid.Number(height)+1 {
			t.Errorf("height %d is in %d to %d", height, start, end)
		}
		for _, before := range []int64{0, -1, math.MinInt64} {
			if grid.Start(before) != 0 || grid.End(before) != 0 || grid.Number(before) != 0 {
				t.Errorf("height %d is in a session", before)
			}
		}
	})
}

func TestRelayPrice(t *testing.T) {
	for _, test := range []struct {
		units, multiplier, granularity uint64
		inflation                      float64
		want                           uint64
	}{
		{420, 1, 1, 0.1, 462}, // exact: 0.1 is a tenth
		{100, 42_000_000, 1_000_000, 0, 4200},
		{100, 42_000_000, 1_000_000, 0.1, 4620},
		{1, 145_990, 1_000_000, 0, 1},      // rounded up
		{420, 145_990, 1_000_000, 0.1, 68}, // 67.4…
		{7, 1, 1, 0.5, 11},
	} {
		price, err := protocol.RelayPrice(test.units, &protocol.SharedParams{ComputeUnitsToTokensMultiplier: test.multiplier, ComputeUnitCostGranularity: test.granularity},
			&protocol.TokenomicsParams{GlobalInflationPerClaim: test.inflation})
		if err != nil || price != test.want {
			t.Errorf("%+v: %d, %v", test, price, err)
		}
	}
	for _, test := range []struct {
		units, multiplier, granularity uint64
		inflation                      float64
	}{{0, 1, 1, 0}, {1, 1, 0, 0}, {1, 1, 1, -0.1}, {1, 1, 1, math.NaN()}, {1, 1, 1, math.Inf(1)}, {1, 1, 1, math.MaxFloat64}, {math.MaxUint64, math.MaxUint64, 1, 0}} {
		if price, err := protocol.RelayPrice(test.units, &protocol.SharedParams{ComputeUnitsToTokensMultiplier: test.multiplier, ComputeUnitCostGranularity: test.granularity},
			&protocol.TokenomicsParams{GlobalInflationPerClaim: test.inflation}); !errors.Is(err, protocol.ErrParams) {
			t.Errorf("%+v: %d, %v", test, price, err)
		}
	}
}
