package question

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// place reads valid JSON up to a value in it. It makes no tree of what it passes over: a megabyte of small values would
// take a hundred times its size.
type place struct {
	text []byte
	at   int
}

// follow goes to the value that a JSON pointer's tokens lead to, and returns it; false when there is none.
func (p *place) follow(tokens []string) ([]byte, bool) {
	for _, token := range tokens {
		within := false
		switch p.next() {
		case '{':
			within = p.member(token)
		case '[':
			within = p.element(token)
		}
		if !within {
			return nil, false
		}
	}
	p.next()
	start := p.at
	p.skip()
	return p.text[start:p.at], true
}

// member goes from the beginning of an object to the value of a member. Of several with the name it is the last one, as
// encoding/json has it.
func (p *place) member(name string) bool {
	value := -1
	for p.at++; p.next() != '}'; p.skip() {
		start := p.at
		p.skip()
		quoted := p.text[start:p.at]
		p.next()
		if isMember(quoted, name) {
			value = p.at
		}
	}
	p.at = value
	return value >= 0
}

// isMember reports whether a string in quotes is a name.
func isMember(quoted []byte, name string) bool {
	plain := quoted[1 : len(quoted)-1]
	if string(plain) == name {
		return true
	}
	// Escapes, and what is not UTF-8, are for the library to read.
	if bytes.IndexFunc(plain, func(r rune) bool { return r == '\\' || r == '\uFFFD' }) < 0 {
		return false
	}
	var read string
	return json.Unmarshal(quoted, &read) == nil && read == name
}

// element goes from the beginning of an array to one of its elements.
func (p *place) element(token string) bool {
	wanted, err := strconv.ParseUint(token, 10, 31)
	if err != nil {
		return false
	}
	for p.at++; p.next() != ']'; p.skip() {
		if wanted == 0 {
			return true
		}
		wanted--
	}
	return false
}

// next skips white space and what separates values, and returns the first byte of what follows.
func (p *place) next() byte {
	for bytes.IndexByte([]byte(" \t\r\n,:"), p.text[p.at]) >= 0 {
		p.at++
	}
	return p.text[p.at]
}

// skip passes over a value.
func (p *place) skip() {
	for depth := 0; ; {
		switch p.next() {
		case '{', '[':
			depth++
			p.at++
		case '}', ']':
			depth--
			p.at++
		case '"':
			for p.at++; p.text[p.at] != '"'; p.at++ {
				if p.text[p.at] == '\\' {
					p.at++
				}
			}
			p.at++
		default: // a number, true, false or null
			for p.at < len(p.text) && bytes.IndexByte([]byte(" \t\r\n,]}"), p.text[p.at]) < 0 {
				p.at++
			}
		}
		if depth == 0 {
			return
		}
	}
}
