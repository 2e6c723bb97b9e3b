package rpc

import (
	"context"
	_ "embed" // the document
	"net/http"
	"strconv"
)

// document is the API in OpenAPI 3. It is the source: tests hold the server, its answers and the client against it.
//
//go:embed v1/openapi.yaml
var document []byte

// openapi answers the document.
func (s *Server) openapi(_ context.Context, w http.ResponseWriter, r *http.Request, _ query) error {
	setHeaders(w.Header(), "application/yaml")
	w.Header().Set("Content-Length", strconv.Itoa(len(document)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	if _, err := w.Write(document); err != nil {
		s.logger.Debug("rpc client went away", "path", r.URL.Path, "error", err)
	}
	return nil
}
