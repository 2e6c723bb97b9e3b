package types

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestIdentifiers compares each check with the equivalent regular expression.
func TestIdentifiers(t *testing.T) {
	for name, test := range map[string]struct {
		check func(string) error
		form  *regexp.Regexp
		near  string // draws texts that are nearly right
	}{
		"address":     {ValidateAddress, regexp.MustCompile(`\A[0-9a-f]{40}\z`), `[0-9a-f]{39,41}|[0-9a-g]{40}|[0-9A-F]{40}`},
		"public key":  {ValidatePublicKey, regexp.MustCompile(`\A[0-9a-f]{64}\z`), `[0-9a-f]{63,65}|[0-9a-g]{64}`},
		"session":     {ValidateSessionID, regexp.MustCompile(`\A[0-9a-f]{64}\z`), `[0-9a-f]{63,65}|[0-9a-f]{63}[^a-f]`},
		"relay chain": {ValidateRelayChain, regexp.MustCompile(`\A[0-9A-F]{4}\z`), `[0-9A-G]{3,5}|[0-9a-f]{4}`},
		"geo zone":    {ValidateGeoZone, regexp.MustCompile(`\A[a-z0-9-]{1,32}\z`), `[a-z0-9-]{0,34}|[a-z0-9-]{3}(.|\n)`},
	} {
		t.Run(name, func(t *testing.T) {
			right, wrong := 0, 0
			rapid.Check(t, func(t *rapid.T) {
				text := rapid.OneOf(rapid.StringMatching(test.near), rapid.String()).Draw(t, "text")
				want := test.form.MatchString(text)
				if got := test.check(text) == nil; got != want {
					t.Fatalf("%q: %t, want %t", text, got, want)
				}
				if want {
					right++
				} else {
					wrong++
				}
			})
			if right == 0 || wrong == 0 {
				t.Errorf("%d right and %d wrong: the test says nothing", right, wrong)
			}
		})
	}
}

func TestValidateOpaque(t *testing.T) {
	for _, id := range []string{"a", " ", "0021", "session 7/größer", strings.Repeat("x", 128), strings.Repeat("é", 64)} {
		if err := ValidateOpaque(id); err != nil {
			t.Errorf("%q is refused: %v", id, err)
		}
	}
	for _, id := range []string{
		"", strings.Repeat("x", 129), strings.Repeat("é", 64) + "x", strings.Repeat("x", 1<<20), "a\n", "\x00", "tab\there",
		"\x1b[2J", "\xff", "no\u00a0break", "hid\u200bden", "\u202eright to left", "\ufffd",
	} {
		switch err := ValidateOpaque(id); {
		case err == nil:
			t.Errorf("%q is accepted", id)
		case len(err.Error()) > 1000 || !utf8.ValidString(err.Error()) || strings.ContainsAny(err.Error(), "\n\x1b\u202e"):
			t.Errorf("the error is not a short printable line: %q", err)
		}
	}
}
