package verify

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// mostQuoted bounds a stranger's text in an error, in bytes.
const mostQuoted = 160

// Digest is the SHA-256 of an answer's canonical form.
type Digest [sha256.Size]byte

// Class says what a node's answer is.
type Class int

// Classes of answers.
const (
	// Malformed is no answer to the question at all: not JSON, not JSON-RPC, or with another id.
	Malformed Class = iota
	// Value is data.
	Value
	// Empty is data without content: [], {} or "".
	Empty
	// Absence is null, or the word of the node that there is nothing of the kind (HTTP status 404, JSON-RPC error -32001).
	Absence
	// Claim is an error about the question itself, as in "reverted" or "slot skipped". Whether it is the truth is for the
	// other nodes to say.
	Claim
	// Failure is an error of the node: it could not answer.
	Failure
	// TooLarge is an answer with more values than are compared.
	TooLarge
)

// Reading is what an answer says.
type Reading struct {
	Class Class
	// Digest of the data's canonical form, or of the code of an error; one digest for every Absence. Zero for what is
	// malformed, and for a Failure without a code of its own.
	Digest Digest
	// Code of a Claim or a Failure: that of the JSON-RPC error, or the HTTP status.
	Code int64
	// Err says for a person what is wrong with an answer that is not data; nil for data.
	Err error
}

// Data reports whether the node answered with data.
func (r Reading) Data() bool { return r.Class == Value || r.Class == Empty }

// Admitted returns the reading with a Failure of one of the codes made a Claim: the truth of the question can be such an
// error, or the chain's nodes say with it that there is nothing of the kind. What a node could not answer by its HTTP status,
// or answered to another request, stays a Failure.
func (r Reading) Admitted(codes []int64) Reading {
	if r.Class == Failure && r.Digest != (Digest{}) && slices.Contains(codes, r.Code) {
		r.Class = Claim
	}
	return r
}

// Read reads what a node answered to the JSON-RPC question: a response with the question's id. The same data gives the
// same digest whatever its spacing, order of keys or spelling of numbers and strings; the id and other members beside the
// result do not count, nor do the ignored fields of the result. Status is the HTTP status that the answer came with; 0
// when it is not known.
//
// Nodes are taken as they are: "jsonrpc" may be missing when the id fits; an id may come back as another spelling of the
// number, or as its text; an error may be text, or have a code in text, or no id. An error with another request's id is a
// failure: nothing follows from it about this question.
func Read(question []byte, status uint32, payload []byte, form types.CompareForm, ignored ...types.Pointer) Reading {
	response, err := members(payload)
	if err == nil {
		err = checkVersion(response["jsonrpc"])
	}
	id := response["id"]
	fits := answers(question, id)
	if err == nil && signalled(response) {
		return readError(response["error"], status, fits || isNull(id))
	}
	if !succeeded(status) {
		return failed(status, payload)
	}
	switch {
	case err != nil:
		return malformed(err)
	case !fits:
		return malformed(ErrOtherID)
	case response["result"] == nil:
		return malformed(errors.New("neither result nor error"))
	}
	return read(response["result"], form, ignored)
}

// ErrOtherID is in the reading of an answer to another request.
var ErrOtherID = errors.New("the id is not that of the question")

// checkVersion takes what versions of JSON-RPC write, and nothing at all: Bitcoin's nodes do not name theirs.
func checkVersion(member json.RawMessage) error {
	if isNull(member) {
		return nil
	}
	var version string
	if json.Unmarshal(member, &version) != nil || !slices.Contains([]string{"", "1.0", "1.1", "2.0"}, version) {
		return errors.New("jsonrpc is not \"2.0\"")
	}
	return nil
}

func isNull(member json.RawMessage) bool { return member == nil || string(member) == "null" }

// signalled reports whether a response has an error. Where there is none, nodes leave it out or write null, false, 0 or
// blank text; beside data also an object or a list without content.
func signalled(response map[string]json.RawMessage) bool {
	member := response["error"]
	if isNull(member) {
		return false
	}
	if member := (scanner{text: member}); !member.blank() {
		return true
	}
	return (member[0] == '{' || member[0] == '[') && isNull(response["result"])
}

// read reads data.
func read(data []byte, form types.CompareForm, ignored []types.Pointer) Reading {
	canonical, err := Canonical(data, ignored)
	if err != nil {
		return malformed(fmt.Errorf("canonicalise the answer: %w", err))
	}
	switch string(canonical) {
	case "null":
		return absent(0, errors.New("the node answered null"))
	case "[]", "{}", `""`:
		return Reading{Class: Empty, Digest: sha256.Sum256(canonical)}
	}
	canonical = inForm(canonical, form)
	return Reading{Class: Value, Digest: sha256.Sum256(canonical)}
}

// absent is an answer that there is nothing. All have one digest, that of null.
func absent(code int64, err error) Reading {
	return Reading{Class: Absence, Digest: sha256.Sum256([]byte("null")), Code: code, Err: err}
}

func malformed(err error) Reading {
	if errors.Is(err, ErrTooLarge) {
		return Reading{Class: TooLarge, Err: err}
	}
	return Reading{Class: Malformed, Err: fmt.Errorf("malformed answer: %w", err)}
}

// inForm writes canonical JSON that is hexadecimal text in the one form that it has: in lower case, and a number without
// leading zeros. Anything else stays as it is.
func inForm(canonical []byte, form types.CompareForm) []byte {
	if form == types.CompareForm_COMPARE_FORM_JSON {
		return canonical
	}
	digits, prefixed := strings.CutPrefix(strings.ToLower(string(canonical)), `"0x`)
	digits, closed := strings.CutSuffix(digits, `"`)
	if !prefixed || !closed || strings.Trim(digits, "0123456789abcdef") != "" {
		return canonical
	}
	if form == types.CompareForm_COMPARE_FORM_HEX_NUMBER {
		digits = cmp.Or(strings.TrimLeft(digits, "0"), "0")
	}
	return []byte(`"0x` + digits + `"`)
}

// mostMembers bounds the members of a response and of its error. Nodes have fewer than ten.
const mostMembers = 256

// members splits a JSON object, whose nesting the library bounds. A name that is repeated, be it in another case, is
// refused: of {"result":1,"Result":2} one reader takes the first and another the second.
func members(object []byte) (map[string]json.RawMessage, error) {
	if err := valid(object); err != nil {
		return nil, err
	}
	s := scanner{text: object}
	if s.next() != '{' {
		return nil, errors.New("not a JSON object")
	}
	found, seen := make(map[string]json.RawMessage), make(map[string]bool)
	for s.at++; s.next() != '}'; {
		start := s.at
		s.quoted()
		name := unquoted(object[start:s.at])
		folded := strings.ToLower(strings.ToUpper(name)) // both ways, for letters such as ſ
		if seen[folded] {
			return nil, fmt.Errorf("member %q twice", text.Line(name, mostQuoted))
		}
		if len(seen) == mostMembers {
			return nil, fmt.Errorf("%w: more than %d members", ErrTooLarge, mostMembers)
		}
		seen[folded] = true
		s.next()
		start = s.at
		s.skip()
		found[name] = object[start:s.at]
	}
	return found, nil
}

// codeNotFound is EIP-1474's "resource not found".
const codeNotFound = -32001

// isFailure reports whether an error code says that the node could not answer: one of JSON-RPC 2.0, of Ethereum's lists
// (EIP-1474, EIP-4444), or an HTTP status as gateways write it. Any other is a claim.
func isFailure(code int64) bool {
	switch code {
	case -32700, -32600, -32601, -32603, // parse error, invalid request, method not found, internal error
		-32002, -32004, -32005, // resource unavailable, method not supported, limit exceeded
		4444, 429, 503: // pruned history, too many requests, service unavailable
		return true
	}
	return false
}

// readError reads the error of a JSON-RPC answer: an object with a code and a message, or whatever nodes write instead.
// About says whether it can be about the question, by its id.
func readError(signalled json.RawMessage, status uint32, about bool) Reading {
	said, literal := signalled, signalled
	object, notObject := members(signalled)
	if notObject == nil {
		literal = object["code"]
		if object["message"] != nil {
			said = object["message"]
		}
	}
	code, coded := number64(literal)
	words := unquoted(said)
	if data := object["data"]; !isNull(data) {
		words += ": " + unquoted(data) // CometBFT says here what is wrong
	}
	err := fmt.Errorf("error of the node %s: %s",
		text.Line(cmp.Or(unquoted(object["code"]), "without a code"), mostQuoted), text.Line(words, mostQuoted))
	switch {
	case !coded || !about || unable(status):
		return Reading{Class: Failure, Code: code, Err: err}
	case code == codeNotFound:
		return absent(code, err)
	}
	return withCode(code, isFailure(code), err)
}

// withCode is an error that is told from others by its code.
func withCode(code int64, failure bool, err error) Reading {
	reading := Reading{Class: Claim, Code: code, Digest: sha256.Sum256(fmt.Appendf(nil, "error %d", code)), Err: err}
	if failure {
		reading.Class = Failure
	}
	return reading
}

// number64 reads an integer in any spelling, or its text.
func number64(literal json.RawMessage) (int64, bool) {
	canonical, _ := numeral(unquoted(literal))
	if code, err := strconv.ParseInt(canonical, 10, 64); err == nil {
		return code, true
	}
	return 0, false
}

// numeral is the canonical form of what is a number in JSON.
func numeral(content string) (string, bool) {
	if !json.Valid([]byte(content)) {
		return "", false
	}
	canonical, err := number(content)
	return canonical, err == nil
}

// unquoted is the content of a JSON string, or any other literal as it is.
func unquoted(literal []byte) string {
	var content string
	if json.Unmarshal(literal, &content) != nil {
		return string(literal)
	}
	return content
}

// answers reports whether an id is that of the question: the same text, or the same number in any spelling, as a number
// or as text. A verdict must not depend on whether the question's id was drawn as a number or as text.
func answers(question []byte, id json.RawMessage) bool {
	var asked struct {
		ID json.RawMessage `json:"id"`
	}
	if json.Unmarshal(question, &asked) != nil || len(asked.ID) == 0 || len(id) == 0 {
		return false
	}
	return bytes.Equal(asked.ID, id) || identity(asked.ID) == identity(id)
}

// identity is a form that all spellings of an id share.
func identity(id json.RawMessage) string {
	content := unquoted(id)
	if canonical, is := numeral(content); is {
		return canonical
	}
	return string(id[:1]) + content
}
