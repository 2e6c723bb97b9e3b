package verify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// modelCanonical is the form as it was first written, by a tree of the whole value: it writes a JSON value in the one form that all spellings of it have: RFC 8785, but that integers keep all of
// their digits (docs/adr/0028). What the ignored pointers name is left out: members of objects vanish, elements of arrays
// become null. Values that the RFC does not admit (a repeated name, half a surrogate, a number beyond a double's range)
// are errors.
//
// Writing what was written gives the same bytes, and two values have the same form only if they are equal: integers by
// every digit, fractions as IEEE 754 doubles.
func modelCanonical(text []byte, ignored []types.Pointer) ([]byte, error) {
	// The library bounds the nesting and checks the grammar, so that the modelParser below need not.
	if !json.Valid(text) {
		return nil, json.Unmarshal(text, new(json.RawMessage)) // says what is wrong
	}
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	p := modelParser{text: text}
	root, err := p.value()
	if err != nil {
		return nil, err
	}
	for _, pointer := range ignored {
		root.drop(pointer)
	}
	return root.write(make([]byte, 0, len(text))), nil
}

// value of JSON: a string, another scalar in canonical form, or the parts of an array or an object.
type modelValue struct {
	// kind is '[', '{', '"' for a string or, for other scalars, 0.
	kind   byte
	scalar string
	// elements of an array, members of an object in canonical order.
	elements []modelValue
	names    []modelName
}

// name of a member.
type modelName struct {
	text string
	at   int // its element
}

// compare orders names as the RFC does (§3.2.3), by UTF-16 code units. Those are in the order of code points, but that
// what is beyond the basic plane comes before its end, because it begins with a surrogate.
func (n modelName) compare(other modelName) int {
	at := 0
	for at < min(len(n.text), len(other.text)) && n.text[at] == other.text[at] {
		at++
	}
	if at == min(len(n.text), len(other.text)) {
		return cmp.Compare(len(n.text), len(other.text))
	}
	for !utf8.RuneStart(n.text[at]) || !utf8.RuneStart(other.text[at]) {
		at--
	}
	place := func(text string) rune {
		point, _ := utf8.DecodeRuneInString(text[at:])
		if 0xE000 <= point && point <= 0xFFFF {
			return point + utf8.MaxRune
		}
		return point
	}
	return cmp.Compare(place(n.text), place(other.text))
}

// drop takes out what a pointer names, if it is there.
func (v *modelValue) drop(pointer types.Pointer) {
	token, rest := pointer[0], pointer[1:]
	switch v.kind {
	case '{':
		at := slices.IndexFunc(v.names, func(n modelName) bool { return n.text == token })
		if at >= 0 && len(rest) > 0 {
			v.child(at).drop(rest)
		} else if at >= 0 {
			v.names = slices.Delete(v.names, at, at+1)
		}
	case '[':
		first, last := 0, len(v.elements)
		if token != "*" {
			index, err := strconv.Atoi(token)
			if err != nil || strconv.Itoa(index) != token || index < 0 || index >= last {
				return
			}
			first, last = index, index+1
		}
		for i := first; i < last; i++ {
			if len(rest) > 0 {
				v.elements[i].drop(rest)
			} else {
				v.elements[i] = modelValue{scalar: "null"}
			}
		}
	}
}

// child is the i-th element of an array, or the value of the i-th name of an object.
func (v *modelValue) child(i int) *modelValue {
	if v.kind == '{' {
		return &v.elements[v.names[i].at]
	}
	return &v.elements[i]
}

func (v *modelValue) write(out []byte) []byte {
	switch v.kind {
	case '[':
		out = append(out, '[')
		for i := range v.elements {
			out = v.elements[i].write(modelSeparated(out, i))
		}
		return append(out, ']')
	case '{':
		out = append(out, '{')
		for i, name := range v.names {
			out = append(modelQuote(modelSeparated(out, i), name.text), ':')
			out = v.child(i).write(out)
		}
		return append(out, '}')
	case '"':
		return modelQuote(out, v.scalar)
	}
	return append(out, v.scalar...)
}

func modelSeparated(out []byte, i int) []byte {
	if i > 0 {
		return append(out, ',')
	}
	return out
}

// modelParser reads valid JSON.
type modelParser struct {
	text []byte
	at   int
}

// next skips white space and what separates values, and gives the first byte of what follows.
func (p *modelParser) next() byte {
	for bytes.IndexByte([]byte(" \t\r\n,:"), p.text[p.at]) >= 0 {
		p.at++
	}
	return p.text[p.at]
}

func (p *modelParser) value() (modelValue, error) {
	switch p.next() {
	case '[':
		return p.array()
	case '{':
		return p.object()
	case '"':
		text, err := p.quoted()
		return modelValue{kind: '"', scalar: text}, err
	}
	start := p.at
	for p.at < len(p.text) && bytes.IndexByte([]byte(" \t\r\n,]}"), p.text[p.at]) < 0 {
		p.at++
	}
	literal := string(p.text[start:p.at])
	if literal == "null" || literal == "true" || literal == "false" {
		return modelValue{scalar: literal}, nil
	}
	number, err := number(literal)
	return modelValue{scalar: number}, err
}

func (p *modelParser) array() (modelValue, error) {
	list := modelValue{kind: '['}
	p.at++
	for p.next() != ']' {
		element, err := p.value()
		if err != nil {
			return modelValue{}, err
		}
		list.elements = append(list.elements, element)
	}
	p.at++
	return list, nil
}

func (p *modelParser) object() (modelValue, error) {
	object := modelValue{kind: '{'}
	p.at++
	for p.next() != '}' {
		text, err := p.quoted()
		if err != nil {
			return modelValue{}, err
		}
		member, err := p.value()
		if err != nil {
			return modelValue{}, err
		}
		object.names = append(object.names, modelName{text: text, at: len(object.elements)})
		object.elements = append(object.elements, member)
	}
	p.at++
	slices.SortFunc(object.names, modelName.compare)
	for i := 1; i < len(object.names); i++ {
		if object.names[i].text == object.names[i-1].text {
			return modelValue{}, fmt.Errorf("member %q twice", text.Line(object.names[i].text, mostQuoted))
		}
	}
	return object, nil
}

// quoted reads a string.
func (p *modelParser) quoted() (string, error) {
	start := p.at
	escaped := false
	for p.at++; p.text[p.at] != '"'; p.at++ {
		if p.text[p.at] == '\\' {
			escaped = true
			p.at++
		}
	}
	p.at++
	raw := p.text[start:p.at]
	if !escaped {
		return string(raw[1 : len(raw)-1]), nil
	}
	if modelHalfSurrogate(raw) {
		return "", errors.New("half a surrogate")
	}
	var text string
	err := json.Unmarshal(raw, &text)
	return text, err
}

// modelHalfSurrogate finds an escaped surrogate without its other half. The library would put U+FFFD in its place, and make
// different strings one.
func modelHalfSurrogate(raw []byte) bool {
	unit := func(i int) (uint64, bool) {
		if i+6 > len(raw) || raw[i] != '\\' || raw[i+1] != 'u' {
			return 0, false
		}
		code, err := strconv.ParseUint(string(raw[i+2:i+6]), 16, 16)
		return code, err == nil
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		first, isUnit := unit(i)
		if !isUnit || !utf16.IsSurrogate(rune(first)) {
			i++
			continue
		}
		second, isUnit := unit(i + 6)
		if !isUnit || utf16.DecodeRune(rune(first), rune(second)) == utf8.RuneError {
			return true
		}
		i += 11
	}
	return false
}

// modelQuote writes a string as the RFC has it (§3.2.2.2): what JSON does not have to escape stands for itself.
func modelQuote(out []byte, text string) []byte {
	const short = "\b\t\n\f\r\"\\"
	out = append(out, '"')
	if !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
		return append(append(out, text...), '"')
	}
	for i := range len(text) {
		switch c := text[i]; {
		case strings.IndexByte(short, c) >= 0:
			out = append(out, '\\', `btnfr"\`[strings.IndexByte(short, c)])
		case c < ' ':
			out = fmt.Appendf(out, `\u%04x`, c)
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}
