package question_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
)

var update = flag.Bool("update", false, "write the golden questions anew")

func seed(n uint64) [32]byte { return sha256.Sum256(binary.BigEndian.AppendUint64(nil, n)) }

func nothing(*rand.Rand, int64) []question.Param { return nil }

// request is a question as a node reads it.
type request struct {
	Version string            `json:"jsonrpc"`
	ID      int               `json:"id"`
	Method  string            `json:"method"`
	Params  map[string]string `json:"params"`
}

func parse(t rapid.TB, asked question.Question) request {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(string(asked.Payload)))
	decoder.DisallowUnknownFields()
	var parsed request
	if err := decoder.Decode(&parsed); err != nil || decoder.More() {
		t.Fatalf("%s: %v", asked.Payload, err)
	}
	return parsed
}

func TestQuestionsAreGolden(t *testing.T) {
	var got strings.Builder
	for _, head := range []int64{1, 2, 3, 10, 1000, 1 << 40} {
		for n := range uint64(8) {
			asked, err := question.CometBFT().Draw(seed(n), head, nil)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&got, "head %d seed %d\t%s\t%s\n", head, n, asked.Label, asked.Payload)
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
		key := seed(rapid.Uint64().Draw(t, "seed"))
		asked, err := question.CometBFT().Draw(key, head, nil)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := question.CometBFT().Draw(key, head, nil); err != nil || again.Label != asked.Label || string(again.Payload) != string(asked.Payload) {
			t.Fatalf("same seed: %s, then %s", asked.Payload, again.Payload)
		}
		parsed := parse(t, asked)
		if parsed.Version != "2.0" || parsed.ID < 1 || !strings.HasPrefix(asked.Label, parsed.Method+" height="+parsed.Params["height"]) {
			t.Fatalf("%q: %s", asked.Label, asked.Payload)
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
		asked, err := question.CometBFT().Draw(seed(n), head, nil)
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
	for method, count := range methods {
		if count < draws/6*8/10 || count > draws/6*12/10 {
			t.Errorf("%s %d times in %d", method, count, draws)
		}
	}
	for quarter, count := range quarters {
		if count < draws/4*9/10 || count > draws/4*11/10 {
			t.Errorf("quarter %d of the chain %d times in %d", quarter, count, draws)
		}
	}
}

// A session asks nothing twice while there is something else to ask.
func TestNoRepeats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		head := rapid.Int64Range(1, 300).Draw(t, "head")
		checks := rapid.IntRange(1, 40).Draw(t, "checks")
		first := rapid.Uint64().Draw(t, "seed")
		asked := make(map[string]bool)
		for n := range uint64(checks) {
			drawn, err := question.CometBFT().Draw(seed(first+n), head, asked)
			if err != nil {
				t.Fatal(err)
			}
			if asked[drawn.Label] {
				t.Fatalf("%s again after %d questions at head %d", drawn.Label, n, head)
			}
			asked[drawn.Label] = true
		}
	})
}

func TestRepeatsWhenThereIsNothingElse(t *testing.T) {
	catalogue := question.Catalogue{Kinds: []question.Kind{{Method: "only", AtHead: true, Params: nothing}}}
	asked := map[string]bool{"only": true}
	drawn, err := catalogue.Draw(seed(1), 9, asked)
	if err != nil || drawn.Label != "only" {
		t.Errorf("%q, %v", drawn.Label, err)
	}
}

func TestNothingToAsk(t *testing.T) {
	settled := question.Catalogue{Depth: 2, Kinds: []question.Kind{{Method: "settled", Params: nothing}}}
	for name, test := range map[string]struct {
		catalogue question.Catalogue
		head      int64
	}{
		"no catalogue":        {question.Catalogue{}, 100},
		"no block":            {question.CometBFT(), 0},
		"negative height":     {question.CometBFT(), -1},
		"nothing at the head": {settled, 2},
	} {
		if drawn, err := test.catalogue.Draw(seed(1), test.head, nil); !errors.Is(err, question.ErrNothingToAsk) || drawn.Payload != nil {
			t.Errorf("%s: %s, %v", name, drawn.Payload, err)
		}
	}
	if _, err := settled.Draw(seed(1), 3, nil); err != nil {
		t.Errorf("settled at head 3: %v", err)
	}
}

func TestTextIsQuoted(t *testing.T) {
	const nasty = "a\"b\\c\x00\n,}"
	catalogue := question.Catalogue{Kinds: []question.Kind{{Method: nasty, AtHead: true, Params: func(*rand.Rand, int64) []question.Param {
		return []question.Param{{Name: nasty, Value: nasty}, {Name: "z", Value: ""}}
	}}}}
	drawn, err := catalogue.Draw(seed(1), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if parsed := parse(t, drawn); parsed.Method != nasty || parsed.Params[nasty] != nasty || len(parsed.Params) != 2 {
		t.Errorf("%s", drawn.Payload)
	}
}
