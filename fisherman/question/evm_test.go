package question_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
)

// evmRequest is a question as an Ethereum node reads it.
type evmRequest struct {
	Version string `json:"jsonrpc"`
	ID      any    `json:"id"`
	Method  string `json:"method"`
	Params  []any  `json:"params"`
}

func parseEVM(t rapid.TB, asked question.Question) evmRequest {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(asked.Payload.JSONRPC))
	decoder.DisallowUnknownFields()
	var parsed evmRequest
	if err := decoder.Decode(&parsed); err != nil || decoder.More() || parsed.Version != "2.0" || parsed.ID == nil {
		t.Fatalf("%s: %v", asked.Payload.JSONRPC, err)
	}
	return parsed
}

var quantity = regexp.MustCompile(`^0x(0|[1-9a-f][0-9a-f]*)$`)

func heightOf(t rapid.TB, param any) int64 {
	t.Helper()
	text, is := param.(string)
	if !is || !quantity.MatchString(text) {
		t.Fatalf("%v is no quantity", param)
	}
	height, err := strconv.ParseInt(text[2:], 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return height
}

// evmMethods are the methods, and the place of the height among their parameters.
var evmMethods = map[string]int{
	"eth_getBlockByNumber": 0, "eth_getBlockTransactionCountByNumber": 0, "eth_getBlockReceipts": 0, "eth_getLogs": -1,
	"eth_getBalance": 1, "eth_getTransactionCount": 1, "eth_getCode": 1, "eth_getStorageAt": 2, "eth_call": 1,
}

func TestEveryEVMQuestion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		depth := rapid.SampledFrom([]int64{0, 2, question.EVMFinality}).Draw(t, "depth")
		head := depth + rapid.OneOf(rapid.Int64Range(1, 1<<40), rapid.Int64Range(1, 40)).Draw(t, "above")
		key := rapid.Uint64().Draw(t, "seed")
		asked, err := draw(question.EVM(depth), key, head, nil)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := draw(question.EVM(depth), key, head, nil); err != nil || !reflect.DeepEqual(again, asked) {
			t.Fatalf("same seed: %s, then %s", asked.Payload.JSONRPC, again.Payload.JSONRPC)
		}
		parsed := parseEVM(t, asked)
		place, known := evmMethods[parsed.Method]
		if !known || !strings.HasPrefix(asked.Label, parsed.Method+" ") {
			t.Fatalf("%q: %s", asked.Label, asked.Payload.JSONRPC)
		}
		highest, lowest := head-depth, int64(1)
		if place > 0 {
			lowest = max(1, highest-31)
		}
		height := int64(0)
		if place < 0 {
			filter := parsed.Params[0].(map[string]any)
			from := heightOf(t, filter["fromBlock"])
			height = heightOf(t, filter["toBlock"])
			if len(filter) != 2 || from < 1 || from > height || height-from > 4 {
				t.Fatalf("range of %s", asked.Payload.JSONRPC)
			}
		} else {
			height = heightOf(t, parsed.Params[place])
		}
		if height < lowest || height > highest {
			t.Fatalf("%s at head %d, depth %d", asked.Label, head, depth)
		}
		for _, tag := range []string{"latest", "pending", "safe", "finalized", "earliest"} {
			if strings.Contains(string(asked.Payload.JSONRPC), tag) {
				t.Fatalf("%s names the tag %s", asked.Payload, tag)
			}
		}
	})
}

func TestEVMQuestionsSpread(t *testing.T) {
	const draws = 8000
	methods, accounts, full := make(map[string]int), make(map[string]int), make(map[any]int)
	address := regexp.MustCompile(`^0x[0-9a-f]{40}$`)
	for n := range uint64(draws) {
		asked, err := draw(question.EVM(2), n, 1_000_000, nil)
		if err != nil {
			t.Fatal(err)
		}
		parsed := parseEVM(t, asked)
		methods[parsed.Method]++
		switch {
		case parsed.Method == "eth_getBlockByNumber":
			full[parsed.Params[1]]++
		case parsed.Method == "eth_call":
		case evmMethods[parsed.Method] > 0:
			account := parsed.Params[0].(string)
			if !address.MatchString(account) {
				t.Fatalf("%s", asked.Payload.JSONRPC)
			}
			accounts[account]++
		}
	}
	weights := map[string]int{"eth_getBlockTransactionCountByNumber": 1, "eth_getBalance": 3, "eth_getTransactionCount": 1, "eth_getCode": 1,
		"eth_getStorageAt": 1, "eth_call": 13, "eth_getBlockByNumber": 1, "eth_getBlockReceipts": 4, "eth_getLogs": 3}
	for method, count := range methods {
		if want := draws * weights[method] / 28; count < want*8/10 || count > want*12/10 {
			t.Errorf("%s %d times in %d", method, count, draws)
		}
	}
	if len(methods) != len(evmMethods) || full[true] < draws/28/3 || full[false] < draws/28/3 || len(accounts) < draws/28 {
		t.Errorf("full blocks %v, %d accounts", full, len(accounts))
	}
}

// The values are a part of the whole, without what makes of nodes answer by objects of their own.
func TestEVMValues(t *testing.T) {
	methods := make(map[string]bool)
	for n := range uint64(1000) {
		asked, err := draw(question.EVMValues(2), n, 1_000_000, nil)
		if err != nil {
			t.Fatal(err)
		}
		methods[parseEVM(t, asked).Method] = true
	}
	for method := range evmMethods {
		object := method == "eth_getBlockByNumber" || method == "eth_getBlockReceipts" || method == "eth_getLogs"
		if methods[method] == object {
			t.Errorf("%s is asked: %t", method, methods[method])
		}
	}
	if len(methods) != len(evmMethods)-3 {
		t.Errorf("%v", methods)
	}
}

func TestEVMHasNothingToAskBeforeSomethingIsSettled(t *testing.T) {
	for head := int64(-1); head <= question.EVMFinality; head++ {
		if asked, err := draw(question.EVM(question.EVMFinality), 1, head, nil); err == nil {
			t.Errorf("%s at head %d", asked.Payload, head)
		}
	}
}

func TestEVMHeadIsRead(t *testing.T) {
	head := question.EVM(2).Head
	var parsed evmRequest
	if err := json.Unmarshal(head.Payload().JSONRPC, &parsed); err != nil || parsed.Method != "eth_blockNumber" {
		t.Fatalf("%s: %v", head.Payload().JSONRPC, err)
	}
	for answer, want := range map[string]int64{
		`{"jsonrpc":"2.0","id":1,"result":"0x0"}`:                 0,
		`{"jsonrpc":"2.0","id":1,"result":"0x1b4"}`:               436,
		`{"jsonrpc":"2.0","id":1,"result":"0x1000000000001"}`:     -1,
		`{"jsonrpc":"2.0","id":1,"result":"0xffffffffffffffff1"}`: -1,
		`{"jsonrpc":"2.0","id":1,"result":"436"}`:                 -1,
		`{"jsonrpc":"2.0","id":1,"result":"0x"}`:                  -1,
		`{"jsonrpc":"2.0","id":1,"result":"0x-1"}`:                -1,
		`{"jsonrpc":"2.0","id":1,"result":436}`:                   -1,
		`{"jsonrpc":"2.0","id":1,"result":null}`:                  -1,
		`{"jsonrpc":"2.0","id":1,"error":{"code":-1}}`:            -1,
		`<html>`: -1,
		``:       -1,
	} {
		got, err := head.Read([]byte(answer))
		if want < 0 && err == nil || want >= 0 && (err != nil || got != want) {
			t.Errorf("%s: %d, %v", answer, got, err)
		}
	}
}

func FuzzEVMHead(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"result":"0x1b4"}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		height, err := question.EVM(2).Head.Read(answer)
		if err == nil && (height < 0 || height > 1<<48) {
			t.Errorf("%s: %d", answer, height)
		}
	})
}

func TestEVMQuestionsAreGolden(t *testing.T) {
	var got strings.Builder
	for _, head := range []int64{65, 70, 1000, 1 << 40} {
		for n := range uint64(12) {
			asked, err := draw(question.EVM(question.EVMFinality), n, head, nil)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&got, "head %d seed %d\t%s\t%s\n", head, n, asked.Label, asked.Payload.JSONRPC)
		}
	}
	golden(t, "evm.golden", got.String())
}
