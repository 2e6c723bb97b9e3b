package protocol

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzReplaceIDs compares what is found in JSON with what the standard library finds.
func FuzzReplaceIDs(f *testing.F) {
	for _, text := range []string{`{"id":1}`, ` [ {"a":"\\","id":"x"} , {"b":[{"id":2}]} ] `, `{"\u0069d":null}`, `{"a":"\"","id":-1e5,"c":{}}`, `{"id":{"id":[]}}`, `[]`, `{}`, `{"id`, `{"id":"\`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var ids []json.RawMessage
		again, err := replaceIDs(text, func(id json.RawMessage) (json.RawMessage, error) {
			ids = append(ids, id)
			return id, nil
		})
		if err == nil && !bytes.Equal(again, text) {
			t.Errorf("changed to %q", again)
		}
		if !json.Valid(text) {
			return
		}
		objects := []map[string]json.RawMessage{nil}
		if json.Unmarshal(text, &objects[0]) != nil || objects[0] == nil {
			objects = nil
			if json.Unmarshal(text, &objects) != nil || bytes.HasPrefix(bytes.TrimSpace(text), []byte("null")) {
				if err == nil {
					t.Error("neither an object nor a list of them")
				}
				return
			}
		}
		var want []json.RawMessage
		for _, object := range objects {
			if object == nil { // null in a list
				if err == nil {
					t.Error("not an object")
				}
				return
			}
			if id, has := object["id"]; has {
				want = append(want, id)
			}
		}
		if err != nil && len(ids) <= len(want) && !bytes.Contains(text, []byte(`"id"`)) && !bytes.Contains(text, []byte(`\`)) {
			t.Errorf("refused: %v", err)
		}
		if err != nil {
			return // two ids in an object
		}
		if len(ids) != len(want) {
			t.Fatalf("found %q, want %q", ids, want)
		}
		for i := range ids {
			if !bytes.Equal(ids[i], want[i]) {
				t.Errorf("found %q, want %q", ids, want)
			}
		}
	})
}

// FuzzRestoreIDs: an answer passes only with every id of the request.
func FuzzRestoreIDs(f *testing.F) {
	f.Add([]byte(`{"id":4503599627370497}`))
	f.Add([]byte(`{"id":"4503599627370497.0"}`))
	bound := []boundID{{asked: json.RawMessage("1"), sent: 1<<52 + 1}, {asked: json.RawMessage(`"b"`), sent: 1<<53 - 1}}
	f.Fuzz(func(t *testing.T, answer []byte) {
		if restored, err := restoreIDs(answer, bound); err == nil && (!bytes.Contains(answer, []byte("4")) || !bytes.Contains(answer, []byte("9"))) {
			t.Errorf("%q passes as %q", answer, restored)
		}
	})
}
