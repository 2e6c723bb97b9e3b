package command

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/terminal"
)

func TestCSVTextIsNeverAFormula(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "OK=1": "OK=1", "0001": "0001", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@A1": "'@A1", " =1": "' =1", "\t=1": "' =1",
	} {
		if got := CSVText(text); got != want {
			t.Errorf("CSVText(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzEscapeJSON(f *testing.F) {
	f.Add("=cmd|' /C calc'!A0\x1b[2J\r\nsession \u202egnp.exe\u009b31m")
	f.Add("\U000e0001 \ufeff \u2028")
	f.Fuzz(func(t *testing.T, text string) {
		encoded, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var want, got string
		if err := json.Unmarshal(encoded, &want); err != nil {
			t.Fatal(err)
		}
		escaped := EscapeJSON(string(encoded))
		if err := json.Unmarshal([]byte(escaped), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q became %q (%v)", want, got, err)
		}
		if terminal.Clean(escaped) != escaped {
			t.Fatalf("%q still has what a terminal acts on", escaped)
		}
	})
}
