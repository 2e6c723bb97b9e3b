package question

import (
	"fmt"
	"math/rand/v2"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// cometbftDepth leaves servicers whose nodes are a block or two behind the time to know the block. A chain of
	// CometBFT finalises each block at once.
	cometbftDepth = 2
	// mostPerPage is the longest page of CometBFT's validators, and of the Cosmos SDK's.
	mostPerPage = 100
)

// CometBFT is the catalogue for chains served by CometBFT's JSON-RPC (https://docs.cometbft.com, "RPC"). Heights are
// strings there. Methods whose answers depend on the newest block are left out, because honest nodes would differ:
// "blockchain" names the last height, and "tx_search" and "block_search" depend on what a node indexes.
func CometBFT() Catalogue {
	return Catalogue{Depth: cometbftDepth, Styles: cometbftStyles(), Kinds: cometbftKinds(Named)}
}

// CometBFTHead is how the head of a chain is learnt from CometBFT's JSON-RPC.
func CometBFTHead() *Head {
	return &Head{
		Payload: types.Payload{JSONRPC: []byte(`{"jsonrpc":"2.0","id":0,"method":"status","params":{}}`)},
		Read:    cometbftHeight,
	}
}

// CometBFTURI is the same catalogue for nodes that are asked by GET, as in /block?height=5 (CometBFT's "URI over HTTP").
func CometBFTURI() Catalogue {
	return Catalogue{Depth: cometbftDepth, Styles: restStyles(), Kinds: cometbftKinds(byURI)}
}

// CometBFTURIHead is how the head of a chain is learnt from CometBFT by GET.
func CometBFTURIHead() *Head {
	return &Head{Payload: types.Payload{REST: &types.RESTPayload{Method: "GET", Path: "/status"}}, Read: cometbftHeight}
}

func cometbftHeight(answer []byte) (int64, error) {
	return heightAt(answer, "/result/sync_info/latest_block_height")
}

func cometbftKinds(call func(method string, params ...Param) Call) []Kind {
	at := func(method string) func(*rand.Rand, int64, int64) (Call, bool) {
		return func(_ *rand.Rand, height, _ int64) (Call, bool) {
			return call(method, Param{"height", decimal(height)}), true
		}
	}
	page := func(_ *rand.Rand, height, variant int64) (Call, bool) {
		return call("validators", Param{"height", decimal(height)}, Param{"page", "1"}, Param{"per_page", decimal(1 + variant)}), true
	}
	return []Kind{
		{Call: at("block"), AtHead: true},
		{Call: at("header"), AtHead: true},
		{Call: page, Variants: mostPerPage, AtHead: true},
		{Call: at("block_results")},
		// The commit of the newest block is not final: it changes until the next block carries it.
		{Call: at("commit")},
		{Call: at("consensus_params")},
	}
}

// byURI writes parameters of digits as a query.
func byURI(method string, params ...Param) Call {
	path, sign := "/"+method, "?"
	for _, param := range params {
		path += fmt.Sprintf("%s%s=%v", sign, param.Name, param.Value)
		sign = "&"
	}
	return Get(path)
}
