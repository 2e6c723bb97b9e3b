package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"time"
)

const (
	// bufferSize is that of a connection's buffer.
	bufferSize = 4 << 10
	// aloneBytes is the largest request that is written before the answer is read. A larger one may not fit into what the
	// system takes, so that a node which answers before it has read all would not be heard.
	aloneBytes = 8 << 10
)

var (
	// longAgo is a deadline that ends what waits.
	longAgo = time.Unix(1, 0)

	errLargeHeader = errors.New("the header of the answer is too large")
)

// connection is a connection to a node, of HTTP/1.1. One request is under way on it at a time, in the goroutine that asks:
// it writes the request and reads the answer itself.
type connection struct {
	net.Conn
	socket *socket
	reader *bufio.Reader
	// left is the number of bytes that may still be read from the node.
	left int
}

// dial connects to a node. Errors are those of the network and of TLS.
func (c *Client) dial(ctx context.Context) (*connection, error) {
	raw, err := c.connect(ctx, "tcp", c.address)
	if err != nil {
		return nil, err
	}
	made := &connection{socket: newSocket(raw)}
	made.Conn = made.socket
	if c.scheme == "https" {
		if made.Conn, err = c.shake(ctx, made.socket); err != nil {
			_ = raw.Close()
			return nil, err
		}
	}
	made.reader = bufio.NewReaderSize(made, bufferSize)
	return made, nil
}

// shake makes a TLS connection.
func (c *Client) shake(ctx context.Context, raw net.Conn) (net.Conn, error) {
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	config := c.tls.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(c.address)
	}
	secure := tls.Client(raw, config)
	return secure, secure.HandshakeContext(bounded)
}

// Read reads from the node, at most as many bytes as are left.
func (c *connection) Read(into []byte) (int, error) {
	if c.left <= 0 {
		return 0, errLargeHeader
	}
	n, err := c.Conn.Read(into[:min(len(into), c.left)])
	c.left -= n
	return n, err
}

// quiet reports whether nothing has come over an idle connection, no end of it either. What comes without a question is no
// answer to the next one.
func (c *connection) quiet() bool {
	if c.reader.Buffered() > 0 {
		return false
	}
	c.socket.now = true
	defer func() { c.socket.now = false }()
	_, err := c.Conn.Read(make([]byte, 1))
	return isTimeout(err)
}

// begin sends a request and reads the header of the answer. begun is false if no byte of an answer has come. What comes
// before the final answer is passed over; together they are bounded as one header is.
func (c *connection) begin(request Request) (response *http.Response, begun bool, err error) {
	c.left = maxHeaderBytes
	sent := c.send(request)
	defer func() {
		// It has been written, or is not needed any more: a node may answer and close before it has read all.
		if sent() != nil && err == nil {
			response.Close = true
		}
	}()
	if _, err := c.reader.Peek(1); err != nil {
		return nil, false, err
	}
	for response == nil || isInterim(response.StatusCode) {
		if response, err = http.ReadResponse(c.reader, &http.Request{Method: request.method}); err != nil {
			return nil, true, fmt.Errorf("read answer: %w", err)
		}
	}
	c.left = math.MaxInt
	response.Close = response.Close || response.StatusCode < http.StatusOK
	return response, true, nil
}

// isInterim reports whether another answer follows one with this status.
func isInterim(status int) bool {
	return status/100 == 1 && status != http.StatusSwitchingProtocols
}

// send writes a request. A large one is written while the answer is read. sent ends the writing, and returns why the request
// was not written to its end.
func (c *connection) send(request Request) (sent func() error) {
	if len(request.wire) <= aloneBytes {
		_, err := c.Write(request.wire)
		return func() error { return err }
	}
	done := make(chan error, 1)
	go func() {
		_, err := c.Write(request.wire)
		done <- err
	}()
	return func() error {
		select {
		case err := <-done:
			return err
		default:
		}
		_ = c.SetWriteDeadline(longAgo)
		return <-done
	}
}

// isTimeout reports whether an error is that of a deadline.
func isTimeout(err error) bool {
	network, is := errors.AsType[net.Error](err)
	return is && network.Timeout()
}

// body is the body of an answer. When it is closed its connection is kept, if the body was read to its end.
type body struct {
	io.ReadCloser
	context context.Context
	// ended takes the connection back; nil once it has.
	ended func(whole bool)
	whole bool
}

// Read implements io.Reader. It fails with the context's error once the context is over.
func (b *body) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	switch {
	case err == io.EOF:
		b.whole = true
	case err != nil:
		err = because(b.context, err)
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	if b.ended != nil {
		b.ended(b.whole)
		b.ended = nil
	}
	return nil
}

// because returns the error of a context that is over, otherwise an error of the network.
func because(ctx context.Context, err error) error {
	if over := ctx.Err(); over != nil {
		return over
	}
	return err
}
