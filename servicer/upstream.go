package servicer

import (
	"errors"
	"fmt"
	"net/url"
)

// Kind is what an upstream node speaks.
type Kind int

// Kinds of upstream nodes. The zero value is JSON-RPC.
const (
	// JSONRPC: JSON-RPC 2.0 by POST to the URL, answered with JSON.
	JSONRPC Kind = iota
	// REST: HTTP requests below the URL, answered with any body.
	REST
)

// String names the kind as configurations do.
func (k Kind) String() string {
	switch k {
	case JSONRPC:
		return "json-rpc"
	case REST:
		return "rest"
	default:
		return fmt.Sprintf("kind %d", int(k))
	}
}

// Upstream is a node that the relays of one relay chain are executed against.
type Upstream struct {
	Kind Kind
	// URL is absolute, http or https. Path and query are taken as they are; user information and fragment are refused.
	// Of a REST node it is the base that no request leads out of; parameters in its query cannot be set by a request.
	// It is never told to a peer.
	URL string
}

// parse leaves the URL out of its errors: operators put access tokens into them.
func (u Upstream) parse() (*url.URL, error) {
	if u.Kind != JSONRPC && u.Kind != REST {
		return nil, fmt.Errorf("%s is not known", u.Kind)
	}
	target, err := url.Parse(u.URL)
	if err != nil || (target.Scheme != "http" && target.Scheme != "https") || target.Hostname() == "" ||
		target.User != nil || target.Fragment != "" {
		return nil, errors.New("not an http or https URL with a host and without user and fragment")
	}
	return target, nil
}
