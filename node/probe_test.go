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

// A REST question reaches the node below its base, with its headers.
func TestProbeAsksByREST(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, r.Method+" "+r.RequestURI+" "+r.Header.Get("X-Height"))
	}))
	defer server.Close()
	answer, err := probe(server.URL+"/base?key=1")(t.Context(), types.Payload{REST: &types.RESTPayload{
		Method: "GET", Path: "/blocks/%37?a=b", Headers: []*types.HTTPHeader{{Name: "X-Height", Value: "7"}}}})
	if err != nil || answer.Status != http.StatusNotFound || string(answer.Body) != "GET /base/blocks/%37?key=1&a=b 7" {
		t.Errorf("status %d, answer %q, error %v", answer.Status, answer.Body, err)
	}
	if _, err := probe(server.URL)(t.Context(), types.Payload{REST: &types.RESTPayload{Method: "GET", Path: "/../a"}}); err == nil {
		t.Error("a path that leads out of the base was asked")
	}
}
