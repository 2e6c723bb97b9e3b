package question_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/internal/costs"
)

// modelHeight reads a height out of a tree of the whole answer.
func modelHeight(answer []byte, pointer string) (int64, error) {
	const none = "no height"
	decoder := json.NewDecoder(bytes.NewReader(answer))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return 0, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return 0, errors.New(none)
	}
	for _, token := range strings.Split(pointer, "/")[1:] {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		found := false
		switch within := value.(type) {
		case map[string]any:
			value, found = within[token]
		case []any:
			place, err := strconv.ParseUint(token, 10, 31)
			if found = err == nil && place < uint64(len(within)); found {
				value = within[place]
			}
		}
		if !found {
			return 0, errors.New(none)
		}
	}
	var digits string
	switch value := value.(type) {
	case string:
		digits = value
	case json.Number:
		digits = value.String()
	default:
		return 0, errors.New(none)
	}
	base := 10
	if after, prefixed := strings.CutPrefix(digits, "0x"); prefixed {
		digits, base = after, 16
	}
	height, err := strconv.ParseUint(digits, base, 63)
	if err == nil && height > 1<<48 {
		err = errors.New(none)
	}
	return int64(height), err
}

func headAt(t rapid.TB, pointer string) *question.Head {
	head, err := question.CustomHead(question.Template{Method: "status"}, pointer)
	if err != nil {
		t.Skip(err)
	}
	return head
}

// sameHeight holds the height that is read against that of the tree.
func sameHeight(t rapid.TB, answer []byte, pointer string) {
	got, err := headAt(t, pointer).Read(answer)
	want, wantErr := modelHeight(answer, pointer)
	if (err == nil) != (wantErr == nil) || err == nil && got != want {
		t.Fatalf("at %q of %.300q: %d, %v, want %d, %v", pointer, answer, got, err, want, wantErr)
	}
}

func TestHeightIsThatOfTheTree(t *testing.T) {
	value := rapid.SampledFrom([]string{`1`, `"0x1f"`, `"7"`, `-1`, `1.5`, `null`, `[]`, `{}`, `""`, ` [ 1 , "2" ] `, `{"a":1,"a":"3","\u0061":4}`, `{"a":{"a":5},"a":1}`,
		"{\"\xff\":1,\"b\" : [[{\"a\":2}]] }", `{"~/":[8]}`, `[0,[1,{"a":9}],"x]}"]`, `{"":1}`, `"\"}"`, `1 2`, `{"a"}`})
	token := rapid.SampledFrom([]string{"a", "b", "0", "1", "01", "~0~1", "", "\uFFFD", "-"})
	rapid.Check(t, func(t *rapid.T) {
		text := value.Draw(t, "value")
		for range rapid.IntRange(0, 3).Draw(t, "depth") {
			name, other := rapid.SampledFrom([]string{`"a"`, `"b"`, `"\u0062"`, `""`}).Draw(t, "name"), value.Draw(t, "other")
			text = rapid.SampledFrom([]string{"[" + other + "," + text + "]", "{" + name + ":" + text + `,"c":` + other + "}", "[\n" + text + "]"}).Draw(t, "around")
		}
		pointer := ""
		for range rapid.IntRange(0, 4).Draw(t, "tokens") {
			pointer += "/" + token.Draw(t, "token")
		}
		sameHeight(t, []byte(text), pointer)
	})
}

func checkHeightCost(t testing.TB, name string, answer []byte, head *question.Head) {
	t.Helper()
	costs.Usual().Check(t, name, len(answer), func() { _, _ = head.Read(answer) })
}

// dearHeads are answers that are made to cost much when a height is looked for in them.
func dearHeads() map[string]string {
	const size = 1<<20 - 100
	fill := func(part string) string { return strings.TrimSuffix(strings.Repeat(part+",", size/(len(part)+1)), ",") }
	var members strings.Builder
	for i := range 90_000 {
		members.WriteString(`,"` + strconv.FormatInt(int64(i), 36) + `":[]`)
	}
	return map[string]string{
		"zeros beside":     `{"id":1,"x":[` + fill("0") + `],"result":"0x1"}`,
		"objects":          `{"result":[` + fill("{}") + `]}`,
		"singles":          `{"result":[` + fill(`{"a":0}`) + `]}`,
		"lists":            `{"result":[` + fill("[0]") + `]}`,
		"members":          `{"result":{` + members.String()[1:] + `}}`,
		"escaped names":    `{"result":{` + fill(`"\u0061":0`) + `}}`,
		"no UTF-8":         `{"result":{` + fill("\"\xff\":0") + `}}`,
		"escapes":          `{"result":"` + strings.Repeat(`\u0000`, size/6) + `"}`,
		"digits":           `{"result":` + strings.Repeat("1", size) + `}`,
		"deep":             `{"result":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + `}`,
		"repeated results": `{` + fill(`"result":"0x1"`) + `}`,
		"unfinished":       `{"result":[` + fill("0"),
	}
}

func TestNoHeadIsDear(t *testing.T) {
	for name, answer := range dearHeads() {
		for pointer, head := range map[string]*question.Head{"/result": headAt(t, "/result"), "/result/a": headAt(t, "/result/a"), "/result/9": headAt(t, "/result/9"), "block number": question.EVM(2).Head} {
			checkHeightCost(t, name+" at "+pointer, []byte(answer), head)
		}
	}
}

// FuzzHeight: whatever is answered, the height is that of the tree, at a bounded cost.
func FuzzHeight(f *testing.F) {
	for _, answer := range dearHeads() {
		f.Add([]byte(answer[:min(len(answer), 2000)]), "/result/a")
	}
	f.Add([]byte(`{"result":{"sync_info":{"latest_block_height":"12"}}}`), "/result/sync_info/latest_block_height")
	f.Fuzz(func(t *testing.T, answer []byte, pointer string) {
		head := headAt(t, pointer)
		checkHeightCost(t, "input", answer, head)
		checkHeightCost(t, "input as a block number", answer, question.EVM(2).Head)
		sameHeight(t, answer, pointer)
	})
}
