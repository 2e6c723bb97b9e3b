package question

import (
	"fmt"
	"math/rand/v2"
)

const (
	// cometbftDepth leaves servicers whose nodes are a block or two behind the time to know the block. A chain of
	// CometBFT finalises each block at once.
	cometbftDepth = 2
	// cometbftMaxLag is some seconds to half a minute of most chains.
	cometbftMaxLag = 5
	// cometbftInternal is the code of nearly all errors, as of a height that the node does not have; asked by URI, it comes
	// with HTTP status 500.
	cometbftInternal, cometbftInternalURI = -32603, 500
	// mostPerPage is the longest page of CometBFT's validators, and of the Cosmos SDK's.
	mostPerPage = 100
)

// CometBFT is the catalogue for chains served by CometBFT's JSON-RPC (https://docs.cometbft.com, "RPC"). Heights are
// strings there. Methods whose answers depend on the newest block are left out, because honest nodes would differ:
// "blockchain" names the last height, and "tx_search" and "block_search" depend on what a node indexes.
func CometBFT() Catalogue {
	return cometbft(NameCometBFT, cometbftStyles(), Named, cometbftInternal)
}

// CometBFTURI is the same catalogue for nodes that are asked by GET, as in /block?height=5 (CometBFT's "URI over HTTP").
func CometBFTURI() Catalogue {
	return cometbft(NameCometBFTURI, restStyles(), byURI, cometbftInternalURI)
}

func cometbft(name string, styles []Style, call func(method string, params ...Param) Call, denial int64) Catalogue {
	return Catalogue{
		Name:    name,
		Depth:   cometbftDepth,
		Styles:  styles,
		Kinds:   cometbftKinds(call),
		Head:    &Head{Call: call("status"), Read: cometbftHeight},
		MaxLag:  cometbftMaxLag,
		Denials: []int64{denial},
	}
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
	// A node that keeps headers and blocks only can answer block, header and commit. The others need state or execution.
	return []Kind{
		{Call: at("block"), AtHead: true, Tip: true, Unique: true},
		{Call: at("header"), AtHead: true, Tip: true, Unique: true},
		{Call: page, Variants: mostPerPage, AtHead: true, Weight: 2},
		{Call: at("block_results"), Weight: 5},
		// The commit of the newest block is not final: it changes until the next block carries it.
		{Call: at("commit"), Unique: true},
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
