package servicer

import (
	"io"
	"net/http"
	"strconv"

	"github.com/pocket-fisherman/fisherman/relay"
)

// textIncomplete is the answer to a request whose body breaks off.
const textIncomplete = "the body is incomplete"

// Handler serves relays over HTTP: POST to relay.Path only (404 and 405 otherwise). Every complete request is answered
// with status 200 and a sealed response, refusals included; a body that breaks off is answered with 400. The answer has
// a Content-Length, so it is not chunked. The connection is kept after an answer to a member of the session only: a client that
// asks anything else, which costs nothing, connects anew each time.
func (s *Servicer) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != relay.Path {
			w.Header().Set("Connection", "close")
			http.Error(w, "relays are accepted at "+relay.Path, http.StatusNotFound)
			return
		}
		if r.Method != http.MethodPost {
			w.Header().Set("Connection", "close")
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "relays are accepted by POST", http.StatusMethodNotAllowed)
			return
		}
		// Read one byte more than allowed, so that an oversized body is noticed.
		envelope, err := io.ReadAll(io.LimitReader(r.Body, relay.MaxRequestBytes+1))
		if err != nil {
			w.Header().Set("Connection", "close")
			http.Error(w, textIncomplete, http.StatusBadRequest)
			return
		}
		response, signed := s.handle(r.Context(), envelope)
		if !signed {
			w.Header().Set("Connection", "close")
		}
		w.Header().Set("Content-Type", relay.ContentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(response)))
		_, _ = w.Write(response) // If this fails the client is gone and cannot be told.
	})
}
