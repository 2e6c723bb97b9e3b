package rpc

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Metrics are served beside the API by their own handler; what is no plain read does not reach it.
func TestScrape(t *testing.T) {
	scraped := 0
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		scraped++
		_, _ = io.WriteString(w, "up 1\n")
	})
	for name, test := range map[string]struct {
		metrics      http.Handler
		method, body string
		status       int
		answer       string
	}{
		"read":       {metrics, http.MethodGet, "", http.StatusOK, "up 1\n"},
		"head":       {metrics, http.MethodHead, "", http.StatusOK, ""},
		"write":      {metrics, http.MethodPost, "", http.StatusMethodNotAllowed, "use GET"},
		"with body":  {metrics, http.MethodGet, "x", http.StatusBadRequest, "no body"},
		"no metrics": {nil, http.MethodGet, "", http.StatusNotFound, "no such path"},
	} {
		t.Run(name, func(t *testing.T) {
			scraped = 0
			server := New(Config{Metrics: test.metrics}, Readers{})
			recorder := httptest.NewRecorder()
			server.ServeHTTP(recorder, httptest.NewRequest(test.method, MetricsPath, strings.NewReader(test.body)))
			if recorder.Code != test.status || !strings.Contains(recorder.Body.String(), test.answer) || (scraped == 1) != (test.status == http.StatusOK) {
				t.Errorf("%d: %s; scraped %d times", recorder.Code, recorder.Body, scraped)
			}
			if recorder.Header().Get("X-Content-Type-Options") != "nosniff" || recorder.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("header %v", recorder.Header())
			}
		})
	}
}
