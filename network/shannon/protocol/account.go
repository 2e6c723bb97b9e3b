package protocol

import "github.com/pocket-fisherman/fisherman/shared/account"

// Keys and addresses of accounts are those of package account, under the same names.

// PrivateKey is a secp256k1 key of an account: an application's, a gateway's or a supplier's.
type PrivateKey = account.PrivateKey

// Sizes of keys and signatures, in bytes.
const (
	PublicKeySize = account.PublicKeySize
	SignatureSize = account.SignatureSize
)

// Errors about keys and addresses.
var (
	ErrKey     = account.ErrKey
	ErrAddress = account.ErrAddress
)

// Address is account.Address.
func Address(publicKey []byte) (string, error) { return account.Address(publicKey) }

// CheckAddress is account.CheckAddress.
func CheckAddress(address string) error { return account.CheckAddress(address) }

// NewPrivateKey is account.NewPrivateKey.
func NewPrivateKey(number []byte) (*PrivateKey, error) { return account.NewPrivateKey(number) }

// ParsePrivateKey is account.ParsePrivateKey.
func ParsePrivateKey(digits string) (*PrivateKey, error) { return account.ParsePrivateKey(digits) }

// VerifySignature is account.VerifySignature.
func VerifySignature(publicKey, message, signature []byte) bool {
	return account.VerifySignature(publicKey, message, signature)
}
