package protocol

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
)

// RelayPrice returns what one relay costs its application, in uPOKT and rounded up: the service's compute units times the
// multiplier, and beside it the share that is burnt of an application for inflation. The chain settles the relays of a
// claim together and rounds once, so that n relays cost at most n times as much, as long as the service's relays are all
// claimed; where difficulty has only some of them claimed for the rest, that holds on average. Errors: ErrParams.
func RelayPrice(computeUnits uint64, params *SharedParams, tokenomics *TokenomicsParams) (uint64, error) {
	granularity, inflation := params.GetComputeUnitCostGranularity(), tokenomics.GetGlobalInflationPerClaim()
	share := decimal(inflation)
	switch {
	case granularity == 0:
		return 0, fmt.Errorf("%w: compute_unit_cost_granularity is 0", ErrParams)
	case computeUnits == 0:
		return 0, fmt.Errorf("%w: compute_units_per_relay is 0", ErrParams)
	case share == nil || share.Sign() < 0:
		return 0, fmt.Errorf("%w: global_inflation_per_claim is %v", ErrParams, inflation)
	}
	price := new(big.Rat).SetFrac(
		new(big.Int).Mul(new(big.Int).SetUint64(computeUnits), new(big.Int).SetUint64(params.GetComputeUnitsToTokensMultiplier())),
		new(big.Int).SetUint64(granularity))
	price.Mul(price, share.Add(share, big.NewRat(1, 1)))
	whole, rest := new(big.Int).QuoRem(price.Num(), price.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		whole.Add(whole, big.NewInt(1))
	}
	if !whole.IsUint64() || whole.Uint64() > math.MaxInt64 {
		return 0, fmt.Errorf("%w: a relay costs more than there are tokens", ErrParams)
	}
	return whole.Uint64(), nil
}

// decimal is the number that a float is written as, which is how the chain reads it: 0.1 is a tenth. It is nil for what is
// no number.
func decimal(value float64) *big.Rat {
	if math.IsNaN(value) || math.IsInf(value, 0) || math.Abs(value) > maxInflation {
		return nil
	}
	number, _ := new(big.Rat).SetString(strconv.FormatFloat(value, 'f', -1, 64))
	return number
}

// maxInflation bounds the share that is computed with.
const maxInflation = 1e6
