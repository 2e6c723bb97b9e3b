package inbound

import (
	"bytes"
	"net"
)

// asking is a connection that tells its listener when the header of its first request has been read. The server says that later,
// on a busy machine by more than a silent connection is left alone for.
type asking struct {
	*net.TCPConn // with all its methods, which the server looks for
	listener     *Listener
	// tail is what may be the beginning of the header's end; nil once that was read.
	tail []byte
}

func newAsking(conn *net.TCPConn, listener *Listener) *asking {
	return &asking{TCPConn: conn, listener: listener, tail: make([]byte, 0, endOfHeader)}
}

// endOfHeader is the length of the end of a header: an empty line, after the end of another.
const endOfHeader = len("\n\r\n")

// Read implements net.Conn. The server reads from one goroutine at a time.
func (a *asking) Read(into []byte) (int, error) {
	n, err := a.TCPConn.Read(into)
	if a.tail != nil && n > 0 {
		a.look(into[:n])
	}
	return n, err
}

// look looks for the end of the header in the bytes that came.
func (a *asking) look(came []byte) {
	border := append(a.tail, came[:min(len(came), endOfHeader-1)]...)
	if endsHeader(border) || endsHeader(came) {
		a.tail = nil
		a.listener.asked(a)
		return
	}
	last := came
	if len(came) < endOfHeader-1 {
		last = border
	}
	a.tail = append(a.tail[:0], last[max(0, len(last)-endOfHeader+1):]...)
}

func endsHeader(text []byte) bool {
	return bytes.Contains(text, []byte("\n\r\n")) || bytes.Contains(text, []byte("\n\n"))
}
