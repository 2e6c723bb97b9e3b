package pocket

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func TestProbeAsksTheQuestionItself(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		question, _ := io.ReadAll(r.Body)
		_, _ = w.Write(append([]byte("answer to "), question...))
	}))
	defer server.Close()
	answer, err := Control(server.URL, nil)(t.Context(), types.Payload{JSONRPC: []byte("question")})
	if err != nil || string(answer.Body) != "answer to question" || answer.Status != http.StatusOK {
		t.Errorf("answer %q, error %v", answer.Body, err)
	}
	server.Close()
	if _, err := Control(server.URL, nil)(t.Context(), types.Payload{}); err == nil {
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
	answer, err := Control(server.URL+"/base?key=1", nil)(t.Context(), types.Payload{REST: &types.RESTPayload{
		Method: "GET", Path: "/blocks/%37?a=b", Headers: []*types.HTTPHeader{{Name: "X-Height", Value: "7"}}}})
	if err != nil || answer.Status != http.StatusNotFound || string(answer.Body) != "GET /base/blocks/%37?key=1&a=b 7" {
		t.Errorf("status %d, answer %q, error %v", answer.Status, answer.Body, err)
	}
	if _, err := Control(server.URL, nil)(t.Context(), types.Payload{REST: &types.RESTPayload{Method: "GET", Path: "/../a"}}); err == nil {
		t.Error("a path that leads out of the base was asked")
	}
}

// The target is asked itself, or nobody.
func TestProbeIsNotLedAway(t *testing.T) {
	asked := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = io.WriteString(w, "{}")
	}))
	defer elsewhere.Close()
	t.Setenv("HTTP_PROXY", elsewhere.URL)
	t.Setenv("http_proxy", elsewhere.URL)
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Cookie") != "" || r.Header.Get("Accept-Encoding") != "gzip" {
				t.Errorf("the probe has the headers %v", r.Header)
			}
			w.Header().Set("Set-Cookie", "a=b")
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(status)
		}))
		ask := Control(server.URL, nil)
		for range 2 {
			if answer, err := ask(t.Context(), types.Payload{JSONRPC: []byte("question")}); err == nil {
				t.Errorf("status %d: %+v", status, answer)
			}
		}
		server.Close()
	}
	if asked > 0 {
		t.Errorf("%d requests were led away", asked)
	}
}

func TestProbeIsBounded(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter){
		"body":   func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, maxProbeBytes+1)) },
		"header": func(w http.ResponseWriter) { w.Header().Set("X", strings.Repeat("x", maxProbeHeaderBytes)) },
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w) }))
		if _, err := Control(server.URL, nil)(t.Context(), types.Payload{JSONRPC: []byte("question")}); err == nil {
			t.Errorf("%s: read without a bound", name)
		}
		server.Close()
	}
}

// Operators put access tokens into URLs; errors are stored and shown.
func TestProbeKeepsItsURLToItself(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	for _, target := range []string{server.URL + "/v3/TOKEN?key=TOKEN", "http://[::1/TOKEN", "http://TOKEN.invalid\x7f/"} {
		if _, err := Control(target, nil)(t.Context(), types.Payload{JSONRPC: []byte("question")}); err == nil || strings.Contains(err.Error(), "TOKEN") {
			t.Errorf("%v", err)
		}
	}
}
