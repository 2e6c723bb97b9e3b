package servicer

import (
	"io"
	"net/http"
	"strconv"

	"github.com/pocket-fisherman/fisherman/relay"
)

// Handler takes relays over HTTP: POST to relay.Path only (404 and 405 otherwise). Whatever could be read is answered
// with status 200 and a sealed response, refusals included; a body that breaks off is answered with 400. The answer
// has a Content-Length, so it is not chunked.
func (s *Servicer) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != relay.Path {
			http.Error(w, "relays are taken at "+relay.Path, http.StatusNotFound)
			return
		}
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "relays are taken by POST", http.StatusMethodNotAllowed)
			return
		}
		// One byte more than allowed, so that HandleRelay sees when it is too much. The connection is of no use after
		// that: the rest of the body is still on its way.
		envelope, err := io.ReadAll(io.LimitReader(r.Body, relay.MaxRequestBytes+1))
		if err != nil {
			w.Header().Set("Connection", "close")
			http.Error(w, "the body broke off", http.StatusBadRequest)
			return
		}
		if len(envelope) > relay.MaxRequestBytes {
			w.Header().Set("Connection", "close")
		}
		response := s.HandleRelay(r.Context(), envelope)
		w.Header().Set("Content-Type", relay.ContentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(response)))
		_, _ = w.Write(response) // The client is gone when this fails; there is nobody to tell.
	})
}
