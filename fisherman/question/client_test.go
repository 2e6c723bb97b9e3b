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
)

// shapes of JSON-RPC requests as client libraries write them, ids and parameters aside.
var shapes = map[string]*regexp.Regexp{
	"go-ethereum": regexp.MustCompile(`^\{"jsonrpc":"2\.0","id":[0-9]+,"method":"[A-Za-z_]+","params":[\[{].*[\]}]\}$`),
	"ethers":      regexp.MustCompile(`^\{"method":"[A-Za-z_]+","params":\[.*\],"id":[0-9]+,"jsonrpc":"2\.0"\}$`),
	"web3.js":     regexp.MustCompile(`^\{"jsonrpc":"2\.0","id":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}","method":"[A-Za-z_]+","params":\[.*\]\}$`),
	"web3.py":     regexp.MustCompile(`^\{"jsonrpc": "2\.0", "method": "[A-Za-z_]+", "params": \[("[^"]*"|true|false|\{[^{}]*\})(, ("[^"]*"|true|false))*\], "id": [0-9]+\}$`),
}

func shapeOf(t *testing.T, payload []byte) string {
	t.Helper()
	for name, shape := range shapes {
		if shape.Match(payload) {
			return name
		}
	}
	t.Fatalf("no client writes %s", payload)
	return ""
}

// A session's checks seem to come from one client: one spelling, and a counter that grows.
func TestASessionHasOneClient(t *testing.T) {
	const sessions, checks = 200, 30
	catalogue, seen := question.EVM(2), make(map[string]int)
	for session := range uint64(sessions) {
		shape, last := "", int64(-1)
		for check := range uint32(checks) {
			drawn, err := catalogue.Draw(seed(session<<32|uint64(check)), catalogue.Client(seed(session), check), 1000, nil)
			if err != nil {
				t.Fatal(err)
			}
			if now := shapeOf(t, drawn.Payload.JSONRPC); shape != "" && now != shape {
				t.Fatalf("%s, then %s", shape, now)
			} else {
				shape = now
			}
			var request struct{ ID json.Number }
			if shape == "web3.js" {
				continue
			}
			if err := json.Unmarshal(drawn.Payload.JSONRPC, &request); err != nil {
				t.Fatal(err)
			}
			if id, err := request.ID.Int64(); err != nil || id <= last {
				t.Fatalf("id %d after %d, %v", id, last, err)
			} else {
				last = id
			}
		}
		seen[shape]++
	}
	for name := range shapes {
		if seen[name] < sessions/10 {
			t.Errorf("%s in %d of %d sessions", name, seen[name], sessions)
		}
	}
}

// The ids of clients that draw them differ from check to check.
func TestRandomIDs(t *testing.T) {
	ids := make(map[string]bool)
	for check := range uint32(100) {
		drawn, err := question.CometBFT().Draw(seed(6), question.CometBFT().Client(seed(6), check), 1000, nil)
		if err != nil {
			t.Fatal(err)
		}
		shapeOf(t, drawn.Payload.JSONRPC)
		ids[fmt.Sprint(parse(t, drawn).ID)] = true
	}
	if len(ids) != 100 {
		t.Errorf("%d different ids", len(ids))
	}
}

func TestRESTQuestionsAreGolden(t *testing.T) {
	var got strings.Builder
	for _, each := range []struct {
		name      string
		catalogue question.Catalogue
	}{{"cometbft-uri", question.CometBFTURI()}, {"cosmos", question.Cosmos()}} {
		for _, head := range []int64{1, 10, 1 << 40} {
			for n := range uint64(8) {
				asked, err := draw(each.catalogue, n, head, nil)
				if err != nil {
					t.Fatal(err)
				}
				rest := asked.Payload.REST
				fmt.Fprintf(&got, "%s head %d seed %d\t%s\t%s %s", each.name, head, n, asked.Label, rest.GetMethod(), rest.GetPath())
				for _, header := range rest.GetHeaders() {
					fmt.Fprintf(&got, "\t%s: %s", header.GetName(), header.GetValue())
				}
				got.WriteByte('\n')
			}
		}
	}
	golden(t, "rest.golden", got.String())
}

// REST questions are about settled heights, those about state about recent ones.
func TestRESTHeightsAreSettled(t *testing.T) {
	height := regexp.MustCompile(`(?:height=|blocks/|validatorsets/)([0-9]+)`)
	for name, catalogue := range map[string]question.Catalogue{"cometbft-uri": question.CometBFTURI(), "cosmos": question.Cosmos()} {
		rapid.Check(t, func(t *rapid.T) {
			head := rapid.OneOf(rapid.Int64Range(1, 50), rapid.Int64Range(1, 1<<45)).Draw(t, "head")
			drawn, err := draw(catalogue, rapid.Uint64().Draw(t, "seed"), head, nil)
			if err != nil {
				t.Fatal(err)
			}
			rest, lowest, text := drawn.Payload.REST, int64(1), ""
			if found := height.FindStringSubmatch(rest.GetPath()); found != nil {
				text = found[1]
			}
			for _, header := range rest.GetHeaders() {
				if header.GetName() == "X-Cosmos-Block-Height" {
					text, lowest = header.GetValue(), head-2-31
				}
			}
			highest := head - 2
			if highest < 1 {
				highest = head
			}
			if asked, err := strconv.ParseInt(text, 10, 64); err != nil || asked < lowest || asked < 1 || asked > highest {
				t.Fatalf("%s: %q at head %d: %v", name, drawn.Label, head, err)
			}
		})
	}
}

// head is the height of a chain that is short, but has questions of all kinds.
func head(catalogue question.Catalogue) int64 {
	if catalogue.Name == question.NameSolana {
		return 1000
	}
	return 8
}

// A label names one payload, and a payload has one label.
func TestLabelsArePayloads(t *testing.T) {
	rpc, rest := templates()
	for name, catalogue := range map[string]question.Catalogue{
		"cometbft": question.CometBFT(), "cometbft-uri": question.CometBFTURI(), "cosmos": question.Cosmos(), "evm": question.EVM(2),
		"solana": question.Solana(), "custom": custom(t, rpc), "custom REST": custom(t, rest),
	} {
		payloads, labels := make(map[string]string), make(map[string]string)
		for n := range uint64(3000) {
			drawn, err := catalogue.Draw(seed(n), question.Client{}, head(catalogue), nil)
			if err != nil {
				t.Fatal(err)
			}
			payload := fmt.Sprint(drawn.Payload)
			if known, seen := payloads[drawn.Label]; seen && known != payload {
				t.Fatalf("%s: %q is %s and %s", name, drawn.Label, known, payload)
			}
			if known, seen := labels[payload]; seen && known != drawn.Label {
				t.Fatalf("%s: %s is %q and %q", name, payload, known, drawn.Label)
			}
			payloads[drawn.Label], labels[payload] = payload, drawn.Label
		}
		if len(payloads) < 10 {
			t.Errorf("%s: %d questions", name, len(payloads))
		}
	}
}

func TestHeadsAreRead(t *testing.T) {
	const status = `{"jsonrpc":"2.0","id":-1,"result":{"sync_info":{"latest_block_height":"17"}}}`
	const latest = `{"block_id":{},"block":{"header":{"height":"17"}}}`
	for name, test := range map[string]struct {
		head   *question.Head
		answer string
		want   int64
	}{
		"cometbft":     {question.CometBFT().Head, status, 17},
		"cometbft-uri": {question.CometBFTURI().Head, status, 17},
		"cosmos":       {question.Cosmos().Head, latest, 17},
		"solana":       {question.Solana().Head, `{"jsonrpc":"2.0","result":17,"id":"0"}`, 17},
		"other answer": {question.Cosmos().Head, status, -1},
		"an error":     {question.CometBFT().Head, `{"jsonrpc":"2.0","id":0,"error":{"code":1}}`, -1},
		"too high":     {question.Cosmos().Head, strings.Replace(latest, "17", "281474976710657", 1), -1},
		"negative":     {question.Cosmos().Head, strings.Replace(latest, "17", "-1", 1), -1},
		"no number":    {question.Cosmos().Head, strings.Replace(latest, `"17"`, "true", 1), -1},
		"not JSON":     {question.Cosmos().Head, "<html>", -1},
		"more":         {question.Cosmos().Head, latest + latest, -1},
	} {
		if got, err := test.head.Read([]byte(test.answer)); test.want < 0 && err == nil || test.want >= 0 && (err != nil || got != test.want) {
			t.Errorf("%s: %d, %v", name, got, err)
		}
	}
}
