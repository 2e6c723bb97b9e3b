package node

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func TestProbeAsksTheQuestionItself(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		question, _ := io.ReadAll(r.Body)
		_, _ = w.Write(append([]byte("answer to "), question...))
	}))
	defer server.Close()
	answer, err := probes(map[string]string{"0001": server.URL})["0001"](t.Context(), types.Payload{JSONRPC: []byte("question")})
	if err != nil || string(answer.Body) != "answer to question" || answer.Status != http.StatusOK {
		t.Errorf("answer %q, error %v", answer.Body, err)
	}
	server.Close()
	if _, err := probe(server.URL)(t.Context(), types.Payload{}); err == nil {
		t.Error("a target that is gone answered")
	}
}
