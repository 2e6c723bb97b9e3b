package servicer

import (
	"net/http"
	"slices"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Headers on neither list are dropped: those of the connection (hop-by-hop), of the parties (Cookie, Authorization,
// Forwarded, X-Forwarded-For, Server, Via), of location (Host, Location), and of framing (Content-Length,
// Transfer-Encoding), which the servicer's own exchange determines.
var (
	// passedUp are the headers of a REST request that are passed to the upstream node, in canonical form.
	passedUp = []string{
		"Accept", "Accept-Language", "Content-Type", "If-Match", "If-Modified-Since", "If-None-Match",
		"If-Unmodified-Since", "X-Cosmos-Block-Height",
	}
	// passedDown are the headers of its answer that are passed back to the client.
	passedDown = []string{
		"Cache-Control", "Content-Encoding", "Content-Language", "Content-Type", "Etag", "Last-Modified", "Retry-After",
		"X-Cosmos-Block-Height",
	}
)

// upwards returns the headers for the upstream node. Of a repeated name, only the first value is used.
func upwards(given []*types.HTTPHeader) http.Header {
	passed := make(http.Header, len(given)+3)
	for _, header := range given {
		name := http.CanonicalHeaderKey(header.GetName())
		if _, repeated := passed[name]; !repeated && slices.Contains(passedUp, name) {
			passed[name] = []string{header.GetValue()}
		}
	}
	return passed
}

// downwards returns the headers for the client, ordered by name, and an upper bound of the bytes that they take in the
// answer. A value that cannot be passed on unchanged is dropped.
func downwards(given http.Header) (passed []*types.HTTPHeader, size int) {
	for _, name := range passedDown {
		header := &types.HTTPHeader{Name: name, Value: given.Get(name)}
		if header.GetValue() == "" || relay.ValidateHeader(header) != nil {
			continue
		}
		passed = append(passed, header)
		size += len(name) + len(header.GetValue()) + headerFraming
	}
	return passed, size
}

// headerFraming is an upper bound of what protobuf adds to the name and the value of a header.
const headerFraming = 16
