package rpc

import (
	"context"
	_ "embed" // the document
	"net/http"
	"sync"

	"github.com/pocket-fisherman/fisherman/shared/packed"
)

// document is the API in OpenAPI 3. It is the source: tests hold the server, its answers and the client against it.
//
//go:embed v1/openapi.yaml
var document []byte

// documentContent is the document, compressed once.
var documentContent = sync.OnceValue(func() content {
	piece := packed.Pack(document)
	return newContent([]packed.Part{{Piece: &piece, Text: document}}, [][packed.DigestSize]byte{piece.Digest()})
})

// openapi answers the document.
func (s *Server) openapi(_ context.Context, w http.ResponseWriter, r *http.Request, _ query) error {
	made := documentContent()
	if !unchanged(w, r, &made) {
		s.send(w, r, http.StatusOK, "application/yaml", &made)
	}
	return nil
}
