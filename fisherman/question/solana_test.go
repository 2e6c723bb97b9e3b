package question_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/fisherman/verify"
)

// ledger is a fake of a Solana node: a chain up to a slot, some of whose slots were skipped, of which it keeps the last.
type ledger struct {
	head, keeps int64
	// longTerm: what it does not keep, it looks up in a storage that answers by a code of its own.
	longTerm bool
}

func isSkipped(slot int64) bool { return slot%7 == 3 || slot%31 == 5 }

func (l ledger) answer(t testing.TB, request []byte) []byte {
	t.Helper()
	var asked struct {
		ID     json.RawMessage
		Method string
		Params []json.RawMessage
	}
	if err := json.Unmarshal(request, &asked); err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	var slots []int64
	for _, param := range asked.Params {
		if slot, err := strconv.ParseInt(string(param), 10, 64); err == nil {
			slots = append(slots, slot)
		}
	}
	result, code := any(nil), 0
	switch asked.Method {
	case "getSlot":
		result = l.head
	case "getBlocks":
		list := []int64{}
		for slot := max(slots[0], l.lowest()); slot <= min(slots[1], l.head); slot++ {
			if !isSkipped(slot) {
				list = append(list, slot)
			}
		}
		result = list
	case "getBlock", "getBlockTime":
		result, code = l.block(asked.Method, slots[0])
	default:
		code = -32601
	}
	answer := map[string]any{"jsonrpc": "2.0", "id": asked.ID, "result": result}
	if code != 0 {
		answer = map[string]any{"jsonrpc": "2.0", "id": asked.ID, "error": map[string]any{"code": code, "message": "no"}}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (l ledger) lowest() int64 { return l.head - l.keeps + 1 }

func (l ledger) block(method string, slot int64) (any, int) {
	switch {
	case slot > l.head:
		return nil, -32004
	case slot < l.lowest() && !l.longTerm:
		return nil, -32001
	case isSkipped(slot) && slot < l.lowest():
		return nil, -32009
	case isSkipped(slot):
		return nil, -32007
	case method == "getBlockTime":
		return 1_700_000_000 + slot*2/5, 0
	}
	parent := slot - 1
	for isSkipped(parent) {
		parent--
	}
	return map[string]any{"blockhash": fmt.Sprint("hash of ", slot), "previousBlockhash": fmt.Sprint("hash of ", parent), "parentSlot": parent,
		"blockTime": 1_700_000_000 + slot*2/5, "blockHeight": slot - slot/6}, 0
}

// asSolana reads what a node answers to a question as a judge does.
func asSolana(t testing.TB, asked question.Question, node ledger) verify.Reading {
	t.Helper()
	answer := node.answer(t, asked.Payload.JSONRPC)
	return verify.ReadAnswer(asked.Payload, 200, answer, asked.Form).Admitted(asked.Errors).Admitted(asked.Denials)
}

// Nodes that are as far behind as they may be, and that keep as much as a test validator, answer alike: with data, or that
// the slot was skipped.
func TestSolanaNodesAgree(t *testing.T) {
	catalogue := question.Solana()
	count := make(map[string]int)
	for n := range uint64(3000) {
		head := int64(20_000 + 137*n)
		asked, err := draw(catalogue, n, head, nil)
		if err != nil {
			t.Fatal(err)
		}
		first := asSolana(t, asked, ledger{head: head, keeps: 10_000})
		method, _, _ := strings.Cut(asked.Label, " ")
		switch {
		case first.Data():
			count[method]++
		case first.Class == verify.Claim && first.Code == -32007 && len(asked.Errors) > 0:
			count["skipped"]++
		default:
			t.Fatalf("%s: class %v, %v", asked.Label, first.Class, first.Err)
		}
		for _, other := range []ledger{{head: head - catalogue.MaxLag, keeps: 10_000}, {head: head + 50, keeps: head}} {
			if got := asSolana(t, asked, other); got.Digest != first.Digest {
				t.Fatalf("%s: a node at slot %d of %d answers otherwise: %v", asked.Label, other.head, head, got.Err)
			}
		}
	}
	if count["getBlock"] < 1000 || count["getBlocks"] < 700 || count["getBlockTime"] < 150 || count["skipped"] < 150 {
		t.Errorf("%v", count)
	}
}

// A node that has forgotten a block, or does not have it yet, says that there is none, and never that it was skipped.
func TestSolanaNodesWithoutABlock(t *testing.T) {
	for n := range uint64(500) {
		asked, err := draw(question.Solana(), n, 20_000, nil)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(asked.Label, "getBlocks") {
			continue
		}
		forgotten := asSolana(t, asked, ledger{head: 20_000, keeps: 10})
		behind := asSolana(t, asked, ledger{head: 10_000, keeps: 10_000})
		if forgotten.Class != verify.Absence || behind.Class != verify.Claim || behind.Code != -32004 {
			t.Fatalf("%s: forgotten %v, behind %v %d", asked.Label, forgotten.Class, behind.Class, behind.Code)
		}
		for _, code := range []int64{forgotten.Code, behind.Code} {
			if code == -32007 || code == -32009 {
				t.Fatalf("%s: code %d", asked.Label, code)
			}
		}
	}
}

func TestSolanaQuestionsAreGolden(t *testing.T) {
	var got strings.Builder
	for _, head := range []int64{1, 200, 201, 700, 20_000, 1 << 40} {
		for n := range uint64(8) {
			asked, err := draw(question.Solana(), n, head, nil)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&got, "head %d seed %d\t%s\t%s\n", head, n, asked.Label, asked.Payload.JSONRPC)
		}
	}
	golden(t, "solana.golden", got.String())
}

var (
	solanaLabel  = regexp.MustCompile(`^get(Block|Blocks|BlockTime)( from=(\d+) to=(\d+) commitment=finalized| slot=(\d+)( commitment=finalized encoding=json transactionDetails=none rewards=false maxSupportedTransactionVersion=0)?)$`)
	solanaShapes = []*regexp.Regexp{
		regexp.MustCompile(`^\{"id":"[0-9]+","jsonrpc":"2\.0","method":"[A-Za-z]+","params":\[[0-9].*\]\}$`),                                 // kit
		regexp.MustCompile(`^\{"id":[0-9]+,"jsonrpc":"2\.0","method":"[A-Za-z]+","params":\[[0-9].*\]\}$`),                                   // Rust
		regexp.MustCompile(`^\{"method":"[A-Za-z]+","jsonrpc":"2\.0","params":\[[0-9].*\],"id":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f-]{21}"\}$`), // web3.js
	}
)

// Questions are about settled and recent slots, in whole; ranges have hundreds of slots; and each of the client libraries
// is imitated.
func TestSolanaQuestionsAreSettled(t *testing.T) {
	styles := make(map[int]int)
	rapid.Check(t, func(t *rapid.T) {
		head := rapid.OneOf(rapid.Int64Range(1, 1200), rapid.Int64Range(1, 1<<45)).Draw(t, "head")
		asked, err := draw(question.Solana(), rapid.Uint64().Draw(t, "seed"), head, nil)
		if err != nil {
			t.Fatal(err)
		}
		parts := solanaLabel.FindStringSubmatch(asked.Label)
		if parts == nil {
			t.Fatalf("%s", asked.Label)
		}
		to, _ := strconv.ParseInt(parts[4]+parts[5], 10, 64)
		highest := head - 200
		if highest < 1 && parts[1] == "Block" {
			highest = head
		}
		if to > highest || to < max(1, highest-8000+1) {
			t.Fatalf("%s at head %d", asked.Label, head)
		}
		if from, _ := strconv.ParseInt(parts[3], 10, 64); parts[1] == "Blocks" && (from < 1 || to-from < 399 || to-from > 498) {
			t.Fatalf("%s at head %d", asked.Label, head)
		}
		shape := -1
		for i, pattern := range solanaShapes {
			if pattern.Match(asked.Payload.JSONRPC) {
				shape = i
			}
		}
		styles[shape]++
	})
	if styles[-1] > 0 || len(styles) != len(solanaShapes) {
		t.Errorf("styles %v", styles)
	}
}

// A session asks nothing twice.
func TestSolanaQuestionsDoNotRepeat(t *testing.T) {
	asked := make(map[string]bool)
	for n := range uint64(2000) {
		drawn, err := draw(question.Solana(), n, 2000, asked)
		if err != nil || asked[drawn.Label] {
			t.Fatalf("%q after %d questions, %v", drawn.Label, n, err)
		}
		asked[drawn.Label] = true
	}
}

// Answers are small enough to be timed.
func TestSolanaAnswersAreSmall(t *testing.T) {
	for n := range uint64(300) {
		asked, err := draw(question.Solana(), n, 1<<40, nil)
		if err != nil {
			t.Fatal(err)
		}
		if size := len(ledger{head: 1 << 40, keeps: 10_000}.answer(t, asked.Payload.JSONRPC)); size > 16<<10 {
			t.Errorf("%s: %d bytes", asked.Label, size)
		}
	}
}
