package verify

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/internal/costs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// forms in which answers are compared.
func forms() []types.CompareForm {
	return []types.CompareForm{types.CompareForm_COMPARE_FORM_JSON, types.CompareForm_COMPARE_FORM_HEX_NUMBER, types.CompareForm_COMPARE_FORM_HEX_DATA}
}

// checkCost holds the reading of a REST answer, or of a response of JSON-RPC, against the bounds. Measured are up to 20 bytes
// and 180 ns for each byte of it on two busy cores.
func checkCost(t testing.TB, name string, rest bool, status uint32, payload []byte, form types.CompareForm, ignored ...types.Pointer) {
	t.Helper()
	question := types.Payload{JSONRPC: []byte(`{"id":1}`)}
	if rest {
		question = types.Payload{REST: &types.RESTPayload{}}
	}
	costs.Usual().Check(t, name, len(payload), func() { ReadAnswer(question, status, payload, form, ignored...) })
}

// someIgnored are pointers that lead into many values.
func someIgnored() []types.Pointer {
	return []types.Pointer{{"*"}, {"a", "*", "b"}, {"*", "*", "c"}, {"a", "a", "a"}}
}

// dear are answers of at most a mebibyte that are made to cost much.
func dear() map[string]string {
	const size = 1<<20 - 64
	fill := func(part string) string { return strings.Repeat(part, size/len(part)) }
	list := func(part string) string { return "[" + strings.TrimSuffix(fill(part+","), ",") + "]" }
	members := func(most int, value string) string {
		var b strings.Builder
		for i := range most {
			b.WriteString(`,"` + strconv.FormatInt(int64(most-i), 36) + `":` + value)
		}
		return "{" + b.String()[1:] + "}"
	}
	nest := func(open, closing string, depth int, core string) string {
		return strings.Repeat(open, depth) + core + strings.Repeat(closing, depth)
	}
	return map[string]string{
		"zeros":              list("0"),
		"ones":               "[" + strings.TrimSuffix(strings.Repeat("0,", MaxElements), ",") + "]",
		"empty objects":      list("{}"),
		"empty lists":        list("[]"),
		"singles":            list(`{"a":0}`),
		"exponents":          list("1e20"),
		"fractions":          list("1e-7"),
		"long fractions":     list("0.1234567890123456789"),
		"escapes":            `"` + fill(`\u0000`) + `"`,
		"short escapes":      list(`"\n"`),
		"surrogates":         `"` + fill(`\ud83d\ude00`) + `"`,
		"digits":             fill("1"),
		"long number":        "0." + fill("1"),
		"hexadecimal":        `"0x` + fill("0") + `"`,
		"members":            members(100_000, "0"),
		"members with lists": members(60_000, "[{}]"),
		"escaped names":      strings.ReplaceAll(members(60_000, "0"), `"1`, `"\u0031`),
		"long names":         "{" + strings.TrimPrefix(strings.Join(names(1000, 1000), ""), ",") + "}",
		"reversed nest":      nest(`{"b":`, `,"a":0}`, 4000, `"`+strings.Repeat("x", 900_000)+`"`),
		"lists in a nest":    nest(`{"a":[`, `]}`, 2000, list("0")[:500_001]+"]"),
		"deep":               nest("[", "]", 9_999, "0"),
		"deeper":             nest("[", "]", 500_000, "0"),
		"repeated":           `{"a":0` + fill(`,"a":0`) + `}`,
		"spaces":             fill(" ") + "0",
	}
}

func names(count, length int) (list []string) {
	for i := range count {
		list = append(list, `,"`+strings.Repeat("x", length)+strconv.Itoa(count-i)+`":0`)
	}
	return list
}

func TestNoAnswerIsDear(t *testing.T) {
	for name, text := range dear() {
		for where, payload := range map[string]string{
			"REST": text, "result": `{"id":1,"result":` + text + `}`, "error": `{"id":1,"error":` + text + `}`,
			"code": `{"id":1,"error":{"message":` + text + `,"code":` + text + `}}`, "id": `{"result":0,"id":` + text + `}`,
		} {
			if (where == "code" || where == "id") && !slices.Contains([]string{"digits", "deep", "zeros", "surrogates"}, name) {
				continue
			}
			for _, form := range forms() {
				if form != types.CompareForm_COMPARE_FORM_JSON && !strings.Contains(text, "0x") && name != "zeros" {
					continue
				}
				checkCost(t, name+" as "+where, where == "REST", 200, []byte(payload), form, someIgnored()...)
			}
			checkCost(t, name+" as "+where+" with status 404", where == "REST", 404, []byte(payload), types.CompareForm_COMPARE_FORM_HEX_DATA, types.Pointer{"*", "a"})
		}
	}
}

// Whatever is written, comparing it costs no more than the bounds: in each form, with fields that are ignored, as a result,
// as an error, or beside one.
func FuzzCost(f *testing.F) {
	for _, text := range dear() {
		for _, status := range []uint32{0, 200, 404, 500} {
			f.Add(status, byte(status), "*", "a", []byte(text[:min(len(text), 2000)]))
		}
	}
	f.Fuzz(func(t *testing.T, status uint32, form byte, first, second string, text []byte) {
		pointers := append(someIgnored(), types.Pointer{first}, types.Pointer{first, second}, types.Pointer{"*", second, first})
		compared := forms()[int(form)%len(forms())]
		checkCost(t, "REST", true, status, text, compared, pointers...)
		checkCost(t, "response", false, status, text, compared, pointers...)
		for _, around := range []string{`{"id":1,"result":%s}`, `{"id":1,"error":%s}`, `{"id":%s,"result":1}`, `{"id":1,"error":{"code":%s,"message":"m"}}`, `{"id":1,"error":{"code":1,"message":%[1]s,"data":%[1]s}}`, `{"id":1,"x":%s,"result":1}`} {
			checkCost(t, around, false, status, fmt.Appendf(nil, around, text), compared, pointers...)
		}
	})
}

func TestTooLarge(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		large bool
	}{
		"most elements":  {"[" + strings.TrimSuffix(strings.Repeat("0,", MaxElements), ",") + "]", false},
		"one more":       {"[" + strings.TrimSuffix(strings.Repeat("0,", MaxElements+1), ",") + "]", true},
		"in lists":       {"[" + strings.TrimSuffix(strings.Repeat("[[0]],", MaxElements/3+1), ",") + "]", true},
		"as deep as may": {strings.Repeat("[", MaxDepth-1) + strings.Repeat("]", MaxDepth-1), false},
		"deeper":         {strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1), true},
		"deeper objects": {strings.Repeat(`{"[":`, MaxDepth+1) + "0" + strings.Repeat("}", MaxDepth+1), true},
	} {
		if _, err := Canonical([]byte(test.text), nil); errors.Is(err, ErrTooLarge) != test.large || err != nil && !test.large {
			t.Errorf("%s: %v", name, err)
		}
		reading := Read([]byte(`{"id":1}`), 200, []byte(`{"id":1,"result":`+test.text+`}`), types.CompareForm_COMPARE_FORM_JSON)
		if (reading.Class == TooLarge) != test.large {
			t.Errorf("%s: class %d, %v", name, reading.Class, reading.Err)
		}
	}
	if reading := Read([]byte(`{"id":1}`), 200, []byte(`{"id":1,"result":1`+strings.Join(names(mostMembers, 1), "")+`}`), 0); reading.Class != TooLarge {
		t.Errorf("members: class %d", reading.Class)
	}
}

// sameAsModel holds the form against that of the tree, which was the first one.
func sameAsModel(t rapid.TB, text []byte, ignored ...types.Pointer) {
	t.Helper()
	got, err := Canonical(text, ignored)
	if errors.Is(err, ErrTooLarge) {
		return
	}
	want, wantErr := modelCanonical(text, ignored)
	if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
		t.Fatalf("%.300q without %q:\n%.300q %v, want\n%.300q %v", text, ignored, got, err, want, wantErr)
	}
}

func TestFormIsThatOfTheTree(t *testing.T) {
	for _, text := range dear() {
		sameAsModel(t, []byte(text))
	}
	piece := rapid.SampledFrom([]string{"{", "}", "[", "]", ",", ":", `"a"`, `"b"`, `"a":`, `"b":`, `"\u0061":`, `"\ufb33":`, `"\ud83d\ude00":`, `"😀":`, `"ﬀ":`,
		`"\ud83d"`, `"\\\n\/\b\"\u001f\uD83d\uDe00é"`, "0", "-0", "-1", "1.50", "1e2", "1e400", "12345678901234567890123", "-9007199254740993", "null", "true", "false", " ", "\n"})
	token := rapid.SampledFrom([]string{"a", "b", "*", "0", "1", "01", "😀"})
	var value func(depth int) *rapid.Generator[string]
	value = func(depth int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			kind := rapid.IntRange(0, 5).Draw(t, "kind")
			if depth == 0 || kind < 2 {
				return rapid.SampledFrom([]string{`"a"`, `"\\\n\/\b\"\u001f\uD83d\uDe00é"`, "0", "-0", "-1", "1.50", "1e2", "12345678901234567890123", "null", "true", "{}", "[]", `""`}).Draw(t, "scalar")
			}
			parts := rapid.SliceOfN(value(depth-1), 0, 4).Draw(t, "parts")
			if kind < 4 {
				return "[ " + strings.Join(parts, " ,") + "]"
			}
			order := rapid.Permutation([]string{`"a"`, `"b"`, `"\u0063"`, `"😀"`, `"\ufb33"`}).Draw(t, "names")
			for i := range parts {
				parts[i] = order[i] + ": " + parts[i]
			}
			return "{" + strings.Join(parts, ", ") + " }"
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		var ignored []types.Pointer
		for range rapid.IntRange(0, 3).Draw(t, "pointers") {
			ignored = append(ignored, rapid.SliceOfN(token, 1, 3).Draw(t, "pointer"))
		}
		sameAsModel(t, []byte(value(4).Draw(t, "value")), ignored...)
		sameAsModel(t, []byte(strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), "")), ignored...)
	})
}

// FuzzModel: what was compared by the tree gives the same bytes.
func FuzzModel(f *testing.F) {
	for _, text := range dear() {
		f.Add([]byte(text[:min(len(text), 500)]), "a", "*")
	}
	f.Add([]byte(`{"b":[{"a":1,"b":-0.0}],"a":"\ud83d\ude00"}`), "b", "*")
	f.Fuzz(func(t *testing.T, text []byte, first, second string) {
		sameAsModel(t, text, types.Pointer{first}, types.Pointer{first, second}, types.Pointer{second, "a"})
	})
}
