package cli

import (
	"strings"
	"unicode"
)

// shortBytes bounds how much of a user's own text an error repeats.
const shortBytes = 80

// clean makes text of strangers fit for a terminal: one line, without control characters, escape sequences, or marks
// that reorder or hide text. What is taken out leaves a question mark.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', r == '\r':
			return ' '
		case !unicode.IsPrint(r), r == unicode.ReplacementChar:
			return '?'
		}
		return r
	}, text)
}

// short cuts a text to a bounded length.
func short(text string) string {
	if len(text) <= shortBytes {
		return text
	}
	return strings.ToValidUTF8(text[:shortBytes], "") + "…"
}

// abbreviate shows the first digits of a long hexadecimal identifier.
func abbreviate(id string) string {
	const digits = 12
	id = clean(id)
	if len(id) <= digits {
		return id
	}
	return id[:digits]
}
