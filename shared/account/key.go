package account

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// Sizes of keys and signatures, in bytes.
const (
	PrivateKeySize = 32
	// PublicKeySize is that of a compressed point.
	PublicKeySize = 33
	// SignatureSize is that of R and S.
	SignatureSize = 64
)

// ErrKey is returned for what is not a key. It never repeats the text.
var ErrKey = errors.New("not a secp256k1 key")

// PrivateKey is a secp256k1 key of an account: an application's, a gateway's or a supplier's. It prints as its address.
type PrivateKey struct {
	key     *secp256k1.PrivateKey
	public  []byte
	address string
}

// NewPrivateKey returns the key of a number of 32 bytes, big-endian, from 1 to the curve's order less 1. Errors: ErrKey.
func NewPrivateKey(number []byte) (*PrivateKey, error) {
	var scalar secp256k1.ModNScalar
	if len(number) != PrivateKeySize || scalar.SetByteSlice(number) || scalar.IsZero() {
		return nil, ErrKey
	}
	key := secp256k1.NewPrivateKey(&scalar)
	public := key.PubKey().SerializeCompressed()
	address, err := Address(public)
	if err != nil {
		return nil, err
	}
	return &PrivateKey{key: key, public: public, address: address}, nil
}

// ParsePrivateKey reads what 'pocketd keys export --unarmored-hex' writes: 64 hexadecimal digits. Errors: ErrKey.
func ParsePrivateKey(digits string) (*PrivateKey, error) {
	number, err := hex.DecodeString(strings.TrimSpace(digits))
	if err != nil {
		return nil, ErrKey // the cause would repeat a digit
	}
	defer clear(number)
	return NewPrivateKey(number)
}

// Bytes returns the number that NewPrivateKey makes the key of. It is a secret.
func (k *PrivateKey) Bytes() []byte { return k.key.Serialize() }

// PublicKey returns the compressed public key.
func (k *PrivateKey) PublicKey() []byte { return append([]byte(nil), k.public...) }

// Address returns the address of the key.
func (k *PrivateKey) Address() string { return k.address }

// Format implements fmt.Formatter: whatever the verb, the address is written, never the secret.
func (k *PrivateKey) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(k.address)) }

// Sign returns the signature of a message as accounts make it: ECDSA of its SHA-256, R and S, with the lower S.
func (k *PrivateKey) Sign(message []byte) []byte {
	digest := sha256.Sum256(message)
	compact := ecdsa.SignCompact(k.key, digest[:], true)
	return compact[1:] // without the recovery code
}

// VerifySignature reports whether a signature of a message is that of a compressed public key, as accounts make it. One
// with the higher S is refused, as the network refuses it.
func VerifySignature(publicKey, message, signature []byte) bool {
	key, err := parsePublicKey(publicKey)
	if err != nil || len(signature) != SignatureSize {
		return false
	}
	var r, s secp256k1.ModNScalar
	if r.SetByteSlice(signature[:32]) || s.SetByteSlice(signature[32:]) || r.IsZero() || s.IsZero() || s.IsOverHalfOrder() {
		return false
	}
	digest := sha256.Sum256(message)
	return ecdsa.NewSignature(&r, &s).Verify(digest[:], key)
}

// CheckPublicKey returns an error unless the bytes are a compressed point of the curve. Errors: ErrKey.
func CheckPublicKey(compressed []byte) error {
	_, err := parsePublicKey(compressed)
	return err
}

// parsePublicKey reads a compressed point. Errors: ErrKey.
func parsePublicKey(compressed []byte) (*secp256k1.PublicKey, error) {
	if len(compressed) != PublicKeySize {
		return nil, fmt.Errorf("%w: a compressed public key has %d bytes", ErrKey, PublicKeySize)
	}
	key, err := secp256k1.ParsePubKey(compressed)
	if err != nil {
		return nil, fmt.Errorf("%w: not a point of the curve", ErrKey)
	}
	return key, nil
}
