package servicer

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Kind is the protocol of an upstream node.
type Kind int

// Kinds of upstream nodes. The zero value is JSON-RPC.
const (
	// JSONRPC is JSON-RPC 2.0 by POST to the URL, answered with JSON.
	JSONRPC Kind = iota
	// REST is HTTP requests below the URL, answered with any body.
	REST
)

// String returns the kind's name in configurations.
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

// Upstream is the node that executes the relays of one relay chain.
type Upstream struct {
	Kind Kind
	// URL is absolute, http or https. Path and query are used unchanged; user information and fragment are refused. For
	// a REST node it is the base that no request can leave, and requests cannot set parameters of its query. It is
	// never disclosed to a peer.
	URL string
	// Header fields are sent with every request, in canonical form, in place of those of the relay. They may be
	// credentials: they are never disclosed to a peer, nor logged.
	Header http.Header
	// Probe is asked of the node when the servicer is served, and while the node does not answer; nil to not watch it.
	Probe *types.Payload
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
