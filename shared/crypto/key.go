package crypto

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
)

// AddressSize is the length of an address in bytes; its hex form is twice as long.
const AddressSize = 20

// PrivateKey signs for one actor.
type PrivateKey struct {
	key ed25519.PrivateKey
}

// KeyFromSeed returns the key of a 32-byte seed (RFC 8032 §5.1.5). The same seed gives the same key.
func KeyFromSeed(seed [ed25519.SeedSize]byte) PrivateKey {
	return PrivateKey{key: ed25519.NewKeyFromSeed(seed[:])}
}

// Bytes returns the 64-byte private key: seed, then public key.
func (k PrivateKey) Bytes() []byte { return append([]byte(nil), k.key...) }

// PublicKey returns the 32-byte public key.
func (k PrivateKey) PublicKey() []byte { return append([]byte(nil), k.key[ed25519.SeedSize:]...) }

// AppendPublicKey appends the 32-byte public key.
func (k PrivateKey) AppendPublicKey(to []byte) []byte { return append(to, k.key[ed25519.SeedSize:]...) }

// PublicKeyHex returns the public key as 64 lower-case hex digits.
func (k PrivateKey) PublicKeyHex() string { return hex.EncodeToString(k.key[ed25519.SeedSize:]) }

// Address returns the address of the key's actor.
func (k PrivateKey) Address() string { return Address(k.key[ed25519.SeedSize:]) }

// String returns a placeholder, so that the key cannot end up in a log by accident.
func (k PrivateKey) String() string { return "private key of " + k.Address() }

// GoString returns the same placeholder for %#v.
func (k PrivateKey) GoString() string { return k.String() }

// Address returns the first 20 bytes of SHA-256(public key), as 40 lower-case hex digits.
func Address(publicKey []byte) string {
	sum := sha256.Sum256(publicKey)
	return hex.EncodeToString(sum[:AddressSize])
}
