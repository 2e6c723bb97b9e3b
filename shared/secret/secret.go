package secret

import (
	"fmt"
	"log/slog"
)

// hidden is what a Secret shows.
const hidden = "[secret]"

// Secret is text that nothing shows: fmt, log/slog, JSON, YAML and text encodings give "[secret]". The zero value is an
// empty secret. Compare two with Equal.
type Secret struct {
	_ [0]func() // == would compare places in memory
	// value is a pointer, because fmt calls no method of an unexported field that holds a Secret: it prints the pointer.
	value *string
}

// New returns a secret of a value.
func New(value string) Secret { return Secret{value: &value} }

// Reveal returns the value.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Equal reports whether two secrets have the same value.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// String returns "[secret]".
func (s Secret) String() string { return hidden }

// GoString returns "[secret]".
func (s Secret) GoString() string { return hidden }

// Format writes "[secret]" whatever the verb is.
func (s Secret) Format(to fmt.State, _ rune) { _, _ = to.Write([]byte(hidden)) }

// LogValue returns "[secret]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON returns "[secret]" in quotes.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// MarshalText returns "[secret]".
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalYAML returns "[secret]".
func (s Secret) MarshalYAML() (any, error) { return hidden, nil }
