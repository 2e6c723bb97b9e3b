package verify_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/gowebpki/jcs"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func canonical(t rapid.TB, text string, ignored ...types.Pointer) string {
	t.Helper()
	form, err := verify.Canonical([]byte(text), ignored)
	if err != nil {
		t.Fatalf("%.200s: %v", text, err)
	}
	return string(form)
}

func TestCanonicalForm(t *testing.T) {
	for text, want := range map[string]string{
		` [ 1 , { } , [ ] , "" ] `:       `[1,{},[],""]`,
		`{"b":1,"a":{"d":[2],"c":null}}`: `{"a":{"c":null,"d":[2]},"b":1}`,
		// The example of RFC 8785 §3.2.3: members are ordered by UTF-16 code units, so an emoji comes before a ligature.
		`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`: "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}",
		`"\u0000\u0008\u0009\u000a\u000c\u000d\u001f\u0022\u005c\u002f\u007f\u2028"`: "\"\\u0000\\b\\t\\n\\f\\r\\u001f\\\"\\\\/\u007f\u2028\"",
		`[-0,-0.0,0e5,0.0e-5]`:                                                             `[0,0,0,0]`,
		`[1.50,150e-2,0.000001,0.0000001,123456e-10]`:                                      `[1.5,1.5,0.000001,1e-7,0.0000123456]`,
		`[333333333.33333329,1E30,4.50,2e-3]`:                                              `[333333333.3333333,1e+30,4.5,0.002]`,
		`[100000000000000000000,1e20,1e21,1.5e21]`:                                         `[100000000000000000000,100000000000000000000,1e+21,1.5e+21]`,
		`[18446744073709551615,-9223372036854775808]`:                                      `[18446744073709551615,-9223372036854775808]`,
		`[115792089237316195423570985008687907853269984665640564039457584007913129639935]`: `[1.15792089237316195423570985008687907853269984665640564039457584007913129639935e+77]`,
		`[0.1,0.1000000000000000055511151231257827,0.10000000000000001]`:                   `[0.1,0.1,0.1]`,
		`[9007199254740992.4,0.99999999999999999999,1e-400,-1e-400]`:                       `[9007199254740992.4,0.99999999999999999999,1e-400,-1e-400]`,
	} {
		if got := canonical(t, text); got != want {
			t.Errorf("%s:\n%s, want\n%s", text, got, want)
		}
	}
}

func TestNotCanonical(t *testing.T) {
	for _, text := range []string{
		"", "{", `{"a":1}{}`, `{"a":1,"a":1}`, `{"a":1,"\u0061":2}`, `[{"é":1,"\u00e9":1}]`, `"\ud83d"`, `"\ude00\ud83d"`, `"\ud83dx"`,
		`"\ud83d\u0061"`, `["\\\ud83d"]`, "\"\xff\"", `1e400`, `-1e400`, `0e99999999999`, `1e-99999999999999999999`, "[" + strings.Repeat("9", 400) + "]",
		strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000),
	} {
		if form, err := verify.Canonical([]byte(text), nil); err == nil {
			t.Errorf("%.60s: %.60s", text, form)
		}
	}
	for _, text := range []string{`"\\ud83d"`, `"\ud83d\ude00"`, `"\\\ud83d\ude00\\"`} {
		canonical(t, text)
	}
}

func TestIgnoredFields(t *testing.T) {
	for _, test := range []struct{ pointer, text, want string }{
		{"/a", `{"a":1,"b":2}`, `{"b":2}`},
		{"/a", `{"b":2}`, `{"b":2}`},
		{"/a", `[{"a":1}]`, `[{"a":1}]`},
		{"/a", `"a"`, `"a"`},
		{"/a/b", `{"a":{"b":1,"c":2},"b":3}`, `{"a":{"c":2},"b":3}`},
		{"/a/b", `{"a":[1]}`, `{"a":[1]}`},
		{"/1", `[1,2,3]`, `[1,null,3]`},
		{"/3", `[1,2,3]`, `[1,2,3]`},
		{"/01", `[1,2,3]`, `[1,2,3]`},
		{"/-1", `[1,2,3]`, `[1,2,3]`},
		{"/*", `[1,[2]]`, `[null,null]`},
		{"/*", `{"*":1,"a":2}`, `{"a":2}`},
		{"/logs/*/node", `{"logs":[{"node":1,"x":1},{"x":2},3]}`, `{"logs":[{"x":1},{"x":2},3]}`},
		{"/a~1b/~0c/~01", `{"a/b":{"~c":{"~1":1,"/":2}}}`, `{"a/b":{"~c":{"/":2}}}`},
		{"/", `{"":1,"a":2}`, `{"a":2}`},
		{"/é", `{"\u00e9":1}`, `{}`},
	} {
		pointer, err := types.ParsePointer(test.pointer)
		if err != nil {
			t.Fatal(err)
		}
		if got := canonical(t, test.text, pointer); got != test.want {
			t.Errorf("%s of %s: %s, want %s", test.pointer, test.text, got, test.want)
		}
	}
	// Several, of which one lies within another, and a digest that does not see them.
	if got := canonical(t, `{"a":{"b":1},"c":[{"d":1},{"d":2}],"e":0}`, types.Pointer{"a"}, types.Pointer{"a", "b"}, types.Pointer{"c", "*", "d"}); got != `{"c":[{},{}],"e":0}` {
		t.Error(got)
	}
	read := func(text string) verify.Digest {
		got := verify.Read([]byte(question), 200, []byte(answer(text)), inJSON, types.Pointer{"served", "by"})
		if !got.Data() {
			t.Fatal(got.Err)
		}
		return got.Digest
	}
	if read(`{"served":{"by":"me"},"x":1}`) != read(`{"served":{},"x":1}`) || read(`{"x":1,"by":1}`) == read(`{"x":1}`) {
		t.Error("the digest sees an ignored field, or does not see another")
	}
}

// Where no number is beyond what a double holds exactly, the form is that of the RFC, as another program writes it.
func TestCanonicalFormIsThatOfTheRFC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := shuffled(t, value(3).Draw(t, "value"))
		want, err := jcs.Transform([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		// rapid draws doubles of every size; those above 2^53 are integers, which keep their digits.
		if got := canonical(t, text); got != string(want) && !large(text) {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

// large tells whether a text has a number beyond 2^53.
func large(text string) bool {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		if number, is := token.(json.Number); is {
			if size, _ := number.Float64(); size > 1<<53 || size < -1<<53 {
				return true
			}
		}
	}
}

// exact reads JSON to what the canonical form has to tell apart: integers by all their digits, fractions as doubles,
// members without order.
func exact(text []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return nil
	}
	return exactly(value)
}

// digits of a number, which is not a string.
type digits string

func exactly(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name := range value {
			value[name] = exactly(value[name])
		}
	case []any:
		for i := range value {
			value[i] = exactly(value[i])
		}
	case json.Number:
		rational, ok := new(big.Rat).SetString(value.String())
		if !ok {
			return digits(value)
		}
		double, _ := value.Float64()
		if rounded := new(big.Rat).SetFloat64(double); rational.IsInt() || rounded == nil || rounded.IsInt() {
			return digits(rational.RatString())
		}
		return double
	}
	return value
}

// small keeps big.Rat from reading exponents that would fill the memory.
func small(text []byte) bool {
	for i, c := range text {
		if (c == 'e' || c == 'E') && i+5 < len(text) && bytes.ContainsAny(text[i+1:i+5], "0123456789") {
			digits := bytes.TrimLeft(text[i+1:], "+-")
			if end := bytes.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end > 4 || end < 0 && len(digits) > 4 {
				return false
			}
		}
	}
	return true
}

// FuzzCanonical: the form is a fixed point, and two texts have one form if and only if they are equal values.
func FuzzCanonical(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"b":1,"a":[1.50,-0,1e2]}`, `{"a":[15e-1,0,100],"b":1.0}`},
		{`9007199254740992`, `9007199254740993`},
		{`9007199254740992.5`, `9007199254740992`},
		{`1152921504606846976`, `1152921504606847000`},
		{`0.1`, `0.10000000000000001`},
		{`{"a":null}`, `{}`},
		{`["\u00e9\ud83d\ude00"]`, `["é😀"]`},
		{`1e21`, `1000000000000000000000`},
		{`1e-400`, `0`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, one, other []byte) {
		first, err := verify.Canonical(one, nil)
		if err != nil || !small(one) || !small(other) {
			return
		}
		if again, err := verify.Canonical(first, nil); err != nil || !bytes.Equal(again, first) {
			t.Fatalf("%q: %q, then %q (%v)", one, first, again, err)
		}
		if !reflect.DeepEqual(exact(one), exact(first)) {
			t.Fatalf("%q: %q is another value", one, first)
		}
		second, err := verify.Canonical(other, nil)
		if err == nil && bytes.Equal(first, second) != reflect.DeepEqual(exact(one), exact(other)) {
			t.Fatalf("%q and %q: %q and %q", one, other, first, second)
		}
	})
}
