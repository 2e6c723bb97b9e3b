package servicer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
)

const (
	// readBufferSize is that of a connection. A plain request's header has to fit.
	readBufferSize = 4 << 10
	// keptBuffer is the largest buffer that is used again.
	keptBuffer = 16 << 10
	// watchAfter is how long a relay runs before its client is watched for having left. Most are answered by then.
	watchAfter = 20 * time.Millisecond
)

// connection is a client's, over which plain requests are answered one after the other, in one goroutine.
type connection struct {
	net.Conn
	front  *front
	reader *bufio.Reader
	// context ends when the servicer stops or the client has left.
	context context.Context
	cancel  context.CancelFunc
	// watching is the watch of the client, which is used again; nil before the first one, and after one that has begun.
	watching *watching
	// served counts answers.
	served int
	// began is when the first bytes of a request came; when the connection was made for the first one.
	began time.Time
}

// errOther is returned for a request that package net/http has to judge.
var errOther = errors.New("the request is not plain")

// buffers of requests and answers.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// serve answers plain requests until the connection ends. It returns errOther if it goes on otherwise; the bytes of the
// request are still in the reader then.
func (c *connection) serve() error {
	c.began = time.Now()
	_ = c.SetReadDeadline(c.began.Add(readHeaderTimeout))
	for {
		length, err := c.readHeader()
		if err != nil {
			return err
		}
		keep, err := c.answer(length)
		if err != nil || !keep {
			return err
		}
		c.served++
		if !c.front.idle(c) {
			return nil
		}
		_ = c.SetReadDeadline(time.Now().Add(idleTimeout))
	}
}

// readHeader waits for a request and takes its header.
func (c *connection) readHeader() (length int, err error) {
	if _, err := c.reader.Peek(1); err != nil {
		return 0, err
	}
	c.front.busy(c)
	if c.served > 0 {
		c.began = time.Now()
		c.skipEmptyLine()
	}
	for {
		read, _ := c.reader.Peek(c.reader.Buffered())
		found, size, length := plainHeader(read)
		switch found {
		case other:
			return 0, errOther
		case plain:
			_, _ = c.reader.Discard(size)
			return length, nil
		}
		_ = c.SetReadDeadline(c.began.Add(readHeaderTimeout))
		if _, err := c.reader.Peek(len(read) + 1); err != nil {
			return 0, c.unfinished(err)
		}
	}
}

// skipEmptyLine passes over what old clients send after a body (RFC 9112, section 2.2).
func (c *connection) skipEmptyLine() {
	for range min(c.reader.Buffered(), 4) {
		if next, _ := c.reader.Peek(1); next[0] != '\r' && next[0] != '\n' {
			return
		}
		_, _ = c.reader.Discard(1)
	}
}

// unfinished returns what becomes of a connection whose request's header cannot be read to its end. One that breaks off, or is
// too long, is refused.
func (c *connection) unfinished(err error) error {
	if c.reader.Buffered() > 0 && (errors.Is(err, bufio.ErrBufferFull) || errors.Is(err, io.EOF)) {
		return errOther
	}
	return err
}

// answer reads the body of a request and answers it. keep reports whether the connection stays open.
func (c *connection) answer(length int) (keep bool, err error) {
	written := time.Now().Add(c.front.writeTimeout)
	buffer := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buffer) <= keptBuffer {
			buffers.Put(buffer)
		}
	}()
	if c.reader.Buffered() < length {
		_ = c.SetReadDeadline(c.began.Add(readTimeout))
	}
	if *buffer, err = c.readBody((*buffer)[:0], length); err != nil {
		_ = c.SetWriteDeadline(written)
		_, _ = c.Write(incomplete())
		return false, err
	}
	watching := c.watch()
	response, signed := c.front.handle(c.context, *buffer)
	gone := watching.end(c)
	keep = signed && !gone && !c.front.closing()
	_ = c.SetWriteDeadline(written)
	*buffer = appendHead((*buffer)[:0], !keep, len(response))
	if len(response) <= keptBuffer {
		*buffer = append(*buffer, response...)
		_, err = c.Write(*buffer)
		return keep, err
	}
	pieces := net.Buffers{*buffer, response}
	_, err = pieces.WriteTo(c.Conn)
	return keep, err
}

// readBody appends a body of that length. The buffer grows with what comes, not with what is announced.
func (c *connection) readBody(buffer []byte, length int) ([]byte, error) {
	for len(buffer) < length {
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, make([]byte, min(max(len(buffer), 1<<10), length-len(buffer)))...)[:len(buffer)]
		}
		n, err := c.reader.Read(buffer[len(buffer):min(cap(buffer), length)])
		if buffer = buffer[:len(buffer)+n]; err != nil {
			return buffer, err
		}
	}
	return buffer, nil
}

// appendHead appends the header of an answer, as package net/http writes it.
func appendHead(to []byte, closing bool, length int) []byte {
	to = append(to, "HTTP/1.1 200 OK\r\n"...)
	if closing {
		to = append(to, "Connection: close\r\n"...)
	}
	to = append(to, "Content-Length: "...)
	to = strconv.AppendInt(to, int64(length), 10)
	to = append(to, "\r\nContent-Type: "+relay.ContentType+"\r\n"...)
	return append(appendDate(to), "\r\n"...)
}

func appendDate(to []byte) []byte {
	return append(time.Now().UTC().AppendFormat(append(to, "Date: "...), http.TimeFormat), "\r\n"...)
}

// incomplete returns the answer to a request whose body does not come, as http.Error writes it.
func incomplete() []byte {
	to := []byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n")
	return fmt.Appendf(appendDate(to), "Content-Length: %d\r\n\r\n%s\n", len(textIncomplete)+1, textIncomplete)
}

// watching is the watch of a client that has a relay under way.
type watching struct {
	timer *time.Timer

	mu sync.Mutex
	// begun: the connection is being read. over: it must not be any more.
	begun, over bool
	// gone says whether the client has left.
	gone chan bool
}

// watch has the relay cancelled if the client leaves while it runs, once it has run for a while. Most watches end before they
// have begun, so one serves many relays.
func (c *connection) watch() *watching {
	if c.watching != nil {
		c.watching.timer.Reset(watchAfter)
		return c.watching
	}
	made := &watching{gone: make(chan bool, 1)}
	made.timer = time.AfterFunc(watchAfter, func() { made.run(c) })
	c.watching = made
	return made
}

func (w *watching) run(c *connection) {
	w.mu.Lock()
	if w.over {
		w.mu.Unlock()
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	w.begun = true
	w.mu.Unlock()
	_, err := c.reader.Peek(1) // of the next request, or the end
	gone := err != nil && !isTimeout(err)
	if gone {
		c.cancel()
	}
	w.gone <- gone
}

// end ends the watch, and reports whether the client has left.
func (w *watching) end(c *connection) (gone bool) {
	if w.timer.Stop() {
		return false
	}
	c.watching = nil
	w.mu.Lock()
	w.over = true
	begun := w.begun
	if begun {
		_ = c.SetReadDeadline(longAgo)
	}
	w.mu.Unlock()
	return begun && <-w.gone
}

// longAgo is a deadline that ends what waits.
var longAgo = time.Unix(1, 0)

func isTimeout(err error) bool {
	network, is := errors.AsType[net.Error](err)
	return is && network.Timeout()
}
