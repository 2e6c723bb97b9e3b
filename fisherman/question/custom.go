package question

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Bounds of a custom list.
const (
	// MostTemplates is the longest list.
	MostTemplates = 256
	// MostRange is the longest range of blocks.
	MostRange = 10_000
	// CustomDepth is the settled depth of a custom list, unless its owner knows better: that of Ethereum.
	CustomDepth = EVMFinality
	// MostErrors is the most codes of errors that can be the truth of one question.
	MostErrors = 16

	customMaxLag = evmMaxLag
	mostMethod   = 64
	mostParams   = 4 << 10
	mostPath     = 1 << 10
	mostHeaders  = 8
	mostHeader   = 256
)

// Template is a question of a custom list: a JSON-RPC method with parameters, or a REST path with headers, asked by GET.
// Placeholders in the parameters, the path and the values of the headers stand for a random settled height.
type Template struct {
	Method string
	// Params is a JSON array or object; nothing means an empty array.
	Params []byte
	Path   string
	// Headers by name.
	Headers map[string]string
	// Range is the most blocks of a range from {from} to {height}: 2 to MostRange; 0 for no range.
	Range int64
	// Nothing says that null, empty or not found can be the truth; Errors are codes of errors that can be: JSON-RPC's, or
	// HTTP statuses.
	Nothing bool
	Errors  []int64
}

// Custom is a catalogue of a user's own questions, 1 to MostTemplates of them, all JSON-RPC or all REST. Whether honest
// nodes answer them alike is up to the user. Errors say which question is wrong, why, and what would be right.
func Custom(templates []Template, depth int64) (Catalogue, error) {
	if len(templates) == 0 || len(templates) > MostTemplates {
		return Catalogue{}, fmt.Errorf("questions is %d of them; allowed: 1 to %d", len(templates), MostTemplates)
	}
	catalogue, seen := Catalogue{Name: NameCustom, Depth: depth, Styles: restStyles(), MaxLag: customMaxLag}, make(map[string]int)
	for i, each := range templates {
		made, err := each.compile()
		if err != nil {
			return Catalogue{}, fmt.Errorf("questions[%d]: %w", i, err)
		}
		if (each.Path == "") != (templates[0].Path == "") {
			return Catalogue{}, fmt.Errorf("questions[%d]: JSON-RPC and REST are mixed; a relay chain's nodes take one of them", i)
		}
		text := made.String()
		if first, repeated := seen[text]; repeated {
			return Catalogue{}, fmt.Errorf("questions[%d] is the same as questions[%d]", i, first)
		}
		seen[text] = i
		if err := each.checkErrors(); err != nil {
			return Catalogue{}, fmt.Errorf("questions[%d]: %w", i, err)
		}
		kind := made.kind()
		kind.Nothing, kind.Errors = each.Nothing, each.Errors
		catalogue.Kinds = append(catalogue.Kinds, kind)
	}
	if templates[0].Path == "" {
		catalogue.Styles = customStyles(templates)
	}
	return catalogue, nil
}

// CustomHead is how the head of a relay chain is learnt by a question without placeholders, in whose answer a JSON
// pointer (RFC 6901) leads to the height: a number, or text in decimal or, behind 0x, hex.
func CustomHead(template Template, pointer string) (*Head, error) {
	made, err := template.compile()
	if err != nil {
		return nil, fmt.Errorf("head: %w", err)
	}
	if !made.timeless() {
		return nil, errors.New("head: the question for the newest height has a placeholder for one")
	}
	if err := checkPointer(pointer); err != nil {
		return nil, fmt.Errorf("head: height %w", err)
	}
	return &Head{
		Call: made.call(0, 0),
		Read: func(answer []byte) (int64, error) { return heightAt(answer, pointer) },
	}, nil
}

// checkErrors checks the codes of errors that can be the truth.
func (t Template) checkErrors() error {
	if len(t.Errors) > MostErrors {
		return fmt.Errorf("errors is %d codes; allowed: at most %d", len(t.Errors), MostErrors)
	}
	for i, code := range t.Errors {
		if t.Path != "" && (code < 400 || code > 500 || code == 429) {
			return fmt.Errorf("errors[%d] is %d; allowed: HTTP statuses from 400 to 500 other than 429, as with others a node says that it cannot answer", i, code)
		}
	}
	return nil
}

// customStyles: parameters by name are written by CometBFT's clients, those by place by Ethereum's.
func customStyles(templates []Template) []Style {
	for _, each := range templates {
		if bytes.HasPrefix(bytes.TrimSpace(each.Params), []byte("{")) {
			return cometbftStyles()
		}
	}
	return ethereumStyles()
}

// custom is a compiled template.
type custom struct {
	method       string
	params, path template
	names        []string // of the headers, sorted
	headers      []template
	blocks       int64
}

func (t Template) compile() (custom, error) {
	var made custom
	var err error
	switch {
	case (t.Method == "") == (t.Path == ""):
		return custom{}, errors.New("exactly one of method (JSON-RPC) and path (REST) is needed")
	case t.Path == "" && len(t.Headers) > 0:
		return custom{}, errors.New("headers are for REST questions, which have a path")
	case t.Path != "" && len(t.Params) > 0:
		return custom{}, errors.New("params are for JSON-RPC questions, which have a method; a path has its query")
	case t.Path == "":
		made, err = compileRPC(t.Method, t.Params)
	default:
		made, err = compileREST(t.Path, t.Headers)
	}
	if err != nil {
		return custom{}, err
	}
	made.blocks = t.Range
	return made, made.checkRange()
}

func compileRPC(method string, params []byte) (custom, error) {
	if len(method) > mostMethod || strings.ContainsFunc(method, notOf("_.:/-")) {
		return custom{}, fmt.Errorf("method %.80q is not 1 to %d letters, digits and any of _.:/-", method, mostMethod)
	}
	if len(params) == 0 {
		params = []byte("[]")
	}
	if len(params) > mostParams {
		return custom{}, fmt.Errorf("params has %d bytes, more than %d", len(params), mostParams)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, params); err != nil || !utf8.Valid(params) {
		return custom{}, errors.New("params is not JSON in UTF-8")
	}
	if first := compact.Bytes()[0]; first != '[' && first != '{' {
		return custom{}, errors.New("params is neither a JSON array nor an object")
	}
	parsed, err := parseJSON(compact.String())
	if err != nil {
		return custom{}, fmt.Errorf("params: %w", err)
	}
	return custom{method: method, params: parsed}, nil
}

func compileREST(path string, headers map[string]string) (custom, error) {
	if len(path) > mostPath || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsFunc(path, unprintable) {
		return custom{}, fmt.Errorf(`path %.80q does not begin with one "/", has more than %d bytes, or has characters that have to be percent-encoded`, path, mostPath)
	}
	made := custom{names: slices.Sorted(maps.Keys(headers))}
	var err error
	if made.path, err = parseText(path); err != nil {
		return custom{}, fmt.Errorf("path: %w", err)
	}
	if len(headers) > mostHeaders {
		return custom{}, fmt.Errorf("headers is %d of them; allowed: at most %d", len(headers), mostHeaders)
	}
	seen := make(map[string]bool)
	for _, name := range made.names {
		if seen[strings.ToLower(name)] {
			return custom{}, fmt.Errorf("header %.80q is given twice", name)
		}
		seen[strings.ToLower(name)] = true
		value := headers[name]
		if name == "" || len(name) > mostMethod || strings.ContainsFunc(name, notOf("-")) || value == "" || len(value) > mostHeader ||
			strings.ContainsFunc(value, func(r rune) bool { return r != ' ' && unprintable(r) }) {
			return custom{}, fmt.Errorf("header %.80q is not a name of letters, digits and - with a value of 1 to %d printable characters", name, mostHeader)
		}
		parsed, err := parseText(value)
		if err != nil {
			return custom{}, fmt.Errorf("header %s: %w", name, err)
		}
		made.headers = append(made.headers, parsed)
	}
	return made, nil
}

// unprintable tells of a character that it cannot be in a path as it is.
func unprintable(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' || r == '\\' }

// notOf tells of a character that it is neither an ASCII letter or digit nor one of the signs.
func notOf(signs string) func(rune) bool {
	return func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune(signs, r)
	}
}

// checkRange: a range has both ends and a length.
func (c custom) checkRange() error {
	from, to := c.has(placeFrom, placeFromHex, placeFromNumber), c.has(placeHeight, placeHeightHex, placeHeightNumber)
	switch {
	case c.blocks == 0 && !from:
		return nil
	case c.blocks < 2 || c.blocks > MostRange:
		return fmt.Errorf("range is %d; allowed: 2 to %d blocks for a question with {from}, else 0", c.blocks, MostRange)
	case !from || !to:
		return errors.New("a range has a {from} and a {height}")
	}
	return nil
}

func (c custom) has(places ...string) bool {
	return c.params.has(places...) || c.path.has(places...) ||
		slices.ContainsFunc(c.headers, func(header template) bool { return header.has(places...) })
}

func (c custom) timeless() bool { return !c.has(placeHeight, placeHeightHex, placeHeightNumber) }

// String is the same for templates that make the same questions.
func (c custom) String() string {
	return fmt.Sprintf("%q", []any{c.method, c.params, c.path, c.names, c.headers})
}

func (c custom) kind() Kind {
	return Kind{
		Timeless: c.timeless(),
		Variants: c.blocks,
		Call: func(_ *rand.Rand, height, variant int64) (Call, bool) {
			return c.call(height, height-variant), height > variant
		},
	}
}

func (c custom) call(height, from int64) Call {
	if c.method != "" {
		params := c.params.fill(height, from)
		return Call{label: c.method + " " + params, method: c.method, params: params}
	}
	headers := make([]*types.HTTPHeader, len(c.names))
	for i, name := range c.names {
		headers[i] = &types.HTTPHeader{Name: name, Value: c.headers[i].fill(height, from)}
	}
	return Get(c.path.fill(height, from), headers...)
}
