package secret

import (
	"net/url"
	"strings"
)

// NATSForm says what the URL of a NATS server has to be.
const NATSForm = "nats://HOST:PORT or tls://HOST:PORT of at most 2048 characters, with USER:PASSWORD@ or TOKEN@ before the host if need be"

// NATSProblem returns what is wrong with the URL of a NATS server; empty for nothing. It repeats nothing of the URL.
func NATSProblem(raw string) string {
	parsed, err := url.Parse(raw)
	switch {
	case raw == "":
		return "is empty"
	case len(raw) > maximumURL:
		return "is too long"
	case strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' || r == ',' }):
		return "has a space, a comma, a backslash, or a character that is not printable ASCII"
	case err != nil:
		return "is not a URL"
	case parsed.Scheme != "nats" && parsed.Scheme != "tls":
		return "has another scheme than nats and tls"
	case parsed.Hostname() == "":
		return "has no host"
	case parsed.Path != "" && parsed.Path != "/" || parsed.RawQuery != "" || parsed.Fragment != "":
		return "has something after the host"
	}
	return ""
}
