package types

import (
	"fmt"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/text"
)

// NativeRelayChain is the relay chain that is the network itself.
const NativeRelayChain = "0001"

// Alphabets of identifiers.
const (
	lowerHex   = "0123456789abcdef"
	upperHex   = "0123456789ABCDEF"
	zoneLetter = "abcdefghijklmnopqrstuvwxyz0123456789-"
	nameLetter = zoneLetter + "."
)

// ValidateAddress returns an error unless an actor's address is 40 lower-case hex digits.
func ValidateAddress(address string) error {
	return consists(address, lowerHex, 40, 40, "40 lower-case hex digits")
}

// ValidatePublicKey returns an error unless an ed25519 public key is 64 lower-case hex digits.
func ValidatePublicKey(key string) error {
	return consists(key, lowerHex, 64, 64, "64 lower-case hex digits")
}

// ValidateSessionID returns an error unless a session id is 64 lower-case hex digits.
func ValidateSessionID(id string) error {
	return consists(id, lowerHex, 64, 64, "64 lower-case hex digits")
}

// MaxOpaque is the longest identifier of another network, in bytes.
const MaxOpaque = 128

// ValidateOpaque returns an error unless an identifier of any network is 1 to 128 bytes of printable text. Its form is
// the network's business.
func ValidateOpaque(id string) error {
	if id == "" || len(id) > MaxOpaque || text.Printable(id) != id {
		return fmt.Errorf("%q is not 1 to %d bytes of printable text", text.Line(id, MaxOpaque), MaxOpaque)
	}
	return nil
}

// ValidateRelayChain returns an error unless a relay chain's identifier is four upper-case hex digits.
func ValidateRelayChain(chain string) error {
	return consists(chain, upperHex, 4, 4, "four upper-case hex digits, as in 0001")
}

// ValidateGeoZone returns an error unless a geo zone is 1 to 32 characters of [a-z0-9-].
func ValidateGeoZone(zone string) error {
	return consists(zone, zoneLetter, 1, 32, "1 to 32 characters of a-z, 0-9 and '-'")
}

// OperatorForm says in words what ValidateOperator accepts.
const OperatorForm = "1 to 64 characters of a-z, 0-9, '-' and '.'"

// ValidateOperator returns an error unless the declared operator of a servicer is 1 to 64 characters of [a-z0-9.-].
func ValidateOperator(operator string) error {
	return consists(operator, nameLetter, 1, 64, OperatorForm)
}

// consists checks that a value has the given length and alphabet. It is not a regular expression for speed: every relay
// has several identifiers.
func consists(value, letters string, shortest, longest int, want string) error {
	if len(value) < shortest || len(value) > longest || strings.Trim(value, letters) != "" {
		return fmt.Errorf("%q is not %s", value, want)
	}
	return nil
}
