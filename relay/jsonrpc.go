package relay

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// MaxJSONDepth is how deep arrays and objects of a JSON-RPC payload may nest, the outermost included.
const MaxJSONDepth = 64

// MaxBatch is the largest number of requests in a JSON-RPC batch.
const MaxBatch = 64

// ValidateJSONRPC reports what keeps a payload from being a JSON-RPC 2.0 request that expects an answer, or a batch of 1
// to MaxBatch requests of which one does at least; it returns how many requests there are. A request is UTF-8 JSON, one
// object with "jsonrpc": "2.0", a non-empty "method", an "id" that is a string or a number, "params" absent, an array or
// an object, and nothing else. Within a batch "id" may be absent (a notification, which is not answered), and no two are
// the same: answers come in any order, and nothing else tells them apart. A repeated or unknown member is refused
// because the node behind the servicer might read it otherwise than its signer meant it. Errors: ErrMalformed.
func ValidateJSONRPC(payload []byte) (requests int, err error) {
	if !utf8.Valid(payload) {
		return 0, malformed("the payload is not UTF-8")
	}
	if !json.Valid(payload) {
		return 0, malformed("the payload is not JSON: %w", json.Unmarshal(payload, new(json.RawMessage)))
	}
	if depth := jsonDepth(payload); depth > MaxJSONDepth {
		return 0, malformed("the payload nests %d deep, more than %d", depth, MaxJSONDepth)
	}
	switch first := bytes.TrimLeft(payload, " \t\r\n")[0]; first {
	case '[':
		return checkBatch(payload)
	case '{':
		id, err := checkOne(payload)
		if err == nil && id == nil {
			err = malformed(`the payload has no "id", so nothing would answer it`)
		}
		return 1, err
	default:
		return 0, malformed("the payload is neither a JSON object nor an array")
	}
}

// checkBatch checks the requests of a valid JSON array one by one, and their ids together.
func checkBatch(payload []byte) (requests int, err error) {
	decoder := json.NewDecoder(bytes.NewReader(payload))
	if _, err := decoder.Token(); err != nil {
		return 0, malformed("the payload: %w", err)
	}
	ids := make(map[string]struct{})
	for ; decoder.More(); requests++ {
		if requests == MaxBatch {
			return 0, malformed("the batch has more than %d requests", MaxBatch)
		}
		var request json.RawMessage
		if err := decoder.Decode(&request); err != nil {
			return 0, malformed("the payload: %w", err)
		}
		if request[0] != '{' {
			return 0, malformed("the batch holds something that is not an object")
		}
		id, err := checkOne(request)
		if err != nil {
			return 0, err
		}
		if id == nil {
			continue
		}
		if _, repeated := ids[identity(id)]; repeated {
			return 0, malformed(`the batch has an "id" twice`)
		}
		ids[identity(id)] = struct{}{}
	}
	if len(ids) == 0 {
		return 0, malformed("nothing in the batch expects an answer")
	}
	return requests, nil
}

// identity is the same for ids that mean the same: escapes in strings and the notation of numbers do not count.
func identity(id json.RawMessage) string {
	var text string
	if json.Unmarshal(id, &text) == nil {
		return `"` + text
	}
	if number, err := strconv.ParseFloat(string(id), 64); err == nil {
		return strconv.FormatFloat(number, 'g', -1, 64)
	}
	return string(id) // beyond the range of floats
}

// checkOne checks one request and returns its id, nil when there is none.
func checkOne(object []byte) (id json.RawMessage, err error) {
	members, err := readMembers(object)
	if err != nil {
		return nil, err
	}
	return members["id"], checkMembers(members)
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
	if id, present := members["id"]; present && id[0] != '"' && id[0] != '-' && (id[0] < '0' || id[0] > '9') {
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
