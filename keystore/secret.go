package keystore

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"filippo.io/age"

	"github.com/pocket-fisherman/fisherman/shared/account"
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
	// Seed is the ed25519 seed (RFC 8032): 64 lower-case hex digits; of such a key only.
	Seed string `json:"seed,omitempty"`
	// Scalar is the secp256k1 key, big-endian: 64 lower-case hex digits; of such a key only.
	Scalar string `json:"scalar,omitempty"`
	// Label repeats the file's label, so that labels of keys cannot be swapped without the passphrase.
	Label string `json:"label"`
}

// ofSeed returns what is hidden of an ed25519 key, and the rest of its file.
func ofSeed(key crypto.PrivateKey) (secret, file) {
	return secret{Seed: hex.EncodeToString(key.Bytes()[:ed25519.SeedSize])},
		file{Address: key.Address(), PublicKey: key.PublicKeyHex()}
}

// ofScalar is ofSeed of a secp256k1 key.
func ofScalar(key *account.PrivateKey) (secret, file) {
	return secret{Scalar: hex.EncodeToString(key.Bytes())},
		file{Type: Secp256k1, Address: key.Address(), PublicKey: hex.EncodeToString(key.PublicKey())}
}

// seal completes the file of a key. Errors: ErrBadLabel, ErrNoPassphrase.
func seal(hidden secret, f file, label, passphrase string, work int) (file, error) {
	if err := validateLabel(label); err != nil {
		return file{}, err
	}
	if passphrase == "" {
		return file{}, ErrNoPassphrase
	}
	hidden.Label = label
	encoded, err := json.Marshal(hidden)
	if err != nil {
		return file{}, fmt.Errorf("encode secret: %w", err)
	}
	encrypted, err := encrypt(encoded, passphrase, work)
	if err != nil {
		return file{}, fmt.Errorf("encrypt key: %w", err)
	}
	f.Format, f.Label, f.Encrypted, f.Checksum = formatV1, label, encrypted, checksum(encrypted)
	return f, nil
}

func encrypt(hidden []byte, passphrase string, work int) ([]byte, error) {
	defer debug.FreeOSMemory() // as in decrypt
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

// open decrypts an ed25519 key and checks it against the unencrypted parts of the file. Errors: ErrOtherType before
// anything is decrypted, ErrWrongPassphrase, ErrForeign, ErrDamaged.
func (f file) open(passphrase string, mostWork int) (crypto.PrivateKey, error) {
	s, err := f.reveal(passphrase, mostWork, Ed25519)
	if err != nil {
		return crypto.PrivateKey{}, err
	}
	var seed [ed25519.SeedSize]byte
	if types.ValidatePublicKey(s.Seed) != nil || s.Scalar != "" { // a seed has the same form as a public key
		return crypto.PrivateKey{}, errNoKey
	}
	if _, err := hex.Decode(seed[:], []byte(s.Seed)); err != nil {
		return crypto.PrivateKey{}, errNoKey
	}
	key := crypto.KeyFromSeed(seed)
	return key, f.fits(key.PublicKeyHex(), s)
}

// openAccount is open of a secp256k1 key.
func (f file) openAccount(passphrase string, mostWork int) (*account.PrivateKey, error) {
	s, err := f.reveal(passphrase, mostWork, Secp256k1)
	if err != nil {
		return nil, err
	}
	key, err := account.ParsePrivateKey(s.Scalar)
	if err != nil || hex.EncodeToString(key.Bytes()) != s.Scalar || s.Seed != "" {
		return nil, errNoKey
	}
	if err := f.fits(hex.EncodeToString(key.PublicKey()), s); err != nil {
		return nil, err
	}
	return key, nil
}

// check opens a key of either type, and lets it go.
func (f file) check(passphrase string, mostWork int) error {
	if f.Type == Secp256k1 {
		_, err := f.openAccount(passphrase, mostWork)
		return err
	}
	_, err := f.open(passphrase, mostWork)
	return err
}

var errNoKey = fmt.Errorf("%w: its encrypted content is not a key", ErrDamaged)

// reveal decrypts what is hidden of a key of a type.
func (f file) reveal(passphrase string, mostWork int, wanted Type) (secret, error) {
	var s secret
	if err := otherType(f.Type, wanted); err != nil {
		return s, err
	}
	hidden, err := decrypt(f.Encrypted, passphrase, mostWork)
	if err != nil {
		return s, err
	}
	if strictly(hidden, &s) != nil {
		return s, errNoKey
	}
	return s, nil
}

// fits checks what was hidden against what was not.
func (f file) fits(publicKey string, s secret) error {
	switch {
	case publicKey != f.PublicKey:
		return fmt.Errorf("%w: its encrypted key is not the one that it names", ErrDamaged)
	case s.Label != f.Label:
		return fmt.Errorf("%w: its label was changed", ErrDamaged)
	}
	return nil
}

// decrypt opens an age file with a passphrase. The checksum was verified before, so a stanza that does not open means a
// wrong passphrase, unless the file was crafted.
//
// Memory: scrypt takes 256 MiB for the largest work factor. The collector would run only when the heap has grown beyond
// that, and keeps what it frees for a heap of that size; a node that opens a key once would hold it for as long as it runs.
// So it is returned at once, whether the passphrase was right or not. The collection is nothing beside the second that
// scrypt takes.
func decrypt(encrypted []byte, passphrase string, mostWork int) ([]byte, error) {
	if passphrase == "" {
		return nil, ErrWrongPassphrase
	}
	defer debug.FreeOSMemory()
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
