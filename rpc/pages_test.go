package rpc

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPagesAreServedBesideTheAPI(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "panic" {
			panic("a page that fails")
		}
		w.WriteHeader(http.StatusTeapot)
	})
	readers, _, _ := readersAt(23)
	server := New(Config{Pages: map[string]http.Handler{"/": page}}, readers)
	for target, want := range map[string]int{"/": http.StatusTeapot, "/?any=thing": http.StatusTeapot, "/?panic": http.StatusInternalServerError,
		"/other": http.StatusNotFound, "//": http.StatusNotFound, "/v1/status": http.StatusOK} {
		recorder := httptest.NewRecorder()
		server.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, target, nil))
		if recorder.Code != want {
			t.Errorf("GET %s: %d, want %d: %s", target, recorder.Code, want, strings.TrimSpace(recorder.Body.String()))
		}
	}
}
