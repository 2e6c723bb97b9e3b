package question

import (
	"math/rand/v2"
	"strconv"
)

// CometBFT is the catalogue for chains served by CometBFT's JSON-RPC
// (https://docs.cometbft.com, "RPC"). Heights are strings there. Methods whose answers name the newest block, such as
// "blockchain", are left out: honest nodes would differ.
func CometBFT() Catalogue {
	return Catalogue{
		// Servicers whose nodes are a block or two behind can still answer.
		Depth: 2,
		Kinds: []Kind{
			{Method: "block", Params: atHeight, AtHead: true},
			{Method: "header", Params: atHeight, AtHead: true},
			{Method: "validators", Params: pageAtHeight, AtHead: true},
			{Method: "block_results", Params: atHeight},
			// The commit of the newest block is not final: it changes until the next block carries it.
			{Method: "commit", Params: atHeight},
			{Method: "consensus_params", Params: atHeight},
		},
	}
}

func atHeight(_ *rand.Rand, height int64) []Param {
	return []Param{{"height", decimal(height)}}
}

func pageAtHeight(source *rand.Rand, height int64) []Param {
	return []Param{{"height", decimal(height)}, {"page", "1"}, {"per_page", decimal(1 + source.Int64N(100))}}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
