package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Written is a secret as a configuration in JSON has it: text, which may contain ${NAME} of an environment variable, "@PATH" of
// a file, or {"file": PATH}. Printed or logged it is "[secret]"; only its JSON is what was written. The zero value is empty
// text.
type Written struct {
	text Secret
	file string
	// opened is true if the text is the secret itself, which its JSON does not show either.
	opened bool
}

// Text returns a secret that is written as text.
func Text(text string) Written { return Written{text: New(text)} }

// Open returns the secret, read from the environment and the file that are named. A relative path is relative to the
// directory. The error says what is wrong and what would be right, without repeating what may be secret.
func (w Written) Open(dir string, env Environment) (Written, error) {
	path, named := w.path()
	switch {
	case w.opened:
		return w, nil
	case named && !IsPath(path):
		return Written{}, errors.New(`names no file; allowed: {"file": PATH}, relative to the configuration`)
	case named:
		value, err := ReadFile(Within(dir, path))
		if err != nil {
			return Written{}, fmt.Errorf("its file cannot be read: %w", err)
		}
		return Written{text: New(value), opened: true}, nil
	}
	value, problems := Expand(w.text.Reveal(), env)
	if len(problems) > 0 {
		return Written{}, errors.New(problems[0])
	}
	return Written{text: New(value), opened: true}, nil
}

// path returns the file that is named, if one is.
func (w Written) path() (string, bool) {
	if w.file != "" {
		return w.file, true
	}
	if w.opened {
		return "", false
	}
	return strings.CutPrefix(w.text.Reveal(), "@")
}

// IsLiteral reports whether the text is the secret itself rather than a reference to one.
func (w Written) IsLiteral() bool {
	_, named := w.path()
	return !named && (w.opened || !strings.Contains(w.text.Reveal(), "${"))
}

// Reveal returns the secret if it is opened or literal; otherwise the text that refers to it.
func (w Written) Reveal() string { return w.text.Reveal() }

// String returns "[secret]".
func (w Written) String() string { return hidden }

// GoString returns "[secret]".
func (w Written) GoString() string { return hidden }

// Format writes "[secret]" whatever the verb is.
func (w Written) Format(to fmt.State, _ rune) { _, _ = to.Write([]byte(hidden)) }

// LogValue returns "[secret]".
func (w Written) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON returns what was written; "[secret]" once it is opened.
func (w Written) MarshalJSON() ([]byte, error) {
	switch {
	case w.opened:
		return encode(hidden)
	case w.file != "":
		return encode(map[string]string{"file": w.file})
	}
	return encode(w.text.Reveal())
}

// encode leaves the characters of URLs as they are.
func encode(value any) ([]byte, error) {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSpace(encoded.Bytes()), err
}

var errWritten = errors.New("a secret is " + `text, which may contain ${NAME} of an environment variable, "@PATH" or {"file": PATH}`)

// UnmarshalJSON accepts text and {"file": PATH}.
func (w *Written) UnmarshalJSON(data []byte) error {
	*w = Written{}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		var named map[string]string
		if json.Unmarshal(data, &named) != nil || len(named) != 1 || named["file"] == "" {
			return errWritten
		}
		w.file = named["file"]
		return nil
	}
	var text *string
	if json.Unmarshal(data, &text) != nil || text == nil {
		return errWritten
	}
	w.text = New(*text)
	return nil
}
