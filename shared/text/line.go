package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// ellipsis ends a line that was cut.
const ellipsis = "…"

// Line returns text as one printable line of at most limit bytes. A longer line is cut between two runes and ends in an
// ellipsis, which counts towards the limit.
func Line(text string, limit int) string {
	// Every rune leaves at least one byte, so the part cut off here would not be in the result anyway.
	text = text[:min(len(text), utf8.UTFMax*(limit+1))]
	text = Printable(text)
	if len(text) <= limit {
		return text
	}
	end := max(0, limit-len(ellipsis))
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	if limit < len(ellipsis) {
		return text[:end]
	}
	return text[:end] + ellipsis
}

// Printable returns text on one line: white space becomes a space, and every other rune that does not print (control
// characters, escape sequences, marks that reorder or hide text, bytes that are not UTF-8) a question mark.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r), r == utf8.RuneError:
			return '?'
		}
		return r
	}, text)
}
