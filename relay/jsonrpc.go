package relay

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// MaxJSONDepth is how deep arrays and objects of a JSON-RPC request may nest, the request object itself included.
const MaxJSONDepth = 64

// ValidateJSONRPC reports what keeps a payload from being one JSON-RPC 2.0 request that expects an answer: UTF-8 JSON,
// one object with "jsonrpc": "2.0", a non-empty "method", an "id" that is a string or a number, "params" absent, an
// array or an object, and nothing else. Batches are not taken. A repeated or unknown member is refused because the
// node behind the servicer might read it otherwise than its signer meant it. Errors: ErrMalformed.
func ValidateJSONRPC(payload []byte) error {
	if !utf8.Valid(payload) {
		return malformed("the payload is not UTF-8")
	}
	if !json.Valid(payload) {
		return malformed("the payload is not JSON: %w", json.Unmarshal(payload, new(json.RawMessage)))
	}
	switch first := bytes.TrimLeft(payload, " \t\r\n")[0]; {
	case first == '[':
		return malformed("the payload is a JSON-RPC batch; send its requests one by one")
	case first != '{':
		return malformed("the payload is not a JSON object")
	}
	if depth := jsonDepth(payload); depth > MaxJSONDepth {
		return malformed("the payload nests %d deep, more than %d", depth, MaxJSONDepth)
	}
	members, err := readMembers(payload)
	if err != nil {
		return err
	}
	return checkMembers(members)
}

// readMembers splits a valid JSON object into its members, which must be those of a JSON-RPC request, once each.
func readMembers(object []byte) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if _, err := decoder.Token(); err != nil {
		return nil, malformed("the payload: %w", err)
	}
	members := make(map[string]json.RawMessage, 4)
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, malformed("the payload: %w", err)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, malformed("the payload: %w", err)
		}
		name, _ := token.(string)
		switch name {
		case "jsonrpc", "method", "params", "id":
		default:
			return nil, malformed("the payload has a member other than jsonrpc, method, params and id")
		}
		if _, repeated := members[name]; repeated {
			return nil, malformed("the payload has %q twice", name)
		}
		members[name] = value
	}
	return members, nil
}

func checkMembers(members map[string]json.RawMessage) error {
	var version, method string
	if json.Unmarshal(members["jsonrpc"], &version) != nil || version != "2.0" {
		return malformed(`the payload's "jsonrpc" is not "2.0"`)
	}
	if json.Unmarshal(members["method"], &method) != nil || method == "" {
		return malformed(`the payload's "method" is not a non-empty string`)
	}
	if id := members["id"]; len(id) == 0 || (id[0] != '"' && id[0] != '-' && (id[0] < '0' || id[0] > '9')) {
		return malformed(`the payload's "id" is not a string or a number`)
	}
	if params, present := members["params"]; present && params[0] != '[' && params[0] != '{' {
		return malformed(`the payload's "params" is not an array or an object`)
	}
	return nil
}

// jsonDepth is the deepest nesting of valid JSON.
func jsonDepth(text []byte) int {
	depth, deepest, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest
}
