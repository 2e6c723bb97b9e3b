package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// MaximumSize is the maximum number of bytes that Parse reads.
const MaximumSize = 1 << 20

// Parse reads a configuration file over the defaults: keys that it does not contain keep their defaults, except the
// format, which is required. Unknown keys, keys in another case, repeated keys, and anything after the object are
// errors. It does not validate, because settings may still be overridden. The error is one line and wraps ErrInvalid.
func Parse(data []byte) (Node, error) {
	if len(data) > MaximumSize {
		return Node{}, fmt.Errorf("%w: longer than %d bytes", ErrInvalid, MaximumSize)
	}
	named, err := keyPaths(data)
	if err != nil {
		return Node{}, fmt.Errorf("%w: %w", ErrInvalid, tidy(err))
	}
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return Node{}, fmt.Errorf("%w: %w", ErrInvalid, tidy(err))
	}
	if version.Format != formatV1 {
		return Node{}, fmt.Errorf("%w: format is %d; this program reads format %d", ErrInvalid, version.Format, formatV1)
	}
	n := DefaultNode()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&n); err != nil {
		return Node{}, fmt.Errorf("%w: %w", ErrInvalid, tidy(err))
	}
	return n, n.knows(named)
}

// knows returns an error for keys that a configuration of the same shape does not have: encoding/json would accept them
// in any case.
func (n Node) knows(named []string) error {
	encoded, err := n.Encode()
	if err != nil {
		return err
	}
	paths, err := keyPaths(encoded)
	if err != nil {
		return fmt.Errorf("read keys of encoded configuration: %w", err)
	}
	known := make(map[string]bool, len(paths))
	for _, path := range paths {
		known[path] = true
	}
	for _, path := range named {
		if !known[path] {
			return fmt.Errorf("%w: unknown key %s", ErrInvalid, quoted(path))
		}
	}
	return nil
}

// Encode returns the configuration as a file: all settings, indented JSON, ending in a newline. The same configuration
// always gives the same bytes.
func (n Node) Encode() ([]byte, error) {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(n); err != nil {
		return nil, fmt.Errorf("encode configuration: %w", err)
	}
	return encoded.Bytes(), nil
}

// keyPaths returns the paths of all keys of a JSON text, as in "servicers[0].key". A repeated key and anything after
// the first value are errors.
func keyPaths(data []byte) ([]string, error) {
	walk := walker{decoder: json.NewDecoder(bytes.NewReader(data)), seen: make(map[string]bool)}
	if err := walk.value(""); err != nil {
		return nil, err
	}
	if _, err := walk.decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("unexpected data after the object")
	}
	return walk.paths, nil
}

// maximumDepth bounds the nesting, at about twice what a configuration with parameters of questions needs. Without it
// the paths would grow with the square of the text's length.
const maximumDepth = 16

// walker walks through a JSON text.
type walker struct {
	decoder *json.Decoder
	paths   []string
	seen    map[string]bool
	depth   int
}

func (w *walker) value(path string) error {
	if w.depth++; w.depth > maximumDepth {
		return fmt.Errorf("nested deeper than %d levels", maximumDepth)
	}
	defer func() { w.depth-- }()
	token, err := w.decoder.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		err = w.object(path)
	case json.Delim('['):
		for i := 0; err == nil && w.decoder.More(); i++ {
			err = w.value(path + "[" + strconv.Itoa(i) + "]")
		}
	default:
		return nil
	}
	if err != nil {
		return err
	}
	_, err = w.decoder.Token() // the closing bracket
	return err
}

func (w *walker) object(path string) error {
	for w.decoder.More() {
		token, err := w.decoder.Token()
		if err != nil {
			return err
		}
		key, is := token.(string)
		if !is {
			return fmt.Errorf("a key is not text")
		}
		below := strings.TrimPrefix(path+"."+key, ".")
		if w.seen[below] {
			return fmt.Errorf("key %s is repeated", quoted(below))
		}
		w.seen[below] = true
		w.paths = append(w.paths, below)
		if err := w.value(below); err != nil {
			return err
		}
	}
	return nil
}

// tidy returns an error of the JSON library as one bounded line.
func tidy(err error) error {
	const most = 256
	text := strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "json: ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return fmt.Errorf("%s", text)
}
