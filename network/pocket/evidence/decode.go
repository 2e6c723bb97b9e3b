package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

const (
	// Format names the form of a file.
	Format = "pocket-evidence/1"
	// MaxBytes is the longest file that is read.
	MaxBytes = 32 << 20
	// maxPieces is the most checks in a file.
	maxPieces = 10_000
	// maxSides is the most envelopes or votes in a piece; a session has fewer servicers.
	maxSides = 4096
)

// ErrUnreadable is returned for what is not an evidence file.
var ErrUnreadable = errors.New("not an evidence file")

// Encode writes a file, indented, ending in a newline.
func Encode(pieces []api.Evidence) ([]byte, error) {
	var file bytes.Buffer
	encoder := json.NewEncoder(&file)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(api.EvidenceFile{Format: Format, Evidence: pieces}); err != nil {
		return nil, fmt.Errorf("encode evidence: %w", err)
	}
	return file.Bytes(), nil
}

// Decode reads a file that anybody may have made. It takes only what Encode writes, spacing and the order of members
// aside: an unknown, repeated, missing or differently written member is refused, so that nothing in a file is outside of
// what Verify checks. Errors: ErrUnreadable.
func Decode(given []byte) ([]api.Evidence, error) {
	if len(given) > MaxBytes {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrUnreadable, MaxBytes)
	}
	var file api.EvidenceFile
	decoder := json.NewDecoder(bytes.NewReader(given))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return nil, unreadable(err)
	}
	if err := check(file); err != nil {
		return nil, err
	}
	form, err := verify.Canonical(given, nil)
	if err != nil {
		return nil, unreadable(err)
	}
	again, err := json.Marshal(file)
	if err != nil {
		return nil, unreadable(err)
	}
	taken, err := verify.Canonical(again, nil)
	if err != nil || !bytes.Equal(form, taken) {
		return nil, fmt.Errorf("%w: a member is missing, or written in another way", ErrUnreadable)
	}
	return file.Evidence, nil
}

// check refuses another format, and lists longer than any that Encode writes, before more work is put into them.
func check(file api.EvidenceFile) error {
	if file.Format != Format {
		return fmt.Errorf("%w: the format is %q; this program reads %q", ErrUnreadable, short(file.Format), Format)
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
	return fmt.Errorf("%w: %s", ErrUnreadable, short(err.Error()))
}

// short is a stranger's text as a message shows it.
func short(given string) string { return text.Line(given, 160) }
