package verify

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// TestReaderReadsEachAnswer: whatever came before, an answer is read as if it were alone.
func TestReaderReadsEachAnswer(t *testing.T) {
	payloads := [][]byte{
		nil,
		{},
		[]byte(`{"jsonrpc":"2.0","id":7,"result":1}`),
		[]byte(`{"jsonrpc":"2.0","id":7,"result":2}`),
		[]byte(`{"jsonrpc":"2.0","id":8,"result":1}`),
		[]byte(`{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"no"}}`),
		[]byte(`garbage`),
	}
	for name, question := range map[string]types.Payload{
		"JSON-RPC": {JSONRPC: []byte(`{"jsonrpc":"2.0","id":7,"method":"block"}`)},
		"REST":     {REST: &types.RESTPayload{Method: "GET", Path: "/"}},
	} {
		t.Run(name, func(t *testing.T) {
			read := func(status uint32, payload []byte) Reading {
				return ReadAnswer(question, status, payload, types.CompareForm_COMPARE_FORM_JSON)
			}
			rapid.Check(t, func(t *rapid.T) {
				reader := NewReader(read)
				for range rapid.IntRange(0, 20).Draw(t, "answers") {
					status := rapid.SampledFrom([]uint32{200, 429, 500}).Draw(t, "status")
					payload := rapid.SampledFrom(payloads).Draw(t, "payload")
					if got, want := reader.Read(status, payload), read(status, payload); !reflect.DeepEqual(got, want) {
						t.Fatalf("%s: %+v; want %+v", payload, got, want)
					}
				}
			})
		})
	}
}
