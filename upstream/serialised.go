package upstream

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"golang.org/x/net/http/httpguts"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Request is a request as it is sent. The zero value is none.
type Request struct {
	method string
	wire   []byte
}

// requestRoom is what the header of a request usually takes, and what bytes.Buffer wants to have free beside.
const requestRoom = 512 + bytes.MinRead

// Serialise returns a request as package net/http sends it. Errors do not name the address, nor a field of the header, which
// may be secret.
func Serialise(request *http.Request) (Request, error) {
	for name, values := range request.Header {
		if !httpguts.ValidHeaderFieldName(name) || slices.ContainsFunc(values, func(v string) bool { return !httpguts.ValidHeaderFieldValue(v) }) {
			return Request{}, errors.New("the request has a header field that cannot be sent")
		}
	}
	var wire bytes.Buffer
	wire.Grow(int(request.ContentLength) + requestRoom)
	if request.Write(&wire) != nil {
		return Request{}, errors.New("the request cannot be sent")
	}
	return Request{method: request.Method, wire: wire.Bytes()}, nil
}

// Template makes the requests of JSON-RPC to one node, which differ in their body only.
type Template struct{ before, after []byte }

// NewTemplate returns the template of the requests that NewRequest makes. Errors are those of Serialise.
func NewTemplate(base *url.URL, header http.Header) (*Template, error) {
	const sample = "?"
	request, err := NewRequest(context.Background(), base, types.Payload{JSONRPC: []byte(sample)}, header.Clone())
	if err != nil {
		return nil, err
	}
	serialised, err := Serialise(request)
	if err != nil {
		return nil, err
	}
	before, after, found := bytes.Cut(serialised.wire, []byte("\r\nContent-Length: 1\r\n"))
	after, whole := bytes.CutSuffix(after, []byte(sample))
	if !found || !whole {
		return nil, errors.New("the request has no length")
	}
	return &Template{
		before: append(before, "\r\nContent-Length: "...),
		after:  append([]byte("\r\n"), after...),
	}, nil
}

// Request returns the request with a body, which may not be empty.
func (t *Template) Request(body []byte) Request {
	wire := make([]byte, 0, len(t.before)+len(t.after)+len(body)+20)
	wire = append(wire, t.before...)
	wire = strconv.AppendInt(wire, int64(len(body)), 10)
	wire = append(wire, t.after...)
	return Request{method: http.MethodPost, wire: append(wire, body...)}
}
