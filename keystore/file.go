package keystore

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

const (
	// formatV1 is the format that this program writes and reads.
	formatV1 = "pocket-key/v1"
	// MaximumFileSize bounds the bytes of a key file. Those of this program have less than 2 KiB.
	MaximumFileSize = 8 << 10
	// MaximumLabel bounds the bytes of a label.
	MaximumLabel = 64
)

// Entry is what a key file reveals about its key without the passphrase.
type Entry struct {
	// Address is the key's address: 40 lower-case hex digits.
	Address string
	// PublicKey is the ed25519 public key: 64 lower-case hex digits.
	PublicKey string
	// Label is the owner's note, at most MaximumLabel printable bytes; may be empty.
	Label string
}

// file is a key file.
type file struct {
	Format    string `json:"format"`
	Address   string `json:"address"`
	PublicKey string `json:"public_key"`
	Label     string `json:"label"`
	// Encrypted is a binary age file (https://age-encryption.org/v1) for one scrypt recipient; it holds a secret. JSON
	// writes it in base64.
	Encrypted []byte `json:"encrypted"`
	// Checksum is the SHA-256 of Encrypted in hex: it distinguishes a damaged file from a wrong passphrase.
	Checksum string `json:"checksum"`
}

// decode reads a key file strictly, as far as that is possible without the passphrase. Errors: ErrForeign, ErrDamaged.
func decode(data []byte) (file, error) {
	if len(data) > MaximumFileSize {
		return file{}, fmt.Errorf("%w: longer than %d bytes", ErrForeign, MaximumFileSize)
	}
	var version struct {
		Format string `json:"format"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return file{}, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	if version.Format != formatV1 {
		return file{}, fmt.Errorf("%w: format is %q, and this program reads %q", ErrForeign, bounded(version.Format), formatV1)
	}
	var f file
	if err := strictly(data, &f); err != nil {
		return file{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return f, f.validate()
}

// strictly decodes exactly one JSON value without unknown fields.
func strictly(data []byte, value any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return fmt.Errorf("unexpected data after the object")
	}
	return nil
}

// validate checks the parts that need no passphrase. Errors: ErrDamaged.
func (f file) validate() error {
	if err := types.ValidatePublicKey(f.PublicKey); err != nil {
		return fmt.Errorf("%w: public_key is not 64 lower-case hex digits", ErrDamaged)
	}
	public, err := hex.DecodeString(f.PublicKey)
	if err != nil || crypto.Address(public) != f.Address {
		return fmt.Errorf("%w: address and public_key do not fit together", ErrDamaged)
	}
	if err := validateLabel(f.Label); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if checksum(f.Encrypted) != f.Checksum {
		return fmt.Errorf("%w: checksum does not fit", ErrDamaged)
	}
	return nil
}

// encode returns the file as bytes: indented JSON that ends in a newline. The same file always gives the same bytes.
func (f file) encode() ([]byte, error) {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(f); err != nil {
		return nil, fmt.Errorf("encode key file: %w", err)
	}
	return encoded.Bytes(), nil
}

func (f file) entry() Entry {
	return Entry{Address: f.Address, PublicKey: f.PublicKey, Label: f.Label}
}

// validateLabel returns an error for a label that a line of a terminal cannot show. Errors: ErrBadLabel.
func validateLabel(label string) error {
	if len(label) > MaximumLabel {
		return fmt.Errorf("%w: longer than %d bytes", ErrBadLabel, MaximumLabel)
	}
	if !utf8.ValidString(label) {
		return fmt.Errorf("%w: not UTF-8", ErrBadLabel)
	}
	for _, r := range label {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%w: character %U does not print", ErrBadLabel, r)
		}
	}
	return nil
}

func checksum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// bounded shortens text from a file for an error message.
func bounded(text string) string {
	const most = 40
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}
