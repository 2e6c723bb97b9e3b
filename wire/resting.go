package wire

import (
	"bufio"
	"sync"
)

// buffers are read buffers that no connection uses at present. Most of a pool's connections are idle, and need none.
type buffers struct{ unused sync.Pool }

// rest takes the buffer of a connection that becomes idle, unless something is in it. One that a new connection has brought along is
// let go: each cold check would add as many as it has servicers, and collections would be slow to follow.
func (b *buffers) rest(conn *Conn) {
	if conn.reader == nil || conn.reader.Buffered() > 0 {
		return
	}
	if conn.borrowed {
		conn.reader.Reset(nil)
		b.unused.Put(conn.reader)
	}
	conn.reader, conn.borrowed = nil, false
}

// rouse gives a connection that is taken a buffer.
func (b *buffers) rouse(conn *Conn) {
	if conn.reader != nil {
		return
	}
	conn.borrowed = true
	if reader, is := b.unused.Get().(*bufio.Reader); is {
		reader.Reset(conn.meter)
		conn.reader = reader
		return
	}
	conn.reader = bufio.NewReaderSize(conn.meter, readBuffer)
}

// unread reports whether something was received that was not read. An idle connection without a buffer has nothing.
func (c *Conn) unread() bool { return c.reader != nil && c.reader.Buffered() > 0 }
