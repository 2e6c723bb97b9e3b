package protocol

import "bytes"

// scanner finds its way through JSON. Text that is none leads it nowhere, but never out of the text.
type scanner struct {
	text []byte
	at   int
}

// next skips white space and returns the byte that follows; 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		case 0: // not JSON, and not the end
			return 1
		default:
			return c
		}
	}
	return 0
}

// quoted reads the string that follows, with its quotes; nil if there is none.
func (s *scanner) quoted() []byte {
	if s.next() != '"' {
		return nil
	}
	start := s.at
	for from := s.at + 1; ; {
		length := bytes.IndexByte(s.text[from:], '"')
		if length < 0 {
			return nil
		}
		end := from + length
		escapes := 0
		for end-escapes > from && s.text[end-escapes-1] == '\\' {
			escapes++
		}
		from = end + 1
		if escapes%2 == 0 {
			s.at = from
			return s.text[start:s.at]
		}
	}
}

// skip moves behind the value that follows, and reports whether there is one.
func (s *scanner) skip() bool {
	switch s.next() {
	case '"':
		return s.quoted() != nil
	case '{', '[':
		return s.skipNested()
	}
	start := s.at
	if length := bytes.IndexAny(s.text[s.at:], " \t\r\n,]}"); length >= 0 {
		s.at += length
	} else {
		s.at = len(s.text)
	}
	return s.at > start
}

// skipNested moves behind an object or a list.
func (s *scanner) skipNested() bool {
	for depth := 0; ; {
		length := bytes.IndexAny(s.text[s.at:], `"{}[]`)
		if length < 0 {
			return false
		}
		s.at += length
		switch s.text[s.at] {
		case '"':
			if s.quoted() == nil {
				return false
			}
			continue
		case '{', '[':
			depth++
		default:
			depth--
		}
		s.at++
		if depth == 0 {
			return true
		}
	}
}
