package text

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		limit int
		want  string
	}{
		"as it is":           {"connection refused", 64, "connection refused"},
		"just fits":          {"12345", 5, "12345"},
		"cut":                {"123456789", 8, "12345…"},
		"cut between runes":  {"äöüäöü", 8, "äö…"},
		"room for a mark":    {"123456", 3, "…"},
		"no room for a mark": {"123456", 2, ""},
		"white space":        {"a\nb\tc\r\u00a0d", 64, "a b c  d"},
		"control characters": {"\x1b[31mred\x00", 64, "?[31mred?"},
		"reordering":         {"a\u202eb", 64, "a?b"},
		"not UTF-8":          {"a\xffb", 64, "a?b"},
		"empty":              {"", 4, ""},
	} {
		if got := Line(test.text, test.limit); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain ü 漢 text":     "plain ü 漢 text",
		"a\nb\tc\rd":         "a b c d",
		"\x1b[31mred\x1b[0m": "?[31mred?[0m",
		"nul\x00bell\a":      "nul?bell?",
		"c1\u009b31m":        "c1?31m",
		"rtl\u202eabc":       "rtl?abc",
		"zero\u200bwidth":    "zero?width",
		"bad\xffutf":         "bad?utf",
	} {
		if got := Printable(text); got != want {
			t.Errorf("Printable(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\x1b[2Jb", 4)
	f.Add(strings.Repeat("ü\xff", 40), 9)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = min(max(limit, 0), 1<<16)
		line := Line(text, limit)
		if len(line) > limit {
			t.Errorf("%d bytes, allowed %d", len(line), limit)
		}
		if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q is not one printable line", line)
		}
		if again := Line(line, limit); again != line {
			t.Errorf("%q becomes %q", line, again)
		}
	})
}
