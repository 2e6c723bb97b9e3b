package endpoints

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/upstream"
	"github.com/pocket-fisherman/fisherman/wire"
)

// template is what all JSON-RPC requests to a target have in common: the bytes before the length of the body, and those
// between the length and the body.
type template struct{ before, after []byte }

// newTemplate takes a request to the address apart. It is empty when there can be no such request, as newRequest says then.
func newTemplate(address *url.URL, header http.Header) template {
	const length = "\r\nContent-Length: "
	request, err := upstream.NewRequest(context.Background(), address, types.Payload{}, header.Clone())
	if err != nil {
		return template{}
	}
	written, err := wire.Request(request.Method, address.String(), request.Header, []byte("?"))
	if err != nil {
		return template{}
	}
	before, after, found := bytes.Cut(bytes.TrimSuffix(written, []byte("?")), []byte(length+"1\r\n"))
	if !found {
		return template{}
	}
	return template{before: append(before, length...), after: append([]byte("\r\n"), after...)}
}

// with returns the request with a body.
func (t template) with(body []byte) []byte {
	const digits = 20
	written := make([]byte, 0, len(t.before)+digits+len(t.after)+len(body))
	written = strconv.AppendInt(append(written, t.before...), int64(len(body)), 10)
	return append(append(written, t.after...), body...)
}
