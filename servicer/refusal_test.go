package servicer

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		"plain text":                        "plain text",
		"two\nlines\x1b[2J":                 "two?lines?[2J",
		"\xff":                              "?",
		strings.Repeat("x", 256):            strings.Repeat("x", 256),
		strings.Repeat("x", 257):            strings.Repeat("x", 256),
		strings.Repeat("x", 255) + "ü":      strings.Repeat("x", 255),
		strings.Repeat("x", 254) + "üüüü":   strings.Repeat("x", 254) + "ü",
		strings.Repeat("世", 100):            strings.Repeat("世", 85),
		strings.Repeat("x", 300) + "\u202e": strings.Repeat("x", 256),
	} {
		if got := oneLine(text); got != want || !utf8.ValidString(got) {
			t.Errorf("oneLine(%q) = %q, want %q", text, got, want)
		}
	}
	if (*refusal)(nil).signed() != nil {
		t.Error("no refusal gave an error")
	}
}
