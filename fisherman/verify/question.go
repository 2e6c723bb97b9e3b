package verify

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

// QuestionText returns what a payload asks, whomever it is addressed to, as evidence shows it: the bytes of a JSON-RPC
// request, or {"rest": …}, which none is, with the body in base64. Different questions have different texts. It is empty
// for a payload without a question.
func QuestionText(payload types.Payload) []byte {
	if payload.REST == nil {
		return payload.JSONRPC
	}
	text, _ := json.Marshal(map[string]restQuestion{"rest": { // texts and bytes always encode
		Method: payload.REST.GetMethod(), Path: payload.REST.GetPath(), Headers: payload.REST.GetHeaders(), Body: payload.REST.GetBody()}})
	return text
}

// QuestionOf returns the payload that QuestionText wrote. What is no REST request is taken for a JSON-RPC request.
func QuestionOf(text []byte) types.Payload {
	var shown struct {
		REST *restQuestion `json:"rest"`
	}
	if json.Unmarshal(text, &shown) != nil || shown.REST == nil {
		return types.Payload{JSONRPC: text}
	}
	rest := shown.REST
	return types.Payload{REST: &types.RESTPayload{Method: rest.Method, Path: rest.Path, Headers: rest.Headers, Body: rest.Body}}
}
