package question_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Answers of nodes, as they write them.
const (
	rpcNotFound  = `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"the method does not exist"}}`
	chainOne     = `{"jsonrpc":"2.0","id":1,"result":"0x1"}`
	gethVersion  = `{"jsonrpc":"2.0","id":1,"result":"Geth/v1.17.8-stable/linux-amd64/go1.26"}`
	blockNumber  = `{"jsonrpc":"2.0","id":1,"result":"0x10"}`
	cometStatus  = `{"jsonrpc":"2.0","id":1,"result":{"node_info":{"network":"cosmoshub-4","version":"0.38.17","moniker":"m"},"sync_info":{"latest_block_height":"77","catching_up":true}}}`
	cosmosInfo   = `{"default_node_info":{"network":"osmosis-1","version":"0.38.17"},"application_version":{"name":"osmosis","app_name":"osmosisd","version":"28.0.1"}}`
	cosmosLatest = `{"block_id":{},"block":{"header":{"height":"99"}}}`
	genesis      = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
	solGenesis   = `{"jsonrpc":"2.0","result":"` + genesis + `","id":"1"}`
	solVersion   = `{"jsonrpc":"2.0","result":{"feature-set":1,"solana-core":"2.2.7"},"id":"1"}`
	solSlot      = `{"jsonrpc":"2.0","result":1234,"id":"1"}`
	htmlPage     = "<html><body>Cannot POST /v2/SECRET</body></html>"
)

// target is a node that answers what it is asked, by method or path.
type target map[string]question.Reply

func ok(body string) question.Reply { return question.Reply{Status: 200, Body: []byte(body)} }

func status(code uint32, body string) question.Reply {
	return question.Reply{Status: code, Body: []byte(body)}
}

// answer finds the answer to a payload; otherwise is that to any other JSON-RPC method, or path.
func (n target) answer(payload types.Payload) question.Reply {
	text, fallback := string(payload.JSONRPC), "*rpc"
	if payload.REST != nil {
		text, fallback = payload.REST.GetPath(), "*rest"
	}
	for what, reply := range n {
		if strings.Contains(text, what) {
			return reply
		}
	}
	return n[fallback]
}

func evmNode() target {
	return target{"eth_chainId": ok(chainOne), "web3_clientVersion": ok(gethVersion), "eth_blockNumber": ok(blockNumber), "*rpc": ok(rpcNotFound), "*rest": status(405, "")}
}

func cometNode() target {
	return target{`"status"`: ok(cometStatus), "*rpc": ok(rpcNotFound), "*rest": status(404, "404 page not found")}
}

func cosmosNode() target {
	missing := status(501, `{"code":12,"message":"Not Implemented","details":[]}`)
	return target{"node_info": ok(cosmosInfo), "blocks/latest": ok(cosmosLatest), "*rpc": missing, "*rest": missing}
}

func solanaNode() target {
	return target{"getGenesisHash": ok(solGenesis), "getVersion": ok(solVersion), "getSlot": ok(solSlot), "*rpc": ok(rpcNotFound), "*rest": status(405, "Used HTTP Method is not allowed.")}
}

// with is a node some of whose answers are others.
func (n target) with(what string, reply question.Reply) target {
	n[what] = reply
	return n
}

// searched asks a node all that a search wants to ask; requests is how much that was.
func searched(search *question.Search, node target) (who question.Identity, requests int, err error) {
	for payload, more := search.Next(); more; payload, more = search.Next() {
		requests++
		search.Take(node.answer(payload))
	}
	who, err = search.Result()
	return who, requests, err
}

func TestNodesAreIdentified(t *testing.T) {
	const auto, evm, comet, cosmos, solana = question.ChainUnknown, question.ChainEVM, question.ChainCometBFT, question.ChainCosmos, question.ChainSolana
	anEVM := question.Identity{Kind: evm, Chain: "1", Client: "Geth/v1.17.8-stable/linux-amd64/go1.26", Head: 16}
	aComet := question.Identity{Kind: comet, Chain: "cosmoshub-4", Client: "0.38.17", Head: 77, CatchingUp: true}
	aCosmos := question.Identity{Kind: cosmos, Chain: "osmosis-1", Client: "osmosisd 28.0.1", Head: 99}
	aSolana := question.Identity{Kind: solana, Chain: genesis, Client: "solana-core 2.2.7", Head: 1234}
	for name, test := range map[string]struct {
		kind     question.ChainKind
		node     target
		want     question.Identity
		requests int
	}{
		"evm":            {evm, evmNode(), anEVM, 3},
		"evm, found":     {auto, evmNode(), anEVM, 3},
		"comet":          {comet, cometNode(), aComet, 1},
		"comet, found":   {auto, cometNode(), aComet, 2},
		"cosmos":         {cosmos, cosmosNode(), aCosmos, 2},
		"cosmos, found":  {auto, cosmosNode(), aCosmos, 3},
		"solana":         {solana, solanaNode(), aSolana, 3},
		"solana, found":  {auto, solanaNode(), aSolana, 5},
		"a large id":     {auto, evmNode().with("eth_chainId", ok(strings.Replace(chainOne, "0x1", "0xffffffffffffffff", 1))), question.Identity{Kind: evm, Chain: "18446744073709551615", Client: anEVM.Client, Head: 16}, 3},
		"leading zeros":  {auto, evmNode().with("eth_chainId", ok(strings.Replace(chainOne, "0x1", "0x01", 1))), anEVM, 3},
		"no version":     {auto, evmNode().with("web3_clientVersion", ok(rpcNotFound)), question.Identity{Kind: evm, Chain: "1", Head: 16}, 3},
		"no head":        {auto, evmNode().with("eth_blockNumber", status(500, "")), question.Identity{Kind: evm, Chain: "1", Client: anEVM.Client}, 3},
		"comet, by 404":  {auto, cometNode().with("*rpc", status(404, rpcNotFound)), aComet, 2},
		"comet, by HTML": {auto, cometNode().with("*rpc", status(200, htmlPage)), aComet, 4},
		"cosmos, 405":    {auto, cosmosNode().with("*rpc", status(405, "Method Not Allowed")), aCosmos, 3},
		"cosmos, 403":    {auto, cosmosNode().with("*rpc", status(403, "")), aCosmos, 3},
		"old cosmos":     {cosmos, cosmosNode().with("node_info", ok(strings.Replace(cosmosInfo, "app_name", "other", 1))), question.Identity{Kind: cosmos, Chain: "osmosis-1", Client: "osmosis 28.0.1", Head: 99}, 2},
		"a screen": {evm, evmNode().with("web3_clientVersion", ok(`{"id":1,"result":"\u001b[2J`+strings.Repeat("x", 200)+`"}`)),
			question.Identity{Kind: evm, Chain: "1", Client: "?[2J" + strings.Repeat("x", 57) + "…", Head: 16}, 3},
	} {
		who, requests, err := searched(question.NewSearch(test.kind), test.node)
		if err != nil || who != test.want || requests != test.requests {
			t.Errorf("%s: %+v in %d requests, %v; want %+v in %d", name, who, requests, err, test.want, test.requests)
		}
	}
}

func TestWhoIsNotANode(t *testing.T) {
	rpcError := func(code int) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"error":{"code":%d,"message":"SECRET"}}`, code)
	}
	for name, test := range map[string]struct {
		kind     question.ChainKind
		node     target
		want     error
		requests int
	}{
		"a page":                {question.ChainUnknown, target{"*rpc": ok(htmlPage), "*rest": ok(htmlPage)}, question.ErrNotNode, 4},
		"a page, as evm":        {question.ChainEVM, target{"*rpc": ok(htmlPage)}, question.ErrNotNode, 1},
		"a missing page":        {question.ChainUnknown, target{"*rpc": status(404, "SECRET"), "*rest": status(404, "")}, question.ErrNotNode, 4},
		"other JSON":            {question.ChainUnknown, target{"*rpc": ok(`{"hello":"SECRET"}`), "*rest": ok(`[]`)}, question.ErrNotNode, 4},
		"a result of no RPC":    {question.ChainEVM, target{"*rpc": ok(`{"result":"0x1"}`)}, question.ErrNotNode, 1},
		"another RPC":           {question.ChainUnknown, target{"*rpc": ok(rpcNotFound), "*rest": status(405, "")}, question.ErrNotNode, 4},
		"nothing":               {question.ChainUnknown, target{}, question.ErrNotNode, 4},
		"no chain id":           {question.ChainEVM, target{"*rpc": ok(`{"id":1,"result":"one"}`)}, question.ErrNotNode, 1},
		"a chain id of 65 bits": {question.ChainEVM, target{"*rpc": ok(`{"id":1,"result":"0x1ffffffffffffffff"}`)}, question.ErrNotNode, 1},
		"a null":                {question.ChainEVM, target{"*rpc": ok(`{"id":1,"result":null}`)}, question.ErrNotNode, 1},
		"solana, as evm":        {question.ChainEVM, solanaNode(), question.ErrNotNode, 1},
		"evm, as solana":        {question.ChainSolana, evmNode(), question.ErrNotNode, 1},
		"evm, as cosmos":        {question.ChainCosmos, evmNode(), question.ErrNotNode, 1},
		"evm, as comet":         {question.ChainCometBFT, evmNode(), question.ErrNotNode, 1},
		"a network of noise":    {question.ChainCometBFT, target{"*rpc": ok(strings.Replace(cometStatus, "cosmoshub-4", `a\u001b[2Jb`, 1))}, question.ErrNotNode, 1},
		"a long network":        {question.ChainCosmos, target{"*rest": ok(strings.Replace(cosmosInfo, "osmosis-1", strings.Repeat("x", 65), 1))}, question.ErrNotNode, 1},
		"a genesis of noise":    {question.ChainSolana, target{"*rpc": ok(strings.Replace(solGenesis, "5eykt", "0OIl ", 1))}, question.ErrNotNode, 1},
		"a refusal":             {question.ChainUnknown, target{"*rpc": status(401, rpcError(-32600)), "*rest": status(401, "")}, question.ErrUnable, 4},
		"a gateway's error":     {question.ChainEVM, target{"*rpc": status(502, htmlPage)}, question.ErrUnable, 1},
		"an internal error":     {question.ChainEVM, target{"*rpc": ok(rpcError(-32603))}, question.ErrUnable, 1},
		"a refused method":      {question.ChainEVM, target{"*rpc": status(403, rpcNotFound)}, question.ErrUnable, 1},
		"a node behind":         {question.ChainSolana, target{"*rpc": ok(rpcError(-32005))}, question.ErrUnable, 1},
		"429":                   {question.ChainUnknown, target{"*rpc": status(429, htmlPage)}, question.ErrThrottled, 1},
		"429 by code":           {question.ChainUnknown, target{"*rpc": ok(rpcError(429))}, question.ErrThrottled, 1},
		"a limit":               {question.ChainEVM, target{"*rpc": status(200, rpcError(-32005))}, question.ErrThrottled, 1},
		"429 by REST":           {question.ChainCosmos, target{"*rest": status(429, "")}, question.ErrThrottled, 1},
		"a code as text":        {question.ChainEVM, target{"*rpc": ok(`{"id":1,"error":{"code":"-32005"}}`)}, question.ErrThrottled, 1},
	} {
		who, requests, err := searched(question.NewSearch(test.kind), test.node)
		if !errors.Is(err, test.want) || who != (question.Identity{}) || requests != test.requests {
			t.Errorf("%s: %+v in %d requests, %v", name, who, requests, err)
		}
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: what the target answered is repeated: %v", name, err)
		}
	}
}

// One who is throttled half-way is known all the same, and not asked further.
func TestThrottledHalfWay(t *testing.T) {
	who, requests, err := searched(question.NewSearch(question.ChainUnknown), evmNode().with("web3_clientVersion", status(429, "")))
	if who != (question.Identity{Kind: question.ChainEVM, Chain: "1"}) || requests != 2 || !errors.Is(err, question.ErrThrottled) {
		t.Errorf("%+v in %d requests, %v", who, requests, err)
	}
}

// A custom chain is asked for its newest height only, if it has a question for it.
func TestCustomIdentity(t *testing.T) {
	head := func(template question.Template) *question.Head {
		made, err := question.CustomHead(template, "/result/height")
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	rpc, rest := head(question.Template{Method: "getinfo"}), head(question.Template{Path: "/info"})
	const info = `{"id":1,"result":{"height":"0x11"}}`
	for name, test := range map[string]struct {
		head     *question.Head
		node     target
		height   int64
		want     error
		requests int
	}{
		"RPC":               {rpc, target{"*rpc": ok(info)}, 17, nil, 1},
		"REST":              {rest, target{"*rest": ok(info)}, 17, nil, 1},
		"none":              {nil, target{}, 0, nil, 0},
		"page":              {rest, target{"*rest": ok(htmlPage)}, 0, question.ErrNotNode, 1},
		"no height":         {rest, target{"*rest": ok("{}")}, 0, question.ErrNotNode, 1},
		"throttled":         {rest, target{"*rest": status(429, "")}, 0, question.ErrThrottled, 1},
		"out of order":      {rpc, target{"*rpc": status(503, "")}, 0, question.ErrUnable, 1},
		"unknown to a node": {rpc, target{"*rpc": ok(rpcNotFound)}, 0, question.ErrNotNode, 1},
	} {
		who, requests, err := searched(question.NewHeadSearch(test.head), test.node)
		if who.Head != test.height || !errors.Is(err, test.want) || requests != test.requests || err == nil && who.Kind != question.ChainCustom {
			t.Errorf("%s: %+v in %d requests, %v", name, who, requests, err)
		}
	}
}

func TestChainKinds(t *testing.T) {
	for _, kind := range append(question.ChainKinds(), question.ChainUnknown) {
		if got, err := question.ParseChainKind(kind.String()); err != nil || got != kind {
			t.Errorf("%v: %v, %v", kind, got, err)
		}
		if inquiry := question.Inquiries(kind); len(inquiry.Payloads) > 3 || inquiry.Kind != kind {
			t.Errorf("%v: %d payloads of %v", kind, len(inquiry.Payloads), inquiry.Kind)
		}
	}
	if got, err := question.ParseChainKind(""); err != nil || got != question.ChainUnknown {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := question.ParseChainKind("EVM\x1b[2J"); err == nil || strings.Contains(err.Error(), "\x1b") || !strings.Contains(err.Error(), "evm, cometbft, cosmos, solana, custom, auto") {
		t.Errorf("%v", err)
	}
}

// What a code means depends on the kind: Solana's nodes say that they are behind with that of a limit elsewhere.
func TestThrottles(t *testing.T) {
	for code, want := range map[int64][2]bool{429: {true, true}, -32005: {true, false}, -32029: {true, true}, -32429: {true, true}, -32605: {true, true},
		-32007: {}, -32601: {}, -32603: {}, -32000: {}, 0: {}, 3: {}, 503: {}} {
		if got := [2]bool{question.ChainEVM.Throttles(code), question.ChainSolana.Throttles(code)}; got != want {
			t.Errorf("%d: %v", code, got)
		}
	}
}

// Whatever a target answers, an identity is printable and bounded, and an error one that can be told apart.
func FuzzIdentity(f *testing.F) {
	for _, body := range []string{chainOne, gethVersion, blockNumber, cometStatus, cosmosInfo, cosmosLatest, solGenesis, solVersion, solSlot, htmlPage, rpcNotFound, ""} {
		for _, other := range []string{body, gethVersion, solVersion} {
			f.Add(uint32(200), []byte(body), uint32(200), []byte(other))
		}
		f.Add(uint32(429), []byte(body), uint32(500), []byte(body))
	}
	f.Fuzz(func(t *testing.T, firstStatus uint32, first []byte, thenStatus uint32, then []byte) {
		later := question.Reply{Status: thenStatus, Body: then}
		for _, kind := range append(question.ChainKinds(), question.ChainUnknown) {
			search := question.NewSearch(kind)
			requests := 0
			for _, more := search.Next(); more; _, more = search.Next() {
				if requests++; requests > 6 {
					t.Fatalf("%v: more than %d requests", kind, requests)
				}
				if requests == 1 {
					search.Take(question.Reply{Status: firstStatus, Body: first})
				} else {
					search.Take(later)
				}
			}
			who, err := search.Result()
			if err != nil && !errors.Is(err, question.ErrNotNode) && !errors.Is(err, question.ErrUnable) && !errors.Is(err, question.ErrThrottled) {
				t.Fatalf("%v: %v", kind, err)
			}
			if err == nil && kind != question.ChainCustom && who.Chain == "" || who.Head < 0 || len(who.Chain) > 64 || len(who.Client) > 64 ||
				strings.ContainsFunc(who.Chain+who.Client, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("%v: %q, %q, %v", kind, who.Chain, who.Client, err)
			}
			if err != nil && strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("%v: %q", kind, err)
			}
		}
	})
}
