package types

import (
	"fmt"
	"net/url"
	"regexp"
)

// NativeRelayChain is the relay chain that is the network itself.
const NativeRelayChain = "0001"

var (
	addressForm = regexp.MustCompile(`^[0-9a-f]{40}$`)
	keyForm     = regexp.MustCompile(`^[0-9a-f]{64}$`)
	chainForm   = regexp.MustCompile(`^[0-9A-F]{4}$`)
	zoneForm    = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
)

// ValidateAddress reports what is wrong with an actor's address: 40 lower-case hex digits.
func ValidateAddress(address string) error {
	return matches(addressForm, address, "40 lower-case hex digits")
}

// ValidatePublicKey reports what is wrong with an ed25519 public key in text form: 64 lower-case hex digits.
func ValidatePublicKey(key string) error {
	return matches(keyForm, key, "64 lower-case hex digits")
}

// ValidateSessionID reports what is wrong with a session id: 64 lower-case hex digits.
func ValidateSessionID(id string) error {
	return matches(keyForm, id, "64 lower-case hex digits")
}

// ValidateRelayChain reports what is wrong with a relay chain's identifier: four upper-case hex digits.
func ValidateRelayChain(chain string) error {
	return matches(chainForm, chain, "four upper-case hex digits, as in 0001")
}

// ValidateGeoZone reports what is wrong with a geo zone: 1 to 32 characters of [a-z0-9-].
func ValidateGeoZone(zone string) error {
	return matches(zoneForm, zone, "1 to 32 characters of a-z, 0-9 and '-'")
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

func matches(form *regexp.Regexp, value, want string) error {
	if !form.MatchString(value) {
		return fmt.Errorf("%q is not %s", value, want)
	}
	return nil
}
