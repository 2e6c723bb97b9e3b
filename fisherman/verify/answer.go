package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Sentinels of Read.
var (
	// ErrMalformed: not a JSON-RPC 2.0 response to the question, or not a JSON answer to a REST request.
	ErrMalformed = errors.New("malformed answer")
	// ErrBackend: a well-formed error; the node behind the servicer could not answer.
	ErrBackend = errors.New("error of the node")
)

// Digest is the SHA-256 of an answer's canonical form.
type Digest [sha256.Size]byte

// Read checks that a payload is a JSON-RPC 2.0 response to the question's payload and digests its result in canonical
// form (Canonical): the same data gives the same digest whatever its spacing, order of keys or spelling of numbers and
// strings, and the id and other members beside the result do not count, nor do the ignored fields of the result. Errors:
// ErrMalformed, ErrBackend.
func Read(question, payload []byte, ignored ...types.Pointer) (Digest, error) {
	response, err := members(payload)
	if err != nil {
		return Digest{}, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	var version string
	if json.Unmarshal(response["jsonrpc"], &version) != nil || version != "2.0" {
		return Digest{}, fmt.Errorf("%w: jsonrpc is not \"2.0\"", ErrMalformed)
	}
	if signalled := response["error"]; signalled != nil && string(signalled) != "null" {
		return Digest{}, readError(signalled)
	}
	if !answers(question, response["id"]) {
		return Digest{}, fmt.Errorf("%w: the id is not that of the question", ErrMalformed)
	}
	if response["result"] == nil {
		return Digest{}, fmt.Errorf("%w: neither result nor error", ErrMalformed)
	}
	canonical, err := Canonical(response["result"], ignored)
	if err != nil {
		return Digest{}, fmt.Errorf("%w: canonicalise the result: %v", ErrMalformed, err)
	}
	return sha256.Sum256(canonical), nil
}

// members splits a JSON object, whose nesting json.Unmarshal bounds. A name that is repeated, be it in another case,
// is refused: of {"result":1,"Result":2} one reader takes the first and another the second.
func members(object []byte) (map[string]json.RawMessage, error) {
	if err := json.Unmarshal(object, new(json.RawMessage)); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(object))
	if first, err := decoder.Token(); err != nil || first != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	found, seen := make(map[string]json.RawMessage), make(map[string]bool)
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		folded := strings.ToLower(strings.ToUpper(name)) // both ways, for letters such as ſ
		if seen[folded] {
			return nil, fmt.Errorf("member %q twice", clip(name))
		}
		seen[folded] = true
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		found[name] = value
	}
	return found, nil
}

// readError reads a JSON-RPC error.
func readError(object json.RawMessage) error {
	var signalled struct {
		Code    json.Number `json:"code"`
		Message string      `json:"message"`
	}
	if err := json.Unmarshal(object, &signalled); err != nil {
		return fmt.Errorf("%w: error: %v", ErrMalformed, err)
	}
	return fmt.Errorf("%w %s: %s", ErrBackend, clip(signalled.Code.String()), clip(signalled.Message))
}

func answers(question []byte, id json.RawMessage) bool {
	var asked struct {
		ID json.RawMessage `json:"id"`
	}
	if json.Unmarshal(question, &asked) != nil {
		return false
	}
	return len(asked.ID) > 0 && bytes.Equal(asked.ID, id)
}

// clip bounds a stranger's text and keeps it on one line.
func clip(text string) string {
	const most = 160
	line := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "…"
	}
	return line
}
