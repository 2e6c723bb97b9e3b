package account

import "strings"

// LeastPrefix is the fewest characters that an address is shortened to.
const LeastPrefix = 8

// keyAddressLength is how many characters the address of a key has.
const keyAddressLength = len(AddressPrefix) + 1 + (keyAddressSize*8+4)/5 + bech32Checksum

// IsPrefix reports whether a text may be the beginning of the address of a key: "pokt1" and letters of Bech32, in all at least
// LeastPrefix characters, and fewer than a whole one has.
func IsPrefix(text string) bool {
	letters, is := strings.CutPrefix(text, AddressPrefix+"1")
	return is && len(text) >= LeastPrefix && len(text) < keyAddressLength && strings.Trim(letters, bech32Letters) == ""
}
