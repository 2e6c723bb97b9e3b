package protocol

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// A JSON-RPC id is what binds an answer to its question: nothing else in a relay does. Each question to each supplier has
// a random one, which nobody else knows; in the answer it is replaced by the id that was asked with, so that the answers
// of suppliers can be compared.

// boundID is one id of a request.
type boundID struct {
	// asked is the literal of the payload that Seal was given.
	asked json.RawMessage
	// sent is the random one.
	sent uint64
}

// idBits is how much of an id is random. Every reader of JSON takes integers of this size as they are.
const idBits = 53

// Sentinels of the binding by id.
var (
	// errNotBound is of answers whose id is missing or null.
	errNotBound = errors.New("the answer has no id: nothing shows that it is to this request")
	// errOtherID is of answers to another request.
	errOtherID = errors.New("the answer's id is not that of the request")
	// errNotRPC is of answers that are not JSON-RPC.
	errNotRPC = errors.New("not a JSON-RPC answer")
)

// bindIDs replaces every id of a JSON-RPC request, or of a batch of them, by a random one.
func bindIDs(payload []byte) ([]byte, []boundID, error) {
	if !json.Valid(payload) {
		return nil, nil, errors.New("payload is not JSON")
	}
	var bound []boundID
	replaced, err := replaceIDs(payload, func(asked json.RawMessage) (json.RawMessage, error) {
		var random [8]byte
		if _, err := rand.Read(random[:]); err != nil {
			return nil, err
		}
		// Of one length in most cases, and never 0, which some nodes take for none.
		id := boundID{asked: slices.Clone(asked), sent: binary.BigEndian.Uint64(random[:])>>(64-idBits) | 1<<(idBits-1)}
		bound = append(bound, id)
		return json.RawMessage(strconv.FormatUint(id.sent, 10)), nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("payload is not a JSON-RPC request: %w", err)
	}
	if len(bound) == 0 {
		return nil, nil, errors.New("payload is not a JSON-RPC request with an id")
	}
	return replaced, bound, nil
}

// restoreIDs verifies that every id of a request is in the answer, once, and no other, and puts back those that were
// asked with. Errors: errNotBound, errOtherID, errNotRPC.
func restoreIDs(answer []byte, bound []boundID) ([]byte, error) {
	open := slices.Clone(bound)
	restored, err := replaceIDs(answer, func(given json.RawMessage) (json.RawMessage, error) {
		if string(given) == "null" {
			return nil, errNotBound
		}
		at := slices.IndexFunc(open, func(id boundID) bool { return isID(given, id.sent) })
		if at < 0 {
			return nil, errOtherID
		}
		asked := open[at].asked
		open = slices.Delete(open, at, at+1)
		return asked, nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(open) > 0:
		return nil, errNotBound
	}
	return restored, nil
}

// isID reports whether a literal is an id: the number in any spelling, or as text.
func isID(literal json.RawMessage, id uint64) bool {
	if len(literal) > 0 && literal[0] == '"' {
		var text string
		if json.Unmarshal(literal, &text) != nil {
			return false
		}
		literal = json.RawMessage(text)
	}
	if len(literal) > longestID || !json.Valid(literal) {
		return false
	}
	if string(literal) == strconv.FormatUint(id, 10) {
		return true
	}
	number, err := strconv.ParseFloat(string(literal), 64)
	return err == nil && number == float64(id) // exact: an id has 53 bits
}

// longestID bounds the spelling of an id.
const longestID = 64

// replaceIDs returns JSON with the ids of its objects, or of its only one, replaced. Nothing else changes. Text that only
// begins like JSON may pass: whoever reads the answer finds that out.
func replaceIDs(text []byte, replace func(json.RawMessage) (json.RawMessage, error)) ([]byte, error) {
	r := replacer{scanner: scanner{text: text}, replace: replace}
	var err error
	switch r.next() {
	case '{':
		err = r.object()
	case '[':
		err = r.batch()
	default:
		err = errNotRPC
	}
	switch {
	case err != nil:
		return nil, err
	case r.next() != 0:
		return nil, errNotRPC
	}
	return append(r.made, text[r.copied:]...), nil
}

type replacer struct {
	scanner
	replace func(json.RawMessage) (json.RawMessage, error)
	made    []byte
	copied  int
}

// batch replaces the ids of the objects of a list.
func (r *replacer) batch() error {
	for r.at++; r.next() != ']'; {
		if r.next() != '{' {
			return errNotRPC
		}
		if err := r.object(); err != nil {
			return err
		}
		if r.next() == ',' {
			r.at++
		}
	}
	r.at++
	return nil
}

// object replaces the id of the object that follows. One with two ids is refused: readers do not agree on which of them
// counts.
func (r *replacer) object() error {
	found := false
	for r.at++; r.next() != '}'; {
		name := r.quoted()
		if name == nil || r.next() != ':' {
			return errNotRPC
		}
		r.at++
		r.next()
		start := r.at
		if !r.skip() {
			return errNotRPC
		}
		if isIDName(name) {
			if found {
				return errNotRPC
			}
			found = true
			with, err := r.replace(json.RawMessage(r.text[start:r.at]))
			if err != nil {
				return err
			}
			r.made = append(append(r.made, r.text[r.copied:start]...), with...)
			r.copied = r.at
		}
		if r.next() == ',' {
			r.at++
		}
	}
	r.at++
	return nil
}

// isIDName reports whether a JSON string is "id", with whatever escapes.
func isIDName(quoted []byte) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted) == `"id"`
	}
	var name string
	return len(quoted) <= len(`"\u0069\u0064"`) && json.Unmarshal(quoted, &name) == nil && name == "id"
}
