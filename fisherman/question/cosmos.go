package question

import (
	"math/rand/v2"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// heightHeader asks the Cosmos SDK's REST gateway about the state at a height.
const heightHeader = "X-Cosmos-Block-Height"

// recentCosmos is how many settled heights are asked about state. Nodes prune; the SDK's own settings keep 362880
// states or, with "everything", 2, but public nodes commonly keep 100.
const recentCosmos = 32

// cosmosUnknown is the HTTP status of errors without a code of their own, as of a state that the node does not have.
const cosmosUnknown = 500

// Cosmos is the catalogue for chains served by the REST gateway of the Cosmos SDK (https://docs.cosmos.network, "gRPC,
// REST and CometBFT endpoints"). Left out is what a node says of itself (node_info, syncing), what modules only some
// chains have, and what hardly ever changes (parameters).
func Cosmos() Catalogue {
	return Catalogue{
		Name:    NameCosmos,
		Depth:   cometbftDepth,
		Styles:  restStyles(),
		Head:    &Head{Call: Get("/cosmos/base/tendermint/v1beta1/blocks/latest"), Read: cosmosHeight},
		MaxLag:  cometbftMaxLag,
		Denials: []int64{cosmosUnknown},
		Kinds: []Kind{
			{Call: cosmosBlock, AtHead: true, Tip: true, Unique: true},
			{Call: cosmosValidators, Variants: mostPerPage, AtHead: true},
			{Call: stateAt("/cosmos/staking/v1beta1/pool"), Recent: recentCosmos},
			{Call: pageOfState("/cosmos/bank/v1beta1/supply"), Variants: 20, Recent: recentCosmos},
			{Call: pageOfState("/cosmos/staking/v1beta1/validators"), Variants: 20, Recent: recentCosmos},
		},
	}
}

func cosmosHeight(answer []byte) (int64, error) { return heightAt(answer, "/block/header/height") }

func cosmosBlock(_ *rand.Rand, height, _ int64) (Call, bool) {
	return Get("/cosmos/base/tendermint/v1beta1/blocks/" + decimal(height)), true
}

func cosmosValidators(_ *rand.Rand, height, variant int64) (Call, bool) {
	return Get(limited("/cosmos/base/tendermint/v1beta1/validatorsets/"+decimal(height), variant)), true
}

func stateAt(path string) func(*rand.Rand, int64, int64) (Call, bool) {
	return func(_ *rand.Rand, height, _ int64) (Call, bool) { return Get(path, atState(height)), true }
}

func pageOfState(path string) func(*rand.Rand, int64, int64) (Call, bool) {
	return func(_ *rand.Rand, height, variant int64) (Call, bool) {
		return Get(limited(path, variant), atState(height)), true
	}
}

func limited(path string, variant int64) string {
	return path + "?pagination.limit=" + decimal(1+variant)
}

func atState(height int64) *types.HTTPHeader {
	return &types.HTTPHeader{Name: heightHeader, Value: decimal(height)}
}
