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

// Rule names the canonical form of JSON, for evidence that others are to check.
const Rule = "RFC 8785 with exact integers, version 1"

// RuleOf returns the name of the form in which answers are compared; "" for none.
func RuleOf(form types.CompareForm) string {
	switch form {
	case types.CompareForm_COMPARE_FORM_JSON:
		return Rule
	case types.CompareForm_COMPARE_FORM_HEX_NUMBER:
		return Rule + ", hexadecimal numbers without leading zeros in lower case"
	case types.CompareForm_COMPARE_FORM_HEX_DATA:
		return Rule + ", hexadecimal data in lower case"
	}
	return ""
}

// FormOf returns the form of a name; false for a name that is not known.
func FormOf(rule string) (types.CompareForm, bool) {
	for number := range types.CompareForm_name {
		if form := types.CompareForm(number); RuleOf(form) == rule {
			return form, true
		}
	}
	return 0, false
}

// Canonical writes a JSON value in the one form that all spellings of it have: RFC 8785, but that integers keep all of
// their digits (docs/adr/0028). What the ignored pointers name is left out: members of objects vanish, elements of arrays
// become null. Values that the RFC does not admit (a repeated name, half a surrogate, a number beyond a double's range)
// are errors.
//
// Writing what was written gives the same bytes, and two values have the same form only if they are equal: integers by
// every digit, fractions as IEEE 754 doubles.
func Canonical(text []byte, ignored []types.Pointer) ([]byte, error) {
	// The library bounds the nesting and checks the grammar, so that the parser below need not.
	if !json.Valid(text) {
		return nil, json.Unmarshal(text, new(json.RawMessage)) // says what is wrong
	}
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	p := parser{text: text}
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
type value struct {
	// kind is '[', '{', '"' for a string or, for other scalars, 0.
	kind   byte
	scalar string
	// elements of an array, members of an object in canonical order.
	elements []value
	names    []name
}

// name of a member.
type name struct {
	text string
	at   int // its element
}

// compare orders names as the RFC does (§3.2.3), by UTF-16 code units. Those are in the order of code points, but that
// what is beyond the basic plane comes before its end, because it begins with a surrogate.
func (n name) compare(other name) int {
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
func (v *value) drop(pointer types.Pointer) {
	token, rest := pointer[0], pointer[1:]
	switch v.kind {
	case '{':
		at := slices.IndexFunc(v.names, func(n name) bool { return n.text == token })
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
				v.elements[i] = value{scalar: "null"}
			}
		}
	}
}

// child is the i-th element of an array, or the value of the i-th name of an object.
func (v *value) child(i int) *value {
	if v.kind == '{' {
		return &v.elements[v.names[i].at]
	}
	return &v.elements[i]
}

func (v *value) write(out []byte) []byte {
	switch v.kind {
	case '[':
		out = append(out, '[')
		for i := range v.elements {
			out = v.elements[i].write(separated(out, i))
		}
		return append(out, ']')
	case '{':
		out = append(out, '{')
		for i, name := range v.names {
			out = append(quote(separated(out, i), name.text), ':')
			out = v.child(i).write(out)
		}
		return append(out, '}')
	case '"':
		return quote(out, v.scalar)
	}
	return append(out, v.scalar...)
}

func separated(out []byte, i int) []byte {
	if i > 0 {
		return append(out, ',')
	}
	return out
}

// parser reads valid JSON.
type parser struct {
	text []byte
	at   int
}

// next skips white space and what separates values, and gives the first byte of what follows.
func (p *parser) next() byte {
	for bytes.IndexByte([]byte(" \t\r\n,:"), p.text[p.at]) >= 0 {
		p.at++
	}
	return p.text[p.at]
}

func (p *parser) value() (value, error) {
	switch p.next() {
	case '[':
		return p.array()
	case '{':
		return p.object()
	case '"':
		text, err := p.quoted()
		return value{kind: '"', scalar: text}, err
	}
	start := p.at
	for p.at < len(p.text) && bytes.IndexByte([]byte(" \t\r\n,]}"), p.text[p.at]) < 0 {
		p.at++
	}
	literal := string(p.text[start:p.at])
	if literal == "null" || literal == "true" || literal == "false" {
		return value{scalar: literal}, nil
	}
	number, err := number(literal)
	return value{scalar: number}, err
}

func (p *parser) array() (value, error) {
	list := value{kind: '['}
	p.at++
	for p.next() != ']' {
		element, err := p.value()
		if err != nil {
			return value{}, err
		}
		list.elements = append(list.elements, element)
	}
	p.at++
	return list, nil
}

func (p *parser) object() (value, error) {
	object := value{kind: '{'}
	p.at++
	for p.next() != '}' {
		text, err := p.quoted()
		if err != nil {
			return value{}, err
		}
		member, err := p.value()
		if err != nil {
			return value{}, err
		}
		object.names = append(object.names, name{text: text, at: len(object.elements)})
		object.elements = append(object.elements, member)
	}
	p.at++
	slices.SortFunc(object.names, name.compare)
	for i := 1; i < len(object.names); i++ {
		if object.names[i].text == object.names[i-1].text {
			return value{}, fmt.Errorf("member %q twice", text.Line(object.names[i].text, mostQuoted))
		}
	}
	return object, nil
}

// quoted reads a string.
func (p *parser) quoted() (string, error) {
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
	if halfSurrogate(raw) {
		return "", errors.New("half a surrogate")
	}
	var text string
	err := json.Unmarshal(raw, &text)
	return text, err
}

// halfSurrogate finds an escaped surrogate without its other half. The library would put U+FFFD in its place, and make
// different strings one.
func halfSurrogate(raw []byte) bool {
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

// quote writes a string as the RFC has it (§3.2.2.2): what JSON does not have to escape stands for itself.
func quote(out []byte, text string) []byte {
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
