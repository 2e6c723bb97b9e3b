package node

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestProbeAsksTheQuestionItself(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		question, _ := io.ReadAll(r.Body)
		_, _ = w.Write(append([]byte("answer to "), question...))
	}))
	defer server.Close()
	answer, err := probes(map[string]string{"0001": server.URL})["0001"](t.Context(), []byte("question"))
	if err != nil || string(answer) != "answer to question" {
		t.Errorf("answer %q, error %v", answer, err)
	}
	server.Close()
	if _, err := probe(server.URL)(t.Context(), nil); err == nil {
		t.Error("a target that is gone answered")
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
			if r.Header.Get("Cookie") != "" || r.Header.Get("Accept-Encoding") != "" {
				t.Errorf("the probe has the headers %v", r.Header)
			}
			w.Header().Set("Set-Cookie", "a=b")
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(status)
		}))
		ask := probe(server.URL)
		for range 2 {
			if answer, err := ask(t.Context(), []byte("question")); err == nil {
				t.Errorf("status %d: %q", status, answer)
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
		if _, err := probe(server.URL)(t.Context(), nil); err == nil {
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
		if _, err := probe(target)(t.Context(), nil); err == nil || strings.Contains(err.Error(), "TOKEN") {
			t.Errorf("%v", err)
		}
	}
}
