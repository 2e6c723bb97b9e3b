package verify

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestReaderIsRead: whatever came before, an answer is read as if it were alone.
func TestReaderIsRead(t *testing.T) {
	question := []byte(`{"jsonrpc":"2.0","id":7,"method":"block"}`)
	payloads := [][]byte{
		nil,
		{},
		[]byte(`{"jsonrpc":"2.0","id":7,"result":1}`),
		[]byte(`{"jsonrpc":"2.0","id":7,"result":2}`),
		[]byte(`{"jsonrpc":"2.0","id":8,"result":1}`),
		[]byte(`{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"no"}}`),
		[]byte(`garbage`),
	}
	rapid.Check(t, func(t *rapid.T) {
		reader := NewReader(question)
		for _, payload := range rapid.SliceOf(rapid.SampledFrom(payloads)).Draw(t, "payloads") {
			got, gotErr := reader.Read(payload)
			want, wantErr := Read(question, payload)
			if got != want || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
				t.Fatalf("%s: %x, %v; want %x, %v", payload, got, gotErr, want, wantErr)
			}
		}
	})
}
