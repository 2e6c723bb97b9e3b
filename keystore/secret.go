package keystore

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

const (
	// maximumWork is the largest scrypt work factor (log2 of N; r is 8) of a key file that is opened: 256 MiB of memory
	// and about a second. New keys use it unless Config has a smaller one.
	maximumWork = 18
	// maximumSecret bounds the decrypted bytes that are read.
	maximumSecret = 1 << 10
)

// secret is the encrypted content of a key file.
type secret struct {
	// Seed is the ed25519 seed (RFC 8032): 64 lower-case hex digits.
	Seed string `json:"seed"`
	// Label repeats the file's label, so that labels of keys cannot be swapped without the passphrase.
	Label string `json:"label"`
}

// seal returns the file of a key. Errors: ErrBadLabel, ErrNoPassphrase.
func seal(key crypto.PrivateKey, label, passphrase string, work int) (file, error) {
	if err := validateLabel(label); err != nil {
		return file{}, err
	}
	if passphrase == "" {
		return file{}, ErrNoPassphrase
	}
	hidden, err := json.Marshal(secret{Seed: hex.EncodeToString(key.Bytes()[:ed25519.SeedSize]), Label: label})
	if err != nil {
		return file{}, fmt.Errorf("encode secret: %w", err)
	}
	encrypted, err := encrypt(hidden, passphrase, work)
	if err != nil {
		return file{}, fmt.Errorf("encrypt key: %w", err)
	}
	return file{
		Format:    formatV1,
		Address:   key.Address(),
		PublicKey: key.PublicKeyHex(),
		Label:     label,
		Encrypted: encrypted,
		Checksum:  checksum(encrypted),
	}, nil
}

func encrypt(hidden []byte, passphrase string, work int) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	recipient.SetWorkFactor(work)
	var encrypted bytes.Buffer
	writer, err := age.Encrypt(&encrypted, recipient)
	if err != nil {
		return nil, err
	}
	if _, err := writer.Write(hidden); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil { // writes the last bytes
		return nil, err
	}
	return encrypted.Bytes(), nil
}

// open decrypts the key and checks it against the unencrypted parts of the file. Errors: ErrWrongPassphrase,
// ErrForeign, ErrDamaged.
func (f file) open(passphrase string, mostWork int) (crypto.PrivateKey, error) {
	hidden, err := decrypt(f.Encrypted, passphrase, mostWork)
	if err != nil {
		return crypto.PrivateKey{}, err
	}
	var s secret
	if strictly(hidden, &s) != nil || types.ValidatePublicKey(s.Seed) != nil { // a seed has the same form as a public key
		return crypto.PrivateKey{}, fmt.Errorf("%w: its encrypted content is not a key", ErrDamaged)
	}
	var seed [ed25519.SeedSize]byte
	if _, err := hex.Decode(seed[:], []byte(s.Seed)); err != nil {
		return crypto.PrivateKey{}, fmt.Errorf("%w: its encrypted content is not a key", ErrDamaged)
	}
	key := crypto.KeyFromSeed(seed)
	if key.PublicKeyHex() != f.PublicKey {
		return crypto.PrivateKey{}, fmt.Errorf("%w: its encrypted key is not the one that it names", ErrDamaged)
	}
	if s.Label != f.Label {
		return crypto.PrivateKey{}, fmt.Errorf("%w: its label was changed", ErrDamaged)
	}
	return key, nil
}

// decrypt opens an age file with a passphrase. The checksum was verified before, so a stanza that does not open means a
// wrong passphrase, unless the file was crafted.
func decrypt(encrypted []byte, passphrase string, mostWork int) ([]byte, error) {
	if passphrase == "" {
		return nil, ErrWrongPassphrase
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, fmt.Errorf("read passphrase: %w", err)
	}
	identity.SetMaxWorkFactor(mostWork)
	reader, err := age.Decrypt(bytes.NewReader(encrypted), identity)
	if unmatched, is := errors.AsType[*age.NoIdentityMatchError](err); is {
		if len(unmatched.StanzaTypes) != 1 || unmatched.StanzaTypes[0] != "scrypt" {
			return nil, fmt.Errorf("%w: not encrypted with a passphrase", ErrForeign)
		}
		return nil, ErrWrongPassphrase
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	hidden, err := io.ReadAll(io.LimitReader(reader, maximumSecret+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if len(hidden) > maximumSecret {
		return nil, fmt.Errorf("%w: its encrypted content is not a key", ErrDamaged)
	}
	return hidden, nil
}
