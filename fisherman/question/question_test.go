package question_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
)

var update = flag.Bool("update", false, "write the golden questions anew")

func seed(n uint64) [32]byte { return sha256.Sum256(binary.BigEndian.AppendUint64(nil, n)) }

// saying makes the same call, whatever the height.
func saying(call question.Call) func(*rand.Rand, int64, int64) (question.Call, bool) {
	return func(*rand.Rand, int64, int64) (question.Call, bool) { return call, true }
}

// draw draws a question in the style of a session, which follows from the seed here.
func draw(catalogue question.Catalogue, n uint64, head int64, asked map[string]bool) (question.Question, error) {
	return catalogue.Draw(seed(n), catalogue.Client(seed(n), uint32(n)), head, asked)
}

// request is a question as a node reads it.
type request struct {
	Version string            `json:"jsonrpc"`
	ID      int64             `json:"id"`
	Method  string            `json:"method"`
	Params  map[string]string `json:"params"`
}

func parse(t rapid.TB, asked question.Question) request {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(asked.Payload.JSONRPC))
	decoder.DisallowUnknownFields()
	var parsed request
	if err := decoder.Decode(&parsed); err != nil || decoder.More() {
		t.Fatalf("%s: %v", asked.Payload.JSONRPC, err)
	}
	return parsed
}

func TestQuestionsAreGolden(t *testing.T) {
	var got strings.Builder
	for _, head := range []int64{1, 2, 3, 10, 1000, 1 << 40} {
		for n := range uint64(8) {
			asked, err := draw(question.CometBFT(), n, head, nil)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&got, "head %d seed %d\t%s\t%s\n", head, n, asked.Label, asked.Payload.JSONRPC)
		}
	}
	golden(t, "cometbft.golden", got.String())
}

// golden compares questions with those that a file keeps.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("questions differ from %s:\n%s", path, got)
	}
}

// methods that may be asked about the newest block.
var atHead = map[string]bool{"block": true, "header": true, "validators": true}

func TestEveryQuestion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		head := rapid.Int64Range(1, 1<<50).Draw(t, "head")
		if rapid.Bool().Draw(t, "short") {
			head = rapid.Int64Range(1, 5).Draw(t, "short head")
		}
		key := rapid.Uint64().Draw(t, "seed")
		asked, err := draw(question.CometBFT(), key, head, nil)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := draw(question.CometBFT(), key, head, nil); err != nil || !reflect.DeepEqual(again, asked) {
			t.Fatalf("same seed: %s, then %s", asked.Payload.JSONRPC, again.Payload.JSONRPC)
		}
		parsed := parse(t, asked)
		if parsed.Version != "2.0" || parsed.ID < 0 || !strings.HasPrefix(asked.Label, parsed.Method+" height="+parsed.Params["height"]) {
			t.Fatalf("%q: %s", asked.Label, asked.Payload.JSONRPC)
		}
		height, err := strconv.ParseInt(parsed.Params["height"], 10, 64)
		highest := head - 2
		if head <= 2 {
			highest = head
			if !atHead[parsed.Method] {
				t.Fatalf("%s is not settled at head %d", asked.Label, head)
			}
		}
		if err != nil || height < 1 || height > highest {
			t.Fatalf("%s at head %d", asked.Label, head)
		}
	})
}

// Whoever does not know the seed cannot prepare for all questions, and cannot foretell the next.
func TestQuestionsSpread(t *testing.T) {
	const draws, head = 6000, 1_000_000
	methods, labels, quarters := make(map[string]int), make(map[string]bool), make([]int, 4)
	for n := range uint64(draws) {
		asked, err := draw(question.CometBFT(), n, head, nil)
		if err != nil {
			t.Fatal(err)
		}
		parsed := parse(t, asked)
		height, _ := strconv.Atoi(parsed.Params["height"])
		methods[parsed.Method]++
		quarters[(height-1)*4/head]++
		labels[asked.Label] = true
	}
	if len(methods) != 6 || len(labels) < draws*99/100 {
		t.Errorf("%d methods, %d different questions in %d", len(methods), len(labels), draws)
	}
	weights := map[string]int{"block": 1, "header": 1, "commit": 1, "consensus_params": 1, "validators": 2, "block_results": 5}
	for method, count := range methods {
		if want := draws * weights[method] / 11; count < want*8/10 || count > want*12/10 {
			t.Errorf("%s %d times in %d", method, count, draws)
		}
	}
	for quarter, count := range quarters {
		if count < draws/4*9/10 || count > draws/4*11/10 {
			t.Errorf("quarter %d of the chain %d times in %d", quarter, count, draws)
		}
	}
}

// A session asks nothing twice, and asks on while there is something else to ask.
func TestNoRepeats(t *testing.T) {
	for name, catalogue := range map[string]question.Catalogue{
		"cometbft": question.CometBFT(), "cometbft-uri": question.CometBFTURI(), "cosmos": question.Cosmos(), "evm": question.EVM(2), "evm-values": question.EVMValues(2),
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				head := rapid.Int64Range(1, 300).Draw(t, "head") + catalogue.Depth
				first := rapid.Uint64Range(0, 1<<60).Draw(t, "seed")
				asked, payloads := make(map[string]bool), make(map[string]bool)
				for n := range uint64(rapid.IntRange(1, 40).Draw(t, "checks")) {
					drawn, err := catalogue.Draw(seed(first+n), question.Client{}, head, asked)
					if err != nil {
						t.Fatal(err)
					}
					if payload := fmt.Sprint(drawn.Payload); asked[drawn.Label] || payloads[payload] {
						t.Fatalf("%s again after %d questions at head %d", drawn.Label, n, head)
					} else {
						asked[drawn.Label], payloads[payload] = true, true
					}
				}
			})
		})
	}
}

// The first session of a young chain has a different question for each of its checks.
func TestYoungChainHasQuestions(t *testing.T) {
	for name, catalogue := range map[string]question.Catalogue{
		"cometbft": question.CometBFT(), "cometbft-uri": question.CometBFTURI(), "cosmos": question.Cosmos(),
	} {
		asked := make(map[string]bool)
		for n := range uint64(300) {
			drawn, err := draw(catalogue, n, 1, asked)
			if errors.Is(err, question.ErrAllAsked) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if asked[drawn.Label] {
				t.Fatalf("%s: %s again", name, drawn.Label)
			}
			asked[drawn.Label] = true
		}
		if len(asked) < 100 {
			t.Errorf("%s: %d questions at the first block", name, len(asked))
		}
	}
}

// All questions that there are come, each once; then there are none.
func TestEveryQuestionComesOnce(t *testing.T) {
	numbered := func(_ *rand.Rand, height, variant int64) (question.Call, bool) {
		return question.Named("m", question.Param{"height", strconv.FormatInt(height, 10)},
			question.Param{"variant", strconv.FormatInt(variant, 10)}), height != 2
	}
	catalogue := question.Catalogue{Depth: 1, Kinds: []question.Kind{
		{Call: numbered, Variants: 3},
		{Call: saying(question.Named("only")), Timeless: true},
		{Call: func(_ *rand.Rand, height, _ int64) (question.Call, bool) {
			return question.Get("/recent/" + strconv.FormatInt(height, 10)), true
		}, Recent: 2},
	}}
	// Heights 1 to 4: 3 variants at 3 of them, one without a height, 2 recent ones.
	asked := make(map[string]bool)
	for n := range uint64(12) {
		drawn, err := draw(catalogue, n, 5, asked)
		if err != nil || asked[drawn.Label] {
			t.Fatalf("%d: %q, %v", n, drawn.Label, err)
		}
		asked[drawn.Label] = true
	}
	if drawn, err := draw(catalogue, 99, 5, asked); !errors.Is(err, question.ErrAllAsked) || drawn.Label != "" {
		t.Errorf("%q, %v", drawn.Label, err)
	}
	for _, label := range []string{"GET /recent/4", "GET /recent/3", "only", "m height=1 variant=0", "m height=4 variant=2"} {
		if !asked[label] {
			t.Errorf("%q never came: %v", label, asked)
		}
	}
	if drawn, err := draw(catalogue, 99, 6, asked); err != nil || asked[drawn.Label] {
		t.Errorf("a block later: %q, %v", drawn.Label, err)
	}
}

func TestLimitedToRecentHeights(t *testing.T) {
	catalogue := question.CometBFT().Limited(3)
	for n := range uint64(200) {
		drawn, err := draw(catalogue, n, 1000, nil)
		if err != nil {
			t.Fatal(err)
		}
		if height, _ := strconv.Atoi(parse(t, drawn).Params["height"]); height < 996 || height > 998 {
			t.Fatalf("%s", drawn.Label)
		}
	}
	if question.EVM(2).Limited(1000).Kinds[1].Recent != 32 {
		t.Error("a limit takes another one away")
	}
}

func TestNothingToAsk(t *testing.T) {
	settled := question.Catalogue{Depth: 2, Kinds: []question.Kind{{Call: saying(question.Named("settled"))}}}
	for name, test := range map[string]struct {
		catalogue question.Catalogue
		head      int64
	}{
		"no catalogue":        {question.Catalogue{}, 100},
		"no block":            {question.CometBFT(), 0},
		"negative height":     {question.CometBFT(), -1},
		"nothing at the head": {settled, 2},
	} {
		if drawn, err := draw(test.catalogue, 1, test.head, nil); !errors.Is(err, question.ErrNothingToAsk) || drawn.Label != "" {
			t.Errorf("%s: %s, %v", name, drawn.Label, err)
		}
	}
	if _, err := draw(settled, 1, 3, nil); err != nil {
		t.Errorf("settled at head 3: %v", err)
	}
}

func TestTextIsQuoted(t *testing.T) {
	const nasty = "a\"b\\c\x00\n,}"
	catalogue := question.Catalogue{Kinds: []question.Kind{{AtHead: true, Call: saying(question.Named(nasty,
		question.Param{nasty, nasty}, question.Param{"z", ""}))}}}
	drawn, err := draw(catalogue, 1, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if parsed := parse(t, drawn); parsed.Method != nasty || parsed.Params[nasty] != nasty || len(parsed.Params) != 2 {
		t.Errorf("%s", drawn.Payload.JSONRPC)
	}
}
