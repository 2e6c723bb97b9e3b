package account

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	//lint:ignore SA1019 addresses are made with it
	"golang.org/x/crypto/ripemd160"
)

// AddressPrefix is the human-readable part of an address.
const AddressPrefix = "pokt"

// Sizes of what an address stands for: the hash of a key, and the hash that names a module's account.
const (
	keyAddressSize    = 20
	moduleAddressSize = 32
)

// ErrAddress is returned for what is not an address of the network.
var ErrAddress = errors.New("not a pokt1… address")

// Address returns the address of a compressed public key. Errors: ErrKey.
func Address(publicKey []byte) (string, error) {
	if err := CheckPublicKey(publicKey); err != nil {
		return "", err
	}
	inner := sha256.Sum256(publicKey)
	hash := ripemd160.New()
	hash.Write(inner[:])
	return encodeBech32(AddressPrefix, hash.Sum(nil)), nil
}

// CheckAddress returns an error unless a text is an address of the network, in lower case. Errors: ErrAddress.
func CheckAddress(address string) error {
	prefix, data, err := decodeBech32(address)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrAddress, err)
	case prefix != AddressPrefix:
		return fmt.Errorf("%w: it has another prefix", ErrAddress)
	case len(data) != keyAddressSize && len(data) != moduleAddressSize:
		return fmt.Errorf("%w: it stands for %d bytes", ErrAddress, len(data))
	}
	return nil
}

// Bech32 is BIP-173's.
const (
	bech32Letters  = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	bech32Checksum = 6
	bech32Longest  = 90
)

var (
	errBech32Form     = errors.New("malformed")
	errBech32Checksum = errors.New("wrong checksum; is it copied whole?")
)

// encodeBech32 returns data as Bech32 with a lower-case prefix.
func encodeBech32(prefix string, data []byte) string {
	values := make([]byte, 0, (len(data)*8+4)/5+bech32Checksum)
	bits, pending := uint32(0), 0
	for _, b := range data {
		bits, pending = bits<<8|uint32(b), pending+8
		for ; pending >= 5; pending -= 5 {
			values = append(values, byte(bits>>(pending-5)&31))
		}
	}
	if pending > 0 {
		values = append(values, byte(bits<<(5-pending)&31))
	}
	sum := bech32Polymod(prefix, append(values, make([]byte, bech32Checksum)...)) ^ 1
	for i := range bech32Checksum {
		values = append(values, byte(sum>>(5*(bech32Checksum-1-i))&31))
	}
	var text strings.Builder
	text.WriteString(prefix)
	text.WriteByte('1')
	for _, value := range values {
		text.WriteByte(bech32Letters[value])
	}
	return text.String()
}

// decodeBech32 reads lower-case Bech32, the one spelling that the network's nodes write.
func decodeBech32(text string) (prefix string, data []byte, err error) {
	at := strings.LastIndexByte(text, '1')
	if len(text) > bech32Longest || at < 1 || len(text)-at-1 < bech32Checksum || strings.ToLower(text) != text {
		return "", nil, errBech32Form
	}
	prefix = text[:at]
	values := make([]byte, 0, len(text)-at-1)
	for _, letter := range []byte(text[at+1:]) {
		value := strings.IndexByte(bech32Letters, letter)
		if value < 0 {
			return "", nil, errBech32Form
		}
		values = append(values, byte(value))
	}
	if bech32Polymod(prefix, values) != 1 {
		return "", nil, errBech32Checksum
	}
	bits, pending := uint32(0), 0
	for _, value := range values[:len(values)-bech32Checksum] {
		bits, pending = bits<<5|uint32(value), pending+5
		if pending >= 8 {
			pending -= 8
			data = append(data, byte(bits>>pending))
		}
	}
	if pending >= 5 || bits&(1<<pending-1) != 0 {
		return "", nil, errBech32Form
	}
	return prefix, data, nil
}

// bech32Polymod is the checksum of a prefix and values.
func bech32Polymod(prefix string, values []byte) uint32 {
	sum := uint32(1)
	add := func(value byte) {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(value)
		for i, generator := range [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= generator
			}
		}
	}
	for i := range len(prefix) {
		add(prefix[i] >> 5)
	}
	add(0)
	for i := range len(prefix) {
		add(prefix[i] & 31)
	}
	for _, value := range values {
		add(value)
	}
	return sum
}
