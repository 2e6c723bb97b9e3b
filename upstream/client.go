package upstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
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
// It is not an http.Transport since that decides itself which requests it repeats, how often and over what, and passes each
// request and each answer through two goroutines of the connection. Requests and answers are written and read by package
// net/http (docs/adr/0074).
type Client struct {
	connect func(ctx context.Context, network, address string) (net.Conn, error)
	tls     *tls.Config
	timeout time.Duration
	scheme  string
	address string
	pool    pool
}

// NewClient returns a client of the node at a URL. It keeps at most so many connections; timeout bounds dialling and the
// TLS handshake.
func NewClient(node *url.URL, timeout time.Duration, connections int) *Client {
	return &Client{
		connect: (&net.Dialer{Timeout: timeout}).DialContext,
		tls:     new(tls.Config),
		timeout: timeout,
		scheme:  node.Scheme,
		address: address(node),
		pool:    pool{most: connections},
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

// Do sends a request and returns the answer once its header is there, by a time at the latest, which holds for the body too.
// The caller reads the body to its end, or the connection is not used again, and closes it. The answer's own Request has a
// method only.
//
// A node may close a kept connection at the moment in which a request is on its way. If the connection ends before a byte
// of an answer was read, the request is sent once more, over a new connection, whatever its method: the node hung up
// without a word. It is not sent again when an answer has begun, when the connection was new, or when the context or the
// time is over. So the node is asked twice at most.
func (c *Client) Do(ctx context.Context, by time.Time, request Request) (*http.Response, error) {
	kept := c.pool.take()
	if kept == nil {
		return c.doAnew(ctx, by, request)
	}
	response, begun, err := c.exchange(ctx, by, request, kept)
	if err == nil || begun || isTimeout(err) || ctx.Err() != nil {
		return response, err
	}
	return c.doAnew(ctx, by, request)
}

func (c *Client) doAnew(ctx context.Context, by time.Time, request Request) (*http.Response, error) {
	bounded, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	made, err := c.dial(bounded)
	if err != nil {
		return nil, err
	}
	response, _, err := c.exchange(ctx, by, request, made)
	return response, err
}

// exchange sends a request over a connection, which is kept once the answer is read. begun is false if no byte of an answer
// has come.
func (c *Client) exchange(ctx context.Context, by time.Time, request Request, over *connection) (response *http.Response, begun bool, err error) {
	_ = over.SetDeadline(by)
	release := context.AfterFunc(ctx, func() { _ = over.SetDeadline(longAgo) })
	if response, begun, err = over.begin(request); err != nil {
		release()
		_ = over.Close()
		return nil, begun, because(ctx, err)
	}
	none := response.Body == http.NoBody
	response.Body = &body{ReadCloser: response.Body, context: ctx, whole: none, ended: func(whole bool) {
		if !release() || !whole || response.Close {
			_ = over.Close()
			return
		}
		c.pool.put(over, min(idleTimeout, announcedIdle(response.Header)-closingMargin))
	}}
	return response, true, nil
}

// announcedIdle returns how long a node says that it keeps an idle connection, by "Keep-Alive: timeout=SECONDS"; otherwise a
// time that is longer than any.
func announcedIdle(header http.Header) time.Duration {
	if len(header["Keep-Alive"]) == 0 {
		return time.Duration(1<<63 - 1)
	}
	for parameter := range strings.SplitSeq(strings.Join(header.Values("Keep-Alive"), ","), ",") {
		name, value, _ := strings.Cut(parameter, "=")
		if seconds, err := strconv.ParseUint(strings.TrimSpace(value), 10, 16); err == nil && strings.EqualFold(strings.TrimSpace(name), "timeout") {
			return time.Duration(seconds) * time.Second
		}
	}
	return time.Duration(1<<63 - 1)
}
