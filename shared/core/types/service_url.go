package types

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/text"
)

// ServiceURLForm says in words what ValidateServiceURL accepts.
const ServiceURLForm = "an http or https URL of at most 256 bytes in its one spelling: a lower-case ASCII host without trailing dot, " +
	"addresses as they are usually written, a port of 1 to 65535 without leading zeros and not the default one, " +
	"a plain path without trailing slash, no user, query or fragment"

const (
	maxServiceURL  = 256
	maxHost        = 253
	maxLabel       = 63
	hostLetters    = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	pathLetters    = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@"
	decimalDigits  = "0123456789"
	shownURLLength = 80
)

// translated carries IPv4 addresses in its last four bytes (NAT64, RFC 6052).
var translated = netip.MustParsePrefix("64:ff9b::/96")

// ValidateServiceURL returns an error unless a service URL is what an actor may stake: what ServiceURL returns. The error
// names the right spelling if there is one. It decides what a transaction does, so it rests on no URL parser of a library.
func ValidateServiceURL(raw string) error {
	canonical, err := ServiceURL(raw)
	if err == nil && canonical != raw {
		return fmt.Errorf("%q is not %s; write %q", text.Line(raw, shownURLLength), ServiceURLForm, canonical)
	}
	return err
}

// ServiceURL returns the one spelling of a service URL: lower-case scheme and host, no trailing dot, an IPv4 address in
// four decimal numbers (also one that was written in fewer, in octal or hexadecimal, or within IPv6), an IPv6 address as
// RFC 5952 writes it, the port without leading zeros and without the default one, no trailing slash. It returns an error
// if there is none.
func ServiceURL(raw string) (string, error) {
	parsed, ok := parseService(raw)
	path := strings.TrimRight(parsed.path, "/")
	if !ok || len(raw) > maxServiceURL || !isHost(parsed.host) || !isPlainPath(path) {
		return "", fmt.Errorf("%q is not %s", text.Line(raw, shownURLLength), ServiceURLForm)
	}
	if parsed.port != "" {
		parsed.port = ":" + parsed.port
	}
	return parsed.scheme + "://" + parsed.host + parsed.port + path, nil
}

// ServiceOrigin returns scheme, host and port of a service URL in one spelling, as in "https://a.example:443", whatever
// the rest of it is and however it is spelled; the URL itself if it is none.
func ServiceOrigin(raw string) string {
	parsed, ok := parseService(raw)
	if !ok {
		return raw
	}
	if parsed.port == "" {
		parsed.port = defaultPorts[parsed.scheme]
	}
	return parsed.scheme + "://" + parsed.host + ":" + parsed.port
}

// ValidateHTTPURL returns an error unless a URL is absolute, http or https, with a host, without user information, query
// or fragment, and at most 256 bytes, in any spelling.
func ValidateHTTPURL(raw string) error {
	const want = "an http or https URL of at most 256 bytes with a host and without user, query or fragment"
	u, err := url.Parse(raw)
	if err != nil || len(raw) > maxServiceURL || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" ||
		u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return fmt.Errorf("%q is not %s", text.Line(raw, shownURLLength), want)
	}
	return nil
}

// service is a URL in its parts. The host is lower-case, without trailing dots, an address in its usual form, IPv6 in
// brackets; the port is empty for the scheme's own; the path is everything after it.
type service struct{ scheme, host, port, path string }

var defaultPorts = map[string]string{"http": "80", "https": "443"}

func parseService(raw string) (parsed service, ok bool) {
	scheme, rest, _ := strings.Cut(raw, "://")
	parsed.scheme = strings.ToLower(scheme)
	own, known := defaultPorts[parsed.scheme]
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest, parsed.path = rest[:end], rest[end:]
	}
	host, port := rest, ""
	if end := strings.LastIndexByte(rest, ':'); end > strings.LastIndexByte(rest, ']') {
		host, port = rest[:end], rest[end+1:]
		if port != "" {
			number, err := strconv.ParseUint(port, 10, 16)
			if err != nil || number == 0 {
				return service{}, false
			}
			port = strconv.FormatUint(number, 10)
		}
	}
	if port != own {
		parsed.port = port
	}
	parsed.host, ok = readHost(host)
	return parsed, ok && known
}

// readHost returns a host in its usual form.
func readHost(host string) (string, bool) {
	if inner, bracketed := strings.CutPrefix(host, "["); bracketed {
		inner, closed := strings.CutSuffix(inner, "]")
		address, err := netip.ParseAddr(inner)
		if !closed || err != nil || !address.Is6() || address.Zone() != "" {
			return "", false
		}
		if translated.Contains(address) {
			bytes := address.As16()
			address = netip.AddrFrom4([4]byte(bytes[12:]))
		}
		if address = address.Unmap(); address.Is4() {
			return address.String(), true
		}
		return "[" + address.String() + "]", true
	}
	if strings.ContainsAny(host, ":@[]") {
		return "", false
	}
	host = strings.TrimRight(strings.ToLower(host), ".")
	if address, is := readIPv4(host); is {
		host = address.String()
	}
	return host, host != ""
}

// readIPv4 reads an IPv4 address in any form that the C library resolves: one to four numbers, each decimal, octal or
// hexadecimal, the last filling the bytes that are left.
func readIPv4(host string) (netip.Addr, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, part := range parts {
		number, is := readNumber(part)
		bytes := 1
		if i == len(parts)-1 {
			bytes = 5 - len(parts)
		}
		if !is || number >= 1<<(8*bytes) {
			return netip.Addr{}, false
		}
		value = value<<(8*bytes) | number
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}

// readNumber reads a number as C writes it: 0x for hexadecimal, a leading 0 for octal.
func readNumber(part string) (uint64, bool) {
	base := 10
	if hex, is := strings.CutPrefix(part, "0x"); is {
		part, base = "0"+hex, 16
	} else if len(part) > 1 && part[0] == '0' {
		base = 8
	}
	if part == "" || strings.ContainsAny(part, "+-_") {
		return 0, false
	}
	number, err := strconv.ParseUint(part, base, 64)
	return number, err == nil
}

// isHost reports whether a host that was read is an address or a name that no resolver takes for an address.
func isHost(host string) bool {
	if strings.HasPrefix(host, "[") {
		return true
	}
	if _, is := readIPv4(host); is {
		return true
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if consists(label, hostLetters, 1, maxLabel, "") != nil {
			return false
		}
	}
	last := labels[len(labels)-1]
	return len(host) <= maxHost && strings.Trim(last, decimalDigits) != "" && !isHexNumber(last)
}

func isHexNumber(label string) bool {
	digits, is := strings.CutPrefix(label, "0x")
	return is && strings.Trim(digits, lowerHex) == ""
}

// isPlainPath reports whether a path is empty or has only segments that mean nothing but themselves.
func isPlainPath(path string) bool {
	if path == "" {
		return true
	}
	for _, segment := range strings.Split(path[1:], "/") {
		if segment == "." || segment == ".." || consists(segment, pathLetters, 1, maxServiceURL, "") != nil {
			return false
		}
	}
	return path[0] == '/'
}
