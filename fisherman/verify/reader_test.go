package verify

import (
	"fmt"
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
			read := func(status uint32, payload []byte) (Digest, error) { return ReadAnswer(question, status, payload) }
			rapid.Check(t, func(t *rapid.T) {
				reader := NewReader(read)
				for range rapid.IntRange(0, 20).Draw(t, "answers") {
					status := rapid.SampledFrom([]uint32{200, 500}).Draw(t, "status")
					payload := rapid.SampledFrom(payloads).Draw(t, "payload")
					got, gotErr := reader.Read(status, payload)
					want, wantErr := read(status, payload)
					if got != want || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
						t.Fatalf("%s: %x, %v; want %x, %v", payload, got, gotErr, want, wantErr)
					}
				}
			})
		})
	}
}
