package relay

import (
	"net/url"
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Limits of a REST payload.
const (
	// MaxHeaders is the largest number of header lines in a REST request or answer.
	MaxHeaders = 32
	// MaxHeaderBytes is the largest length of a header line's value.
	MaxHeaderBytes = 4 << 10
	// MaxPathBytes is the largest length of a REST path, query included.
	MaxPathBytes = 8 << 10

	maxHeaderNameBytes = 64
)

// restMethods are the methods that a REST request may have; true for those that carry a body.
var restMethods = map[string]bool{
	"GET": false, "HEAD": false, "POST": true, "PUT": true, "PATCH": true, "DELETE": true,
}

// ValidatePayload reports what keeps a payload from being executed, and how many upstream requests it stands for: more
// than one in a JSON-RPC batch. Errors: ErrMalformed.
func ValidatePayload(payload types.Payload) (requests int, err error) {
	if payload.REST != nil {
		return 1, validateREST(payload.REST)
	}
	return ValidateJSONRPC(payload.JSONRPC)
}

func validateREST(rest *types.RESTPayload) error {
	carries, known := restMethods[rest.GetMethod()]
	if !known {
		return malformed("the method is none of GET, HEAD, POST, PUT, PATCH and DELETE")
	}
	if len(rest.GetBody()) > 0 && !carries {
		return malformed("a %s request has no body", rest.GetMethod())
	}
	if err := validatePath(rest.GetPath()); err != nil {
		return err
	}
	return validateHeaders(rest.GetHeaders())
}

func validateHeaders(headers []*types.HTTPHeader) error {
	if len(headers) > MaxHeaders {
		return malformed("there are %d headers, more than %d", len(headers), MaxHeaders)
	}
	for _, header := range headers {
		if err := ValidateHeader(header); err != nil {
			return err
		}
	}
	return nil
}

// ValidateHeader refuses a header line that could not be sent as it is, or could be read as more than one. Errors:
// ErrMalformed.
func ValidateHeader(header *types.HTTPHeader) error {
	switch name, value := header.GetName(), header.GetValue(); {
	case name == "" || len(name) > maxHeaderNameBytes || strings.ContainsFunc(name, notOf(tokenSigns)):
		return malformed("a header's name is not 1 to %d characters of a token", maxHeaderNameBytes)
	case len(value) > MaxHeaderBytes || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r >= 0x7f }):
		return malformed("the value of header %s is not ASCII, has control characters or more than %d bytes", name, MaxHeaderBytes)
	}
	return nil
}

const (
	// tokenSigns are the characters of a header's name besides letters and digits (RFC 9110 §5.6.2).
	tokenSigns = "!#$%&'*+-.^_`|~"
	// pathSigns are those of a path, the percent sign of an encoding included (RFC 3986 §3.3).
	pathSigns = "-._~!$&'()*+,;=:@/%"
)

// notOf tells of a character that it is neither an ASCII letter or digit nor one of the signs.
func notOf(signs string) func(rune) bool {
	return func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune(signs, r)
	}
}

// validatePath refuses what is not a plain path with an optional query, and every path that a server could read as one
// that leads upwards: "." and ".." as segments, also when they are percent-encoded (however often), end at a backslash,
// or carry parameters after a semicolon.
func validatePath(path string) error {
	if len(path) > MaxPathBytes {
		return malformed("the path has %d bytes, more than %d", len(path), MaxPathBytes)
	}
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return malformed(`the path does not begin with one "/"`)
	}
	plain, query, _ := strings.Cut(path, "?")
	if strings.ContainsFunc(plain, notOf(pathSigns)) ||
		strings.ContainsFunc(query, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' }) {
		return malformed("the path has characters that have to be percent-encoded")
	}
	if _, err := url.ParseQuery(query); err != nil {
		return malformed("the path's query cannot be read")
	}
	decoded, err := url.PathUnescape(plain)
	if err != nil {
		return malformed("the path has a broken percent-encoding")
	}
	for err == nil {
		if strings.ContainsFunc(decoded, func(r rune) bool { return r < ' ' || r == 0x7f }) || leadsAway(decoded) {
			return malformed("the path leads out of its base, or has control characters")
		}
		before := decoded
		if decoded, err = url.PathUnescape(before); decoded == before {
			break
		}
	}
	return nil
}

// leadsAway tells whether a decoded path has a segment that names another folder than its own.
func leadsAway(path string) bool {
	segments := strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' })
	return slices.ContainsFunc(segments, func(segment string) bool {
		name, _, _ := strings.Cut(segment, ";")
		return name == "." || name == ".."
	})
}

// JoinREST is the URL of a REST request below a base: base's scheme, host and path, then the request's path as it is
// written; base's query, then the request's. A request that names a parameter of base's query is refused, because which
// of both counts is up to the upstream node. Errors: ErrMalformed.
func JoinREST(base *url.URL, path string) (*url.URL, error) {
	if err := validatePath(path); err != nil {
		return nil, err
	}
	plain, query, _ := strings.Cut(path, "?")
	joined := *base
	joined.RawPath = strings.TrimSuffix(base.EscapedPath(), "/") + plain
	var err error
	if joined.Path, err = url.PathUnescape(joined.RawPath); err != nil {
		return nil, malformed("the path has a broken percent-encoding")
	}
	if query == "" || base.RawQuery == "" {
		joined.RawQuery = base.RawQuery + query
		return &joined, nil
	}
	fixed := base.Query()
	asked, err := url.ParseQuery(query)
	if err != nil {
		return nil, malformed("the path's query cannot be read")
	}
	for name := range asked {
		if fixed.Has(name) {
			return nil, malformed("the path's query names a parameter that the servicer sets")
		}
	}
	joined.RawQuery = base.RawQuery + "&" + query
	return &joined, nil
}
