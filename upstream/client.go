package upstream

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/idna"
)

const (
	// maxHeaderBytes bounds the header of an answer.
	maxHeaderBytes = 64 << 10
	// idleTimeout is how long a connection is kept for the next request. Most nodes and proxies close an idle one after 60 s
	// (load balancers), 75 s (nginx) or 120 s (geth), so that we close it before they do. Some do after 5 s (Node.js, Apache,
	// uvicorn): those usually say so (announcedIdle), and where one does not, we see that it closed, or ask once more. A bound
	// below 5 s for all would make most requests to a remote node wait for a new connection.
	idleTimeout = 50 * time.Second
	// closingMargin is the time by which we give up a connection before the node says that it will: a request takes time
	// to get there.
	closingMargin = time.Second
)

// Client sends requests to one node and keeps connections to it, of HTTP/1.1. It follows no redirect, keeps no cookie and
// uses no proxy. Its methods may be called by many goroutines.
//
// It is not an http.Transport since that decides itself which requests it repeats, how often and over what.
type Client struct {
	transport *http.Transport
	scheme    string
	address   string
	pool      pool
}

// NewClient returns a client of the node at a URL. It keeps at most so many connections; timeout bounds dialling and the
// TLS handshake.
func NewClient(node *url.URL, timeout time.Duration, connections int) *Client {
	return &Client{
		scheme:  node.Scheme,
		address: address(node),
		pool:    pool{most: connections},
		transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: timeout}).DialContext,
			TLSHandshakeTimeout:    timeout,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeaderBytes,
		},
	}
}

// address returns the host and the port of an http or https URL.
func address(node *url.URL) string {
	host := node.Hostname()
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	port := "80"
	if node.Scheme == "https" {
		port = "443"
	}
	return net.JoinHostPort(host, cmp.Or(node.Port(), port))
}

// Close closes the kept connections. Requests still work afterwards, over new ones.
func (c *Client) Close() { c.pool.clear() }

// Do sends a request and returns the answer once its header is there. The caller reads the body to its end, or the
// connection is not used again, and closes it.
//
// A node may close a kept connection at the moment in which a request is on its way. If the connection ends before a byte
// of an answer was read, the request is sent once more, over a new connection, whatever its method: the node hung up
// without a word. It is not sent again when an answer has begun, when the connection was new, or when the context is over.
// So the node is asked twice at most.
func (c *Client) Do(request *http.Request) (*http.Response, error) {
	kept := c.pool.take()
	if kept == nil {
		return c.doAnew(request)
	}
	var begun atomic.Bool
	trace := &httptrace.ClientTrace{GotFirstResponseByte: func() { begun.Store(true) }}
	response, err := c.send(kept, request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
	if err == nil || begun.Load() || request.Context().Err() != nil {
		return response, err
	}
	again := request.WithContext(request.Context())
	if request.GetBody != nil {
		if again.Body, err = request.GetBody(); err != nil {
			return nil, fmt.Errorf("read request again: %w", err)
		}
	}
	return c.doAnew(again)
}

func (c *Client) doAnew(request *http.Request) (*http.Response, error) {
	connection, err := c.transport.NewClientConn(request.Context(), c.scheme, c.address)
	if err != nil {
		return nil, err
	}
	return c.send(connection, request)
}

// send sends a request over a connection, which is kept once the answer is read.
func (c *Client) send(connection *http.ClientConn, request *http.Request) (*http.Response, error) {
	response, err := connection.RoundTrip(request)
	if err != nil {
		_ = connection.Close()
		return nil, err
	}
	idle := min(idleTimeout, announcedIdle(response.Header)-closingMargin)
	response.Body = &body{ReadCloser: response.Body, ended: func() { c.pool.put(connection, idle) }}
	return response, nil
}

// body is an answer's body that tells of its end.
type body struct {
	io.ReadCloser
	ended func()
	once  sync.Once
}

// Close implements io.Closer.
func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(b.ended)
	return err
}

// announcedIdle returns how long a node says that it keeps an idle connection, by "Keep-Alive: timeout=SECONDS"; otherwise a
// time that is longer than any.
func announcedIdle(header http.Header) time.Duration {
	for parameter := range strings.SplitSeq(strings.Join(header.Values("Keep-Alive"), ","), ",") {
		name, value, _ := strings.Cut(parameter, "=")
		if seconds, err := strconv.ParseUint(strings.TrimSpace(value), 10, 16); err == nil && strings.EqualFold(strings.TrimSpace(name), "timeout") {
			return time.Duration(seconds) * time.Second
		}
	}
	return time.Duration(1<<63 - 1)
}
