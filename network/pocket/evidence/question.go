package evidence

import (
	"encoding/json"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// restQuestion is a REST request as evidence shows it.
type restQuestion struct {
	Method  string              `json:"method"`
	Path    string              `json:"path"`
	Headers []*types.HTTPHeader `json:"headers,omitempty"`
	Body    []byte              `json:"body,omitempty"`
}

// questionOf is what a request asks, whomever it is addressed to: the bytes of a JSON-RPC request, or {"rest": …}, which
// none is, with the body in base64. Different questions have different texts. It is empty for a request without one.
func questionOf(request *types.RelayRequest) []byte {
	payload := types.PayloadOf(request)
	if payload.REST == nil {
		return payload.JSONRPC
	}
	text, _ := json.Marshal(map[string]restQuestion{"rest": { // texts and bytes always encode
		Method: payload.REST.GetMethod(), Path: payload.REST.GetPath(), Headers: payload.REST.GetHeaders(), Body: payload.REST.GetBody()}})
	return text
}

// isREST reports whether a piece's question is a REST request, whose answer is a body of its own and no result in one.
func isREST(question string) bool {
	var shown struct {
		REST *restQuestion `json:"rest"`
	}
	return json.Unmarshal([]byte(question), &shown) == nil && shown.REST != nil
}
