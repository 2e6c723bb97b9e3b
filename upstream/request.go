package upstream

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const contentJSON = "application/json"

// NewRequest returns the request that asks a node for what a payload says: JSON-RPC by POST to the base itself, REST below
// it. The header fields of a REST request are the caller's to choose; NewRequest takes the header over. In every request
// Accept names JSON unless the header says otherwise, and Accept-Encoding names gzip only: without the field, a node may
// answer in any coding (RFC 9110, section 12.5.3). Errors: relay.ErrMalformed for a path that does not fit the base.
func NewRequest(ctx context.Context, base *url.URL, payload types.Payload, header http.Header) (*http.Request, error) {
	if header == nil {
		header = make(http.Header, 3)
	}
	header.Set("Accept", cmp.Or(header.Get("Accept"), contentJSON))
	header.Set("Accept-Encoding", "gzip")
	rest := payload.REST
	if rest == nil {
		header.Set("Content-Type", contentJSON)
		return exchange(ctx, http.MethodPost, base, header, payload.JSONRPC), nil
	}
	address, err := relay.JoinREST(base, rest.GetPath())
	if err != nil {
		return nil, err
	}
	return exchange(ctx, rest.GetMethod(), address, header, rest.GetBody()), nil
}

// SetHeader sets header fields that the node's operator configured, as credentials are, in the header of a request. They go
// before those that were given.
func SetHeader(header, configured http.Header) {
	for name, values := range configured {
		header[name] = values
	}
}

// exchange returns an HTTP request as http.NewRequest makes it, of a URL that is parsed already.
func exchange(ctx context.Context, method string, address *url.URL, header http.Header, body []byte) *http.Request {
	request := &http.Request{Method: method, URL: address, Host: address.Host, Header: header}
	if len(body) > 0 {
		request.ContentLength = int64(len(body))
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		request.Body, _ = request.GetBody()
	}
	return request.WithContext(ctx)
}
