package genesis

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
)

// MaximumSize is the maximum number of bytes that Parse reads: enough for tens of thousands of actors.
const MaximumSize = 16 << 20

// Parse reads a genesis file and validates it. Unknown keys, repeated keys and anything after the object are errors.
// 64-bit numbers may be written as numbers or as strings. The error is one line; it wraps a FieldError for each value
// that is not allowed, up to ten.
func Parse(data []byte) (*Genesis, error) {
	if len(data) > MaximumSize {
		return nil, fmt.Errorf("parse genesis: %w", &FieldError{Field: "genesis",
			Value: fmt.Sprintf("%d bytes long", len(data)), Allowed: fmt.Sprintf("at most %d bytes", MaximumSize)})
	}
	g := new(Genesis)
	if err := protojson.Unmarshal(data, g); err != nil {
		return nil, fmt.Errorf("parse genesis: %w", tidy(err))
	}
	if err := g.Validate(); err != nil {
		return nil, fmt.Errorf("validate genesis: %w", err)
	}
	return g, nil
}

// tidy returns a protojson error as one bounded line. The library adds its name and white space that differs between
// builds, and quotes the offending text at any length.
func tidy(err error) error {
	const most = 256
	text := strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "proto: ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return errors.New(text)
}

// Marshal writes the genesis as a file: JSON with the names of genesis.proto, defaults included, indented, ending in a
// newline. The same genesis always gives the same bytes. It does not validate.
func (g *Genesis) Marshal() ([]byte, error) {
	loose, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(g)
	if err != nil {
		return nil, fmt.Errorf("marshal genesis: %w", tidy(err))
	}
	var file bytes.Buffer
	if err := json.Indent(&file, loose, "", "  "); err != nil {
		return nil, fmt.Errorf("indent genesis: %w", err)
	}
	file.WriteByte('\n')
	return file.Bytes(), nil
}
