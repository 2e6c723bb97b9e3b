package localnet

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/gowebpki/jcs"
	"pgregory.net/rapid"
)

func TestLie(t *testing.T) {
	hash := "A1B2C3D4E5F60718293A4B5C6D7E8F90A1B2C3D4E5F60718293A4B5C6D7E8F90"
	forged := "A1B2C3D4E5F60718293A4B5C6D7E8F90A1B2C3D4E5F60718293A4B5C00000005"
	for _, c := range []struct{ name, truth, want string }{
		{"object", `{"jsonrpc":"2.0","id":1,"result":{"height":"7"}}`,
			`{"id":1,"jsonrpc":"2.0","result":{"height":"7","localnet_lie":"00000005"}}`},
		{"hash within", `{"id":1,"result":{"a":[{"hash":"` + hash + `"}]}}`,
			`{"id":1,"result":{"a":[{"hash":"` + forged + `"}],"localnet_lie":"00000005"}}`},
		{"empty object", `{"result":{}}`, `{"result":{"localnet_lie":"00000005"}}`},
		{"array", `{"result":[1,"` + hash + `"]}`, `{"result":[1,"` + forged + `","00000005"]}`},
		{"empty array", `{"result":[]}`, `{"result":["00000005"]}`},
		{"string", `{"result":"0x1b4"}`, `{"result":"0x1b400000005"}`},
		{"number", `{"result":12}`, `{"result":5}`},
		{"its own number", `{"result":5.0}`, `{"result":-5}`},
		{"huge number", `{"result":1e999}`, `{"result":5}`},
		{"true", `{"result":true}`, `{"result":"00000005"}`},
		{"false", `{"result":false}`, `{"result":"00000005"}`},
		{"null", `{"result":null}`, `{"result":"00000005"}`},
		{"null error", `{"result":1,"error":null}`, `{"error":null,"result":5}`},
		{"id keeps its bytes", `{"id": "\u0061<" ,"result":1}`, `{"id":"\u0061<","result":5}`},
		{"large integers within", `{"result":{"n":12345678901234567890}}`,
			`{"result":{"localnet_lie":"00000005","n":12345678901234567890}}`},
		{"batch", `[{"id":1,"result":1},{"id":2,"error":{"code":1}},3]`, `[{"id":1,"result":5},{"id":2,"error":{"code":1}},3]`},
		{"error", ` {"error": {"code": 1, "message": "` + hash + `"}, "id": 1}`, ""},
		{"error and result", `{"error":{"code":1},"result":1}`, ""},
		{"neither", `{"jsonrpc":"2.0","id":1}`, ""},
		{"batch of errors", `[ {"error":{}} ]`, ""},
		{"empty batch", `[ ]`, ""},
		{"two documents", `{"result":1} {"result":1}`, ""},
		{"no JSON", `<html>result</html>`, ""},
		{"nothing", ``, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := c.want
			if want == "" {
				want = c.truth
			}
			if got := (liar{index: 4}).Lie([]byte(c.truth)); string(got) != want {
				t.Errorf("Lie(%s) = %s, want %s", c.truth, got, want)
			}
		})
	}
}

// anyJSON draws a JSON value.
func anyJSON(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Just[any](nil),
		rapid.Bool().AsAny(),
		rapid.String().AsAny(),
		rapid.IntRange(-300, 300).AsAny(),
		rapid.Float64().AsAny(),
		rapid.StringMatching(`[0-9A-F]{32,64}`).AsAny(),
	}
	if depth == 0 {
		return rapid.OneOf(leaves...)
	}
	return rapid.OneOf(append(leaves,
		rapid.SliceOfN(anyJSON(depth-1), 0, 4).AsAny(),
		rapid.MapOfN(rapid.StringN(0, 8, -1), anyJSON(depth-1), 0, 4).AsAny(),
	)...)
}

func TestEveryLieDisagreesWithTheTruthAndWithEveryOtherLie(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		truth, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "result": anyJSON(3).Draw(t, "result")})
		if err != nil {
			t.Fatal(err)
		}
		index := rapid.IntRange(0, MaxServicers-1)
		one, other := liar{index.Draw(t, "one")}, liar{index.Draw(t, "other")}
		lie := one.Lie(truth)
		if bytes.Equal(canonical(t, lie), canonical(t, truth)) {
			t.Fatalf("the lie %s is the truth %s", lie, truth)
		}
		if again := one.Lie(truth); !bytes.Equal(again, lie) {
			t.Fatalf("the liar said %s, then %s", lie, again)
		}
		if same := bytes.Equal(canonical(t, other.Lie(truth)), canonical(t, lie)); same != (one == other) {
			t.Fatalf("liars %d and %d say the same: %v", one.index, other.index, same)
		}
	})
}

func canonical(t *rapid.T, answer []byte) []byte {
	form, err := jcs.Transform(answer)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

func FuzzLie(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"result":{"a":[1,"b",null]}}`))
	f.Add([]byte(`[{"result":1},{"error":{}}]`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		before := bytes.Clone(answer)
		lie := (liar{index: 1}).Lie(answer)
		if !bytes.Equal(answer, before) {
			t.Error("the answer was changed in place")
		}
		if json.Valid(answer) && !json.Valid(lie) {
			t.Errorf("Lie(%q) = %q is no JSON", answer, lie)
		}
	})
}
