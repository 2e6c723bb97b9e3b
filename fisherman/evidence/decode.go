package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// MaxBytes is the longest file that is read.
	MaxBytes = 32 << 20
	// maxPieces is the most checks in a file.
	maxPieces = 10_000
	// maxSides is the most envelopes or votes in a piece; a session has fewer servicers.
	maxSides = 4096
)

// ErrUnreadable: not an evidence file.
var ErrUnreadable = errors.New("not an evidence file")

// Encode writes a file, indented, ending in a newline.
func Encode(pieces []qos.Evidence) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(qos.EvidenceFile{Format: qos.EvidenceFormat, Evidence: pieces}); err != nil {
		return nil, fmt.Errorf("encode evidence: %w", err)
	}
	return text.Bytes(), nil
}

// Decode reads a file that anybody may have made. It takes only what Encode writes, spacing and the order of members
// aside: an unknown, repeated, missing or differently written member is refused, so that nothing in a file is outside of
// what Verify checks. Errors: ErrUnreadable.
func Decode(text []byte) ([]qos.Evidence, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrUnreadable, MaxBytes)
	}
	var file qos.EvidenceFile
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return nil, unreadable(err)
	}
	if err := check(file); err != nil {
		return nil, err
	}
	given, err := verify.Canonical(text, nil)
	if err != nil {
		return nil, unreadable(err)
	}
	again, err := json.Marshal(file)
	if err != nil {
		return nil, unreadable(err)
	}
	taken, err := verify.Canonical(again, nil)
	if err != nil || !bytes.Equal(given, taken) {
		return nil, fmt.Errorf("%w: a member is missing, or written in another way", ErrUnreadable)
	}
	return file.Evidence, nil
}

// check refuses another format, and lists longer than any that Encode writes, before more work is put into them.
func check(file qos.EvidenceFile) error {
	if file.Format != qos.EvidenceFormat {
		return fmt.Errorf("%w: the format is %q; this program reads %q", ErrUnreadable, short(file.Format), qos.EvidenceFormat)
	}
	if len(file.Evidence) > maxPieces {
		return fmt.Errorf("%w: more than %d pieces", ErrUnreadable, maxPieces)
	}
	for i, piece := range file.Evidence {
		if len(piece.Sides) > maxSides || len(piece.Votes) > maxSides || len(piece.IgnoredFields) > types.MaxPointers {
			return fmt.Errorf("%w: piece %d has more sides, votes or ignored fields than there can be", ErrUnreadable, i)
		}
	}
	return nil
}

// unreadable makes one bounded line of what a library said about a stranger's text.
func unreadable(err error) error {
	return fmt.Errorf("%w: %s", ErrUnreadable, short(strings.Join(strings.Fields(err.Error()), " ")))
}

func short(text string) string {
	const most = 160
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
