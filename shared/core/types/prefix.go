package types

// LeastAddressPrefix is the fewest digits that an address is shortened to.
const LeastAddressPrefix = 8

// IsAddressPrefix reports whether a text may be the beginning of an address: 8 to 39 lower-case hex digits.
func IsAddressPrefix(text string) bool {
	return consists(text, lowerHex, LeastAddressPrefix, 39, "") == nil
}
