package question_test

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

type named struct {
	name      string
	catalogue question.Catalogue
}

// everyCatalogue are those that have a question for the newest height.
func everyCatalogue(t testing.TB) []named {
	t.Helper()
	rpc, rest := templates()
	list := []named{
		{"cometbft", question.CometBFT()}, {"cometbft-uri", question.CometBFTURI()}, {"cosmos", question.Cosmos()},
		{"evm", question.EVM(question.EVMFinality)}, {"evm-values", question.EVMValues(question.EVMFinality)},
		{"custom", custom(t, rpc)}, {"custom REST", custom(t, rest)}, {"solana", question.Solana()},
	}
	for i, head := range []question.Template{
		{Method: "getSlot", Params: []byte(`[{"commitment":"finalized"}]`)},
		{Path: "/blocks/head", Headers: map[string]string{"Accept": "application/json"}},
	} {
		made, err := question.CustomHead(head, "/result")
		if err != nil {
			t.Fatal(err)
		}
		list[5+i].catalogue.Head = made
	}
	return list
}

// anyClient takes one client of each style.
func anyClient(t testing.TB, catalogue question.Catalogue) []question.Client {
	t.Helper()
	clients := make([]question.Client, len(catalogue.Styles))
	for i := range clients {
		alone := catalogue
		alone.Styles = catalogue.Styles[i : i+1]
		clients[i] = alone.Client(seed(3), 4)
	}
	return clients
}

// written is a request as a line.
func written(payload types.Payload) string {
	if payload.REST == nil {
		return string(payload.JSONRPC)
	}
	line := payload.REST.GetMethod() + " " + payload.REST.GetPath()
	for _, header := range payload.REST.GetHeaders() {
		line += "\t" + header.GetName() + ": " + header.GetValue()
	}
	return line
}

// Questions for the newest height are written as the other questions of the session's client are.
func TestHeadQuestionsAreGolden(t *testing.T) {
	var got strings.Builder
	for _, each := range everyCatalogue(t) {
		fmt.Fprintf(&got, "%s probe\t%s\n", each.name, written(each.catalogue.Head.Payload()))
		for i, client := range anyClient(t, each.catalogue) {
			asked, err := each.catalogue.DrawHead(client)
			if err != nil {
				t.Fatal(err)
			}
			if asked.Kind != types.RoundKind_ROUND_KIND_HEAD || asked.ReadHead == nil || asked.Height != 0 || asked.Nothing || len(asked.Errors) > 0 {
				t.Errorf("%s: %+v", each.name, asked)
			}
			fmt.Fprintf(&got, "%s style %d\t%s\t%s\n", each.name, i, asked.Label, written(asked.Payload))
		}
	}
	golden(t, "head.golden", got.String())
}

// In a session, the question for the newest height differs from those for blocks in method and parameters only.
func TestHeadQuestionsLookLikeTheOthers(t *testing.T) {
	catalogue := question.EVM(2)
	for n := range uint64(40) {
		client := catalogue.Client(seed(n), 1)
		head, err := catalogue.DrawHead(client)
		if err != nil {
			t.Fatal(err)
		}
		other, err := catalogue.Draw(seed(n), catalogue.Client(seed(n), 2), 1000, nil)
		if err != nil {
			t.Fatal(err)
		}
		// web3.py's shape has a parameter at least.
		text := strings.Replace(string(head.Payload.JSONRPC), `"params": []`, `"params": ["0x1"]`, 1)
		if a, b := shapeOf(t, []byte(text)), shapeOf(t, other.Payload.JSONRPC); a != b {
			t.Errorf("%s, %s: %s", a, b, head.Payload.JSONRPC)
		}
	}
}

func TestNoQuestionForTheNewestHeight(t *testing.T) {
	rpc, _ := templates()
	catalogue := custom(t, rpc)
	if asked, err := catalogue.DrawHead(question.Client{}); !errors.Is(err, question.ErrNothingToAsk) || asked.Label != "" {
		t.Errorf("%q, %v", asked.Label, err)
	}
	if catalogue.Asked() {
		t.Error("a catalogue without the question asks it")
	}
	own := question.CometBFT()
	if !own.Asked() {
		t.Error("a catalogue does not ask for the newest height")
	}
	own.Own = true
	if _, err := own.DrawHead(question.Client{}); own.Asked() || err != nil {
		t.Errorf("the network's own height is asked for: %t; servicers are asked: %v", own.Asked(), err)
	}
}

// tipMethods are the questions that every node with the block has an answer to.
var tipMethods = map[string]*regexp.Regexp{
	"cometbft":     regexp.MustCompile(`^(block|header) height=1000$`),
	"cometbft-uri": regexp.MustCompile(`^GET /(block|header)\?height=1000$`),
	"cosmos":       regexp.MustCompile(`^GET /cosmos/base/tendermint/v1beta1/blocks/1000$`),
	"evm":          regexp.MustCompile(`^(eth_getBlockTransactionCountByNumber block=0x3e8|eth_getBlockByNumber block=0x3e8 full=(true|false))$`),
	"evm-values":   regexp.MustCompile(`^eth_getBlockTransactionCountByNumber block=0x3e8$`),
	"solana":       regexp.MustCompile(`^getBlock slot=1000 commitment=finalized encoding=json transactionDetails=none rewards=false maxSupportedTransactionVersion=0$`),
}

func TestTipQuestions(t *testing.T) {
	for _, each := range everyCatalogue(t) {
		shape, has := tipMethods[each.name]
		asked := make(map[string]bool)
		for n := range uint64(50) {
			client := each.catalogue.Client(seed(n), uint32(n))
			drawn, err := each.catalogue.DrawTip(seed(n), client, 1000, asked)
			if err != nil {
				if !errors.Is(err, question.ErrNothingToAsk) || drawn.Label != "" {
					t.Errorf("%s: %q, %v", each.name, drawn.Label, err)
				}
				break
			}
			if !has || !shape.MatchString(drawn.Label) || asked[drawn.Label] || drawn.Kind != types.RoundKind_ROUND_KIND_TIP || drawn.Height != 1000 || drawn.ReadHead != nil {
				t.Fatalf("%s: %+v", each.name, drawn)
			}
			again, err := each.catalogue.DrawTip(seed(n), client, 1000, asked)
			if err != nil || !reflect.DeepEqual(again, drawn) {
				t.Fatalf("%s: the same seed: %q, then %q, %v", each.name, drawn.Label, again.Label, err)
			}
			asked[drawn.Label] = true
		}
		if want := map[string]int{"cometbft": 2, "cometbft-uri": 2, "cosmos": 1, "evm": 3, "evm-values": 1, "solana": 1}[each.name]; len(asked) != want {
			t.Errorf("%s: %d questions about a block near the tip, want %d: %v", each.name, len(asked), want, asked)
		}
	}
}

// A question about a block near the tip is about exactly that block, whatever the depth, the range of heights and the
// limit of the catalogue, and is written as those about settled blocks are.
func TestTipQuestionsAreAboutTheirHeight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		height := rapid.OneOf(rapid.Int64Range(-3, 5), rapid.Int64Range(1, 1<<45)).Draw(t, "height")
		n := rapid.Uint64().Draw(t, "seed")
		catalogue := question.EVM(rapid.SampledFrom([]int64{0, 2, 64}).Draw(t, "depth")).Limited(rapid.Int64Range(0, 3).Draw(t, "recent"))
		drawn, err := catalogue.DrawTip(seed(n), catalogue.Client(seed(n), 1), height, nil)
		if height < 1 {
			if !errors.Is(err, question.ErrNothingToAsk) {
				t.Fatalf("%q, %v", drawn.Label, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if asked := heightOf(t, parseEVM(t, drawn).Params[0]); asked != height || drawn.Height != height {
			t.Fatalf("%s about height %d", drawn.Label, height)
		}
		settled, err := catalogue.Draw(seed(n), question.Client{}, height+catalogue.Depth, map[string]bool{})
		if err != nil || settled.Kind != types.RoundKind_ROUND_KIND_SETTLED || settled.Height != 0 || settled.ReadHead != nil {
			t.Fatalf("%+v, %v", settled, err)
		}
	})
}

// Values in hex are compared as numbers, code and hashes by their digits, and everything else as JSON.
func TestFormsOfQuestions(t *testing.T) {
	forms := make(map[string]types.CompareForm)
	for _, each := range everyCatalogue(t) {
		for n := range uint64(400) {
			drawn, err := draw(each.catalogue, n, 1_000_000, nil)
			if err != nil {
				t.Fatal(err)
			}
			method, _, _ := strings.Cut(drawn.Label, " ")
			if strings.HasPrefix(each.name, "evm") {
				if known, seen := forms[method]; seen && known != drawn.Form {
					t.Fatalf("%s has two forms", method)
				}
				forms[method] = drawn.Form
			} else if drawn.Form != types.CompareForm_COMPARE_FORM_JSON {
				t.Fatalf("%s: %s has form %v", each.name, drawn.Label, drawn.Form)
			}
			slots := method == "getBlock" || method == "getBlockTime"
			if builtIn := !strings.HasPrefix(each.name, "custom"); builtIn && (drawn.Nothing || (len(drawn.Errors) > 0) != slots) {
				t.Fatalf("%s: nothing can be the truth of %s", each.name, drawn.Label)
			}
		}
	}
	const number, data, plain = types.CompareForm_COMPARE_FORM_HEX_NUMBER, types.CompareForm_COMPARE_FORM_HEX_DATA, types.CompareForm_COMPARE_FORM_JSON
	if want := map[string]types.CompareForm{
		"eth_getBlockTransactionCountByNumber": number, "eth_getBalance": number, "eth_getTransactionCount": number, "eth_getStorageAt": number,
		"eth_getCode": data, "eth_call": data, "eth_getBlockByNumber": plain, "eth_getBlockReceipts": plain, "eth_getLogs": plain,
	}; !reflect.DeepEqual(forms, want) {
		t.Errorf("forms %v", forms)
	}
}

// Catalogues know how their nodes deny having a block, and how far behind a node may be.
func TestDenialsAndLags(t *testing.T) {
	want := map[string][]int64{"cometbft": {-32603}, "cometbft-uri": {500}, "cosmos": {500}, "solana": {-32004, -32014, -32007, -32009}}
	for _, each := range everyCatalogue(t) {
		drawn, err := draw(each.catalogue, 1, 1000, nil)
		if err != nil || !slices.Equal(drawn.Denials, want[each.name]) {
			t.Errorf("%s: denials %v, %v", each.name, drawn.Denials, err)
		}
		if tip, err := each.catalogue.DrawTip(seed(1), question.Client{}, 900, nil); err == nil && !slices.Equal(tip.Denials, want[each.name]) {
			t.Errorf("%s: denials near the tip %v", each.name, tip.Denials)
		}
		if lag := each.catalogue.MaxLag; lag != 5 && each.name != "solana" || each.name == "solana" && lag != 150 {
			t.Errorf("%s: a node may be %d behind", each.name, each.catalogue.MaxLag)
		}
	}
}
