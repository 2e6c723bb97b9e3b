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
	ids := make(map[string]struct{})
	for elements := contents(payload); ; requests++ {
		request := elements.value()
		if request == nil {
			break
		}
		if requests == MaxBatch {
			return 0, malformed("the batch has more than %d requests", MaxBatch)
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

// members are those of a JSON-RPC request; nil for one that is absent.
type members struct{ jsonrpc, method, params, id json.RawMessage }

// of returns the member of a name; nil for a name that no member may have.
func (m *members) of(name []byte) *json.RawMessage {
	switch string(name) {
	case "jsonrpc":
		return &m.jsonrpc
	case "method":
		return &m.method
	case "params":
		return &m.params
	case "id":
		return &m.id
	}
	return nil
}

// checkOne checks one request and returns its id, nil when there is none.
func checkOne(object []byte) (id json.RawMessage, err error) {
	members, err := readMembers(object)
	if err != nil {
		return nil, err
	}
	return members.id, members.check()
}

// readMembers splits a valid JSON object into its members, which must be those of a JSON-RPC request, once each.
func readMembers(object []byte) (read members, err error) {
	for within := contents(object); ; {
		quoted := within.value()
		if quoted == nil {
			return read, nil
		}
		name, value := unquoted(quoted), within.value()
		member := read.of(name)
		if member == nil {
			return read, malformed("the payload has a member other than jsonrpc, method, params and id")
		}
		if *member != nil {
			return read, malformed("the payload has %q twice", name)
		}
		*member = value
	}
}

func (m *members) check() error {
	if string(unquoted(m.jsonrpc)) != "2.0" {
		return malformed(`the payload's "jsonrpc" is not "2.0"`)
	}
	if len(unquoted(m.method)) == 0 {
		return malformed(`the payload's "method" is not a non-empty string`)
	}
	if m.id != nil && m.id[0] != '"' && m.id[0] != '-' && (m.id[0] < '0' || m.id[0] > '9') {
		return malformed(`the payload's "id" is not a string or a number`)
	}
	if m.params != nil && m.params[0] != '[' && m.params[0] != '{' {
		return malformed(`the payload's "params" is not an array or an object`)
	}
	return nil
}

// unquoted returns a JSON string; empty for what is none.
func unquoted(value json.RawMessage) []byte {
	if len(value) < 2 || value[0] != '"' {
		return nil
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1]
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return nil
	}
	return []byte(text)
}

// elements are what is left of a valid JSON array or object.
type elements struct{ rest []byte }

// contents returns what is in a valid array or object.
func contents(compound []byte) elements {
	return elements{bytes.Trim(compound, whiteSpace)[1:]}
}

const whiteSpace = " \t\r\n"

// value returns the next value, or the next member's name, without white space around it; nil after the last one.
func (e *elements) value() json.RawMessage {
	e.rest = bytes.TrimLeft(e.rest, whiteSpace+",:")
	size := valueSize(e.rest)
	value := e.rest[:size:size]
	e.rest = e.rest[size:]
	if size == 0 {
		return nil
	}
	return value
}

// valueSize returns the length of the value that valid JSON begins with; 0 at the end of an array or object.
func valueSize(text []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			if quoted = !quoted; !quoted && depth == 0 {
				return i + 1
			}
		case quoted:
		case c == '[' || c == '{':
			depth++
		case (c == ']' || c == '}') && depth == 1:
			return i + 1
		case c == ']' || c == '}':
			if depth == 0 {
				return i
			}
			depth--
		case depth == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n'):
			return i
		}
	}
	return len(text)
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
