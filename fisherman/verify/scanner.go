package verify

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads valid JSON.
type scanner struct {
	text []byte
	at   int
}

// next skips white space and what separates values, and returns the first byte of what follows.
func (s *scanner) next() byte {
	for {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			s.at++
		default:
			return c
		}
	}
}

// deepest returns how many arrays and objects lie within each other in a text that need not be valid.
func deepest(text []byte) (most int) {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '[' || c == '{'):
			depth++
			most = max(most, depth)
		case !quoted && (c == ']' || c == '}'):
			depth--
		}
	}
	return most
}

// literal reads a number, true, false or null.
func (s *scanner) literal() []byte {
	start := s.at
	for s.at < len(s.text) && bytes.IndexByte([]byte(" \t\r\n,]}"), s.text[s.at]) < 0 {
		s.at++
	}
	return s.text[start:s.at]
}

// quoted reads a string: what is between its quotes, and whether that has escapes.
func (s *scanner) quoted() (raw []byte, escaped bool) {
	s.at++
	start := s.at
	for ; s.text[s.at] != '"'; s.at++ {
		if s.text[s.at] == '\\' {
			escaped = true
			s.at++
		}
	}
	s.at++
	return s.text[start : s.at-1], escaped
}

// skip passes over a value and returns how many objects begin in it.
func (s *scanner) skip() (objects uint32) {
	for depth := 0; ; {
		switch s.next() {
		case '{':
			objects++
			depth++
			s.at++
		case '[':
			depth++
			s.at++
		case '}', ']':
			depth--
			s.at++
		case '"':
			s.quoted()
		default:
			s.literal()
		}
		if depth == 0 {
			return objects
		}
	}
}

// plain reports whether a literal is its own canonical form as it stands: true, false, null, or an integer of few digits
// other than -0.
func plain(literal []byte) bool {
	switch literal[0] {
	case 't', 'f', 'n':
		return true
	case '-':
		literal = literal[1:]
		if literal[0] == '0' {
			return false
		}
	}
	for _, c := range literal {
		if c < '0' || '9' < c {
			return false
		}
	}
	return len(literal) <= plainDigits
}

// unit returns the UTF-16 code unit of an escape such as \u00e9 at a place.
func unit(raw []byte, at int) (code rune, is bool) {
	if at+6 > len(raw) || raw[at] != '\\' || raw[at+1] != 'u' {
		return 0, false
	}
	for _, c := range raw[at+2 : at+6] {
		digit := bytes.IndexByte([]byte("0123456789abcdef"), c|0x20)
		if digit < 0 {
			return 0, false
		}
		code = code<<4 | rune(digit)
	}
	return code, true
}

// halfSurrogate finds an escaped surrogate without its other half. The library would put U+FFFD in its place, and make
// different strings one.
func halfSurrogate(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		first, isUnit := unit(raw, i)
		if !isUnit || !utf16.IsSurrogate(first) {
			i++
			continue
		}
		second, isUnit := unit(raw, i+6)
		if !isUnit || utf16.DecodeRune(first, second) == utf8.RuneError {
			return true
		}
		i += 11
	}
	return false
}

// unescape appends what a string without half surrogates stands for.
func unescape(out, raw []byte) []byte {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		first, isUnit := unit(raw, i)
		switch {
		case isUnit && utf16.IsSurrogate(first):
			second, _ := unit(raw, i+6)
			out = utf8.AppendRune(out, utf16.DecodeRune(first, second))
			i += 11
		case isUnit:
			out = utf8.AppendRune(out, first)
			i += 5
		default:
			i++
			out = append(out, raw[i])
			if short := strings.IndexByte(`btnfr`, raw[i]); short >= 0 {
				out[len(out)-1] = "\b\t\n\f\r"[short]
			}
		}
	}
	return out
}

// quote writes a string as the RFC has it (§3.2.2.2): what JSON does not have to escape stands for itself.
func quote(out, text []byte) []byte {
	const short = "\b\t\n\f\r\"\\"
	out = append(out, '"')
	for _, c := range text {
		switch {
		case c >= ' ' && c != '"' && c != '\\':
			out = append(out, c)
		case strings.IndexByte(short, c) >= 0:
			out = append(out, '\\', `btnfr"\`[strings.IndexByte(short, c)])
		default:
			out = fmt.Appendf(out, `\u%04x`, c)
		}
	}
	return append(out, '"')
}

// compareNames orders names as the RFC does (§3.2.3), by UTF-16 code units. Those are in the order of code points, but that
// what is beyond the basic plane comes before its end, because it begins with a surrogate.
func compareNames(a, b []byte) int {
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	if at == min(len(a), len(b)) {
		return len(a) - len(b)
	}
	for !utf8.RuneStart(a[at]) || !utf8.RuneStart(b[at]) {
		at--
	}
	place := func(text []byte) rune {
		point, _ := utf8.DecodeRune(text[at:])
		if 0xE000 <= point && point <= 0xFFFF {
			return point + utf8.MaxRune
		}
		return point
	}
	return int(place(a) - place(b))
}

// blank reports whether the value that follows has no content: null, false, 0, blank text, or a list or an object of such.
func (s *scanner) blank() bool {
	for depth := 0; ; {
		switch s.next() {
		case '{', '[':
			depth++
			s.at++
		case '}', ']':
			depth--
			s.at++
		case '"':
			raw, escaped := s.quoted()
			if rest := bytes.TrimLeft(s.text[s.at:], " \t\r\n"); len(rest) > 0 && rest[0] == ':' {
				continue // a name
			}
			if escaped {
				raw = unescape(nil, raw)
			}
			if len(bytes.TrimSpace(raw)) > 0 {
				return false
			}
		default:
			literal := string(s.literal())
			double, err := strconv.ParseFloat(literal, 64)
			if literal != "null" && literal != "false" && (err != nil || double != 0) {
				return false
			}
		}
		if depth == 0 {
			return true
		}
	}
}
