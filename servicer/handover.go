package servicer

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// handover is the listener from which package net/http gets its connections.
type handover struct {
	address net.Addr
	given   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func newHandover(address net.Addr) *handover {
	return &handover{address: address, given: make(chan net.Conn), closed: make(chan struct{})}
}

// give hands a connection over, with the bytes that were read of it and not used; it reports whether it was taken.
func (h *handover) give(c *connection) bool {
	read, _ := c.reader.Peek(c.reader.Buffered())
	select {
	case h.given <- &handed{Conn: c.Conn, read: bytes.Clone(read), by: c.began.Add(readTimeout)}:
		return true
	case <-h.closed:
		return false
	}
}

// Accept implements net.Listener.
func (h *handover) Accept() (net.Conn, error) {
	select {
	case conn := <-h.given:
		return conn, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handover) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr implements net.Listener.
func (h *handover) Addr() net.Addr { return h.address }

// handed is a connection that was handed over. Of the request with which that happened a part has come already, and its time
// runs.
type handed struct {
	net.Conn
	read []byte
	// by is when that request has to be complete; until it is answered no deadline for reading is later.
	by       time.Time
	answered atomic.Bool
}

// Read implements net.Conn.
func (h *handed) Read(into []byte) (n int, err error) {
	if len(h.read) > 0 {
		n = copy(into, h.read)
		h.read = h.read[n:]
		return n, nil
	}
	return h.Conn.Read(into)
}

// Write implements net.Conn.
func (h *handed) Write(from []byte) (n int, err error) {
	h.answered.Store(true)
	return h.Conn.Write(from)
}

// SetReadDeadline implements net.Conn.
func (h *handed) SetReadDeadline(until time.Time) error {
	if !h.answered.Load() && (until.IsZero() || until.After(h.by)) {
		until = h.by
	}
	return h.Conn.SetReadDeadline(until)
}

// CloseWrite lets package net/http say that nothing more follows before it closes a connection whose client still sends.
func (h *handed) CloseWrite() error {
	if half, is := h.Conn.(interface{ CloseWrite() error }); is {
		return half.CloseWrite()
	}
	return nil
}
