package secret

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// MaximumHeaders is the maximum number of header fields of one URL.
	MaximumHeaders = 16
	// maximumURL bounds URLs, in bytes.
	maximumURL = 2048
	// maximumHeader bounds the value of a header, in bytes, and maximumHeaderName its name.
	maximumHeader     = 4096
	maximumHeaderName = 128
)

// URLForm says what a URL has to be.
const URLForm = "an http or https URL of at most 2048 printable ASCII characters with a host in ASCII, without fragment, as in https://HOST/PATH"

// HeaderForm says what the value of a header has to be.
var HeaderForm = fmt.Sprintf("1 to %d characters on one line, without spaces around them", maximumHeader)

// ParseURL returns a URL with its scheme and host in their one spelling, or what is wrong with it.
func ParseURL(raw string) (*url.URL, string) {
	switch {
	case raw == "":
		return nil, "is empty"
	case len(raw) > maximumURL:
		return nil, "is too long"
	case strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }):
		return nil, "has a space, a backslash, or a character that is not printable ASCII and has to be percent-encoded"
	case strings.Contains(raw, "#"):
		return nil, "has a fragment (#)"
	}
	parsed, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, "is not a URL"
	case parsed.Scheme != "http" && parsed.Scheme != "https":
		return nil, "has another scheme than http and https"
	case parsed.Host == "":
		return nil, "has no host"
	}
	origin, err := types.ServiceURL(parsed.Scheme + "://" + parsed.Host)
	if err != nil {
		return nil, "has a host or port that is none"
	}
	parsed.Host = strings.TrimPrefix(origin, parsed.Scheme+"://")
	return parsed, ""
}

// ownHeaders are those that frame a message or belong to a connection: who sends the request sets them.
var ownHeaders = map[string]bool{
	"Host": true, "Content-Length": true, "Transfer-Encoding": true, "Connection": true, "Keep-Alive": true, "Proxy-Connection": true,
	"Te": true, "Trailer": true, "Upgrade": true, "Expect": true, "Accept-Encoding": true, "Content-Encoding": true,
}

// IsHeaderName reports whether text is the name of a header field.
func IsHeaderName(name string) bool {
	return len(name) <= maximumHeaderName && httpguts.ValidHeaderFieldName(name)
}

// IsOwnHeader reports whether a header field is one that the sender of a request sets itself, and nobody configures.
func IsOwnHeader(name string) bool { return ownHeaders[http.CanonicalHeaderKey(name)] }

// IsHeaderValue reports whether text is the value of a header field. A line break is not: it would begin another field.
func IsHeaderValue(value string) bool {
	return value != "" && len(value) <= maximumHeader && httpguts.ValidHeaderFieldValue(value) && strings.Trim(value, " \t") == value
}
