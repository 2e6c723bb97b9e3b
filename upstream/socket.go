package upstream

import (
	"io"
	"net"
	"os"
	"syscall"
)

// socket is a connection that can be read without waiting.
type socket struct {
	net.Conn
	// raw is nil if the connection is not one of the system.
	raw syscall.RawConn
	// now: Read does not wait, and fails as at a deadline when there is nothing.
	now bool
}

func newSocket(conn net.Conn) *socket {
	made := &socket{Conn: conn}
	if system, is := conn.(syscall.Conn); is {
		made.raw, _ = system.SyscallConn()
	}
	return made
}

// Read implements io.Reader.
func (s *socket) Read(into []byte) (n int, err error) {
	if !s.now {
		return s.Conn.Read(into)
	}
	if s.raw == nil {
		return 0, os.ErrDeadlineExceeded // nothing is known
	}
	var failed error
	if err := s.raw.Control(func(descriptor uintptr) { n, failed = syscall.Read(int(descriptor), into) }); err != nil {
		return 0, err
	}
	switch {
	case failed == syscall.EAGAIN, failed == syscall.EINTR:
		return 0, os.ErrDeadlineExceeded
	case failed != nil:
		return 0, failed
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}
