package keystore

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"

	"github.com/pocket-fisherman/fisherman/shared/account"
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
	// Type is the key's.
	Type Type
	// Address is the key's address: 40 lower-case hex digits, or pokt1… for a secp256k1 key.
	Address string
	// PublicKey is the public key in lower-case hex: 64 digits for ed25519, 66 of the compressed point for secp256k1.
	PublicKey string
	// Label is the owner's note, at most MaximumLabel printable bytes; may be empty.
	Label string
}

// file is a key file.
type file struct {
	Format string `json:"format"`
	// Type is left out for ed25519, so that the version before reads such a file.
	Type      Type   `json:"type,omitempty"`
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
		Type   string `json:"type"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return file{}, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	if version.Format != formatV1 {
		return file{}, fmt.Errorf("%w: format is %q, and this program reads %q", ErrForeign, bounded(version.Format), formatV1)
	}
	if _, known := typeOf(version.Type); !known && version.Type != "" {
		return file{}, fmt.Errorf("%w: the type of its key is %q, and this program reads %s and %s", ErrForeign, bounded(version.Type), Ed25519, Secp256k1)
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

// derivedAddress returns the address of the public key. Errors: ErrDamaged.
func (f file) derivedAddress() (string, error) {
	public, err := hex.DecodeString(f.PublicKey)
	known := err == nil && hex.EncodeToString(public) == f.PublicKey // in lower case
	if f.Type == Secp256k1 {
		address, err := account.Address(public)
		if !known || err != nil {
			return "", fmt.Errorf("%w: public_key is not a compressed point of secp256k1 in %d lower-case hex digits", ErrDamaged, 2*account.PublicKeySize)
		}
		return address, nil
	}
	if !known || len(public) != ed25519.PublicKeySize {
		return "", fmt.Errorf("%w: public_key is not %d lower-case hex digits", ErrDamaged, 2*ed25519.PublicKeySize)
	}
	return crypto.Address(public), nil
}

// validate checks the parts that need no passphrase. Errors: ErrDamaged.
func (f file) validate() error {
	address, err := f.derivedAddress()
	if err != nil {
		return err
	}
	if address != f.Address {
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
	return Entry{Type: f.Type, Address: f.Address, PublicKey: f.PublicKey, Label: f.Label}
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
