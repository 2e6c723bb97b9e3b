package types

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/text"
)

// NativeRelayChain is the relay chain that is the network itself.
const NativeRelayChain = "0001"

// What identifiers are made of.
const (
	lowerHex   = "0123456789abcdef"
	upperHex   = "0123456789ABCDEF"
	zoneLetter = "abcdefghijklmnopqrstuvwxyz0123456789-"
)

// ValidateAddress reports what is wrong with an actor's address: 40 lower-case hex digits.
func ValidateAddress(address string) error {
	return consists(address, lowerHex, 40, 40, "40 lower-case hex digits")
}

// ValidatePublicKey reports what is wrong with an ed25519 public key in text form: 64 lower-case hex digits.
func ValidatePublicKey(key string) error {
	return consists(key, lowerHex, 64, 64, "64 lower-case hex digits")
}

// ValidateSessionID reports what is wrong with a session id: 64 lower-case hex digits.
func ValidateSessionID(id string) error {
	return consists(id, lowerHex, 64, 64, "64 lower-case hex digits")
}

// MaxOpaque is the longest identifier of another network, in bytes.
const MaxOpaque = 128

// ValidateOpaque reports what is wrong with an identifier of any network: 1 to 128 bytes of printable text. Its form is
// the network's business.
func ValidateOpaque(id string) error {
	if id == "" || len(id) > MaxOpaque || text.Printable(id) != id {
		return fmt.Errorf("%q is not 1 to %d bytes of printable text", text.Line(id, MaxOpaque), MaxOpaque)
	}
	return nil
}

// ValidateRelayChain reports what is wrong with a relay chain's identifier: four upper-case hex digits.
func ValidateRelayChain(chain string) error {
	return consists(chain, upperHex, 4, 4, "four upper-case hex digits, as in 0001")
}

// ValidateGeoZone reports what is wrong with a geo zone: 1 to 32 characters of [a-z0-9-].
func ValidateGeoZone(zone string) error {
	return consists(zone, zoneLetter, 1, 32, "1 to 32 characters of a-z, 0-9 and '-'")
}

// ValidateServiceURL reports what is wrong with a service URL: absolute, http or https, with a host, without user
// information, query or fragment, at most 256 bytes.
func ValidateServiceURL(raw string) error {
	const want = "an http or https URL of at most 256 bytes with a host and without user, query or fragment"
	u, err := url.Parse(raw)
	if err != nil || len(raw) > 256 || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" ||
		u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return fmt.Errorf("%q is not %s", raw, want)
	}
	return nil
}

// consists checks that a value has so many characters, all of one set. It is no regular expression, since every relay has
// several identifiers.
func consists(value, letters string, shortest, longest int, want string) error {
	if len(value) < shortest || len(value) > longest || strings.Trim(value, letters) != "" {
		return fmt.Errorf("%q is not %s", value, want)
	}
	return nil
}
