package verify_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const question = `{"jsonrpc":"2.0","id":7,"method":"block","params":{"height":"3"}}`

func read(t rapid.TB, payload string) verify.Digest {
	t.Helper()
	reading := reading(payload)
	if reading.Class != verify.Value && reading.Class != verify.Empty && reading.Class != verify.Absence {
		t.Fatalf("%.200s: %v", payload, reading.Err)
	}
	return reading.Digest
}

// reading reads an answer whose HTTP status is not known.
func reading(payload string) verify.Reading {
	return verify.Read([]byte(question), 0, []byte(payload), types.CompareForm_COMPARE_FORM_JSON)
}

func answer(result string) string { return `{"jsonrpc":"2.0","id":7,"result":` + result + `}` }

// Digests are kept with samples, so they must not change from one version to the next.
func TestDigestsAreGolden(t *testing.T) {
	for result, want := range map[string]string{
		`null`:              "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b",
		`{"b":1,"a":[2,3]}`: "2aae3bfa906be39530e7d7a4aa90a7e6d4f29c33e3ac80e1c3b05598c5953c04",
		`"0x10"`:            "cabd4cc7cda36de9b665c5f381edbfb67fa26c715325e0e9f2664cbca5ddafe5",
	} {
		if got := read(t, answer(result)); hex.EncodeToString(got[:]) != want {
			t.Errorf("%s: %x", result, got)
		}
	}
}

func TestSameAnswer(t *testing.T) {
	for name, spellings := range map[string][]string{
		"spacing and order": {
			answer(`{"a":1,"b":{"c":[1,2],"d":null}}`),
			" {\n\"result\" : {\"b\":{\"d\":null , \"c\":[ 1,2 ]},\t\"a\":1}\r\n,\"id\":7,\"jsonrpc\":\"2.0\"} ",
		},
		"numbers":            {answer(`[1,100,0.5,0,1e21]`), answer(`[1.0,1e2,5e-1,-0,1000000000000000000000]`)},
		"strings":            {answer(`"aé/"`), answer(`"\u0061\u00e9\/"`), answer(`"\u0061\u00E9/"`)},
		"names":              {answer(`{"é":1,"a":2}`), answer(`{"a":2,"\u00e9":1}`)},
		"other members":      {answer(`true`), `{"jsonrpc":"2.0","id":7,"result":true,"error":null,"served_by":"me","x":{"y":[]}}`},
		"surrogates":         {answer(`"😀"`), answer(`"\ud83d\ude00"`)},
		"beyond 53 bits":     {answer(`9007199254740993`), answer(`9007199254740993.0`), answer(`9.007199254740993e15`), answer(`90071992547409930e-1`)},
		"nothing, or spaced": {answer(`null`), answer(" null ")},
	} {
		first := read(t, spellings[0])
		for _, spelling := range spellings[1:] {
			if read(t, spelling) != first {
				t.Errorf("%s: %s differs from %s", name, spelling, spellings[0])
			}
		}
	}
}

func TestDifferentAnswers(t *testing.T) {
	seen := make(map[verify.Digest]string)
	for _, result := range []string{
		`null`, `true`, `false`, `0`, `1`, `"1"`, `""`, `[]`, `{}`, `[[]]`, `[1,2]`, `[2,1]`, `{"a":1}`, `{"a":"1"}`, `{"A":1}`, `{"a":null}`,
		`{"a":1,"b":null}`, `1.0000000000000002`, `-1`, `"a"`, `" a"`, `"A"`, `[null]`, `"null"`, `9007199254740991`, `9007199254740992`,
		// Amounts that one double stands for.
		`9007199254740993`, `1152921504606846976`, `1152921504606847000`, `1000000000000000000001`, `1000000000000000000000`, `-9007199254740993`,
		// Fractions that a double takes for one of the integers above.
		`9007199254740992.4`, `0.99999999999999999999`, `1000000000000000000000.5`, `1e-400`,
	} {
		digest := read(t, answer(result))
		if other, ok := seen[digest]; ok {
			t.Errorf("%s and %s have one digest", result, other)
		}
		seen[digest] = result
	}
}

func TestNotAnAnswer(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for name, test := range map[string]struct {
		payload string
		want    verify.Class
	}{
		"empty":                    {"", verify.Malformed},
		"not JSON":                 {"<html>", verify.Malformed},
		"cut":                      {`{"jsonrpc":"2.0","id":7,"result":{`, verify.Malformed},
		"two":                      {answer("1") + answer("1"), verify.Malformed},
		"null":                     {`null`, verify.Malformed},
		"a string":                 {`"result"`, verify.Malformed},
		"a batch":                  {"[" + answer("1") + "]", verify.Malformed},
		"version as a number":      {`{"jsonrpc":2.0,"id":7,"result":1}`, verify.Malformed},
		"no id":                    {`{"jsonrpc":"2.0","result":1}`, verify.Malformed},
		"null id":                  {`{"jsonrpc":"2.0","id":null,"result":1}`, verify.Malformed},
		"another id":               {`{"jsonrpc":"2.0","id":8,"result":1}`, verify.Malformed},
		"neither":                  {`{"jsonrpc":"2.0","id":7}`, verify.Malformed},
		"neither, error null":      {`{"jsonrpc":"2.0","id":7,"error":null}`, verify.Malformed},
		"result in another case":   {`{"jsonrpc":"2.0","id":7,"Result":1}`, verify.Malformed},
		"two results":              {`{"jsonrpc":"2.0","id":7,"result":1,"result":2}`, verify.Malformed},
		"two results in two cases": {`{"jsonrpc":"2.0","id":7,"result":1,"Result":2}`, verify.Malformed},
		"two results, long s":      {`{"jsonrpc":"2.0","id":7,"result":1,"reſult":2}`, verify.Malformed},
		"two results, escaped":     {`{"jsonrpc":"2.0","id":7,"result":1,"r\u0065sult":1}`, verify.Malformed},
		"two ids":                  {`{"jsonrpc":"2.0","id":8,"id":7,"result":1}`, verify.Malformed},
		"name twice in the result": {answer(`{"a":{"b":1,"b":1}}`), verify.Malformed},
		"same name, escaped":       {answer(`{"a":1,"\u0061":2}`), verify.Malformed},
		"number too large":         {answer(`1e400`), verify.Malformed},
		"half a surrogate":         {answer(`"\ud83d"`), verify.Malformed},
		"not UTF-8":                {answer("\"\xff\""), verify.Malformed},
		"nested too deep":          {answer(deep(20_000)), verify.TooLarge},
		"error":                    {`{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"pruned"}}`, verify.Failure},
		"error without id":         {`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse"}}`, verify.Failure},
		"error and result":         {`{"jsonrpc":"2.0","id":7,"result":1,"error":{"code":1,"message":"x"}}`, verify.Claim},
		"error is empty":           {`{"jsonrpc":"2.0","id":7,"error":{}}`, verify.Failure},
		"error is a string":        {`{"jsonrpc":"2.0","id":7,"error":"no"}`, verify.Failure},
		"code is a word":           {`{"jsonrpc":"2.0","id":7,"error":{"code":"no"}}`, verify.Failure},
		"message is a list":        {`{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":[]}}`, verify.Claim},
	} {
		got := reading(test.payload)
		if got.Class != test.want || got.Err == nil || got.Data() || test.want == verify.Malformed && got != (verify.Reading{Err: got.Err}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Large answers are read in the time of their size, however they are built.
func TestLargeAnswers(t *testing.T) {
	const size = 1 << 20
	for _, result := range []string{
		strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000),
		strings.Repeat(`{"a":`, 9_000) + `"` + strings.Repeat("x", size-64_000) + `"` + strings.Repeat("}", 9_000),
		"[" + strings.Repeat("0,", verify.MaxElements-2) + "0]",
		"[" + strings.Repeat("0,        ", size/10-64) + "0]",
		`"` + strings.Repeat(`\u0061`, size/6-16) + `"`,
		strings.Repeat("9", 300),
		"0." + strings.Repeat("0", size-100) + "1",
		largeObject(size / 16),
	} {
		read(t, answer(result))
	}
}

func largeObject(members int) string {
	var text strings.Builder
	for i := range members {
		fmt.Fprintf(&text, `,"%07d":0`, members-i)
	}
	return "{" + text.String()[1:] + "}"
}

func TestErrorsAreOneShortLine(t *testing.T) {
	for _, payload := range []string{
		`{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"a\nb\u001b[2J\u009b2J\u202e` + strings.Repeat("é", 5000) + `"}}`,
		`{"jsonrpc":"2.0","id":7,"error":{"code":` + strings.Repeat("9", 5000) + `,"message":"x"}}`,
		`{"jsonrpc":"2.0","id":7,"` + strings.Repeat("x", 5000) + `":1,"` + strings.Repeat("x", 5000) + `":1}`,
	} {
		err := reading(payload).Err
		if err == nil {
			t.Fatalf("%.60s was read", payload)
		}
		if text := err.Error(); len(text) > 512 || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q", text)
		}
	}
}

func TestQuestionWithoutID(t *testing.T) {
	for _, asked := range []string{"", "{}", "[]", `{"method":"x"}`, "nonsense"} {
		for _, payload := range []string{answer("1"), `{"jsonrpc":"2.0","result":1}`} {
			got := verify.Read([]byte(asked), 0, []byte(payload), types.CompareForm_COMPARE_FORM_JSON)
			if got.Class != verify.Malformed {
				t.Errorf("%q answered by %s: %+v", asked, payload, got)
			}
		}
	}
}

// value draws any JSON value.
func value(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Just[any](nil),
		rapid.Bool().AsAny(),
		rapid.Float64().AsAny(),
		rapid.Int32().AsAny(),
		rapid.String().AsAny(),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	return rapid.OneOf(append(scalars,
		rapid.SliceOfN(value(depth-1), 0, 4).AsAny(),
		rapid.MapOfN(rapid.StringN(0, 5, -1), value(depth-1), 0, 4).AsAny(),
	)...)
}

// shuffled writes a value with its members in any order and with any spacing.
func shuffled(t *rapid.T, value any) string {
	space := rapid.SampledFrom([]string{"", " ", "\n\t", "\r\n "})
	s := func() string { return space.Draw(t, "space") }
	switch value := value.(type) {
	case []any:
		parts := make([]string, len(value))
		for i, element := range value {
			parts[i] = s() + shuffled(t, element) + s()
		}
		return "[" + strings.Join(parts, ",") + "]"
	case map[string]any:
		names := make([]string, 0, len(value))
		for name := range value {
			names = append(names, name)
		}
		if len(names) == 0 {
			return "{" + s() + "}"
		}
		parts := make([]string, len(names))
		for i, name := range rapid.Permutation(names).Draw(t, "order") {
			parts[i] = s() + encoded(t, name) + s() + ":" + s() + shuffled(t, value[name]) + s()
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return encoded(t, value)
}

func encoded(t rapid.TB, value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestOrderAndSpacingDoNotCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		result := value(3).Draw(t, "result")
		if read(t, answer(encoded(t, result))) != read(t, answer(shuffled(t, result))) {
			t.Fatal("the digest depends on order or spacing")
		}
	})
}
