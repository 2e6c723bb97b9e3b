//go:build !linux

package wire

import (
	"net"
	"time"
)

// stampedConn is made on Linux only: elsewhere the kernel's times of a TCP connection are not to be had.
type stampedConn struct{ net.Conn }

func newStampedConn(net.Conn, *waker) *stampedConn { return nil }

// waker is for stamped connections only.
type waker struct{}

func (*stampedConn) begin()                       {}
func (*stampedConn) expect(int)                   {}
func (*stampedConn) requested()                   {}
func (*stampedConn) hold()                        {}
func (*stampedConn) holds() bool                  { return false }
func (*stampedConn) flush() error                 { return nil }
func (*stampedConn) hurry(bool)                   {}
func (*stampedConn) watch(time.Time, func()) bool { return false }
func (*stampedConn) forget()                      {}
func (*stampedConn) collect()                     {}
func (*stampedConn) arrival() time.Time           { return time.Time{} }
func (*stampedConn) transmitted() time.Time       { return time.Time{} }
func (*stampedConn) inOrder() bool                { return false }

func notYet(error) bool { return false }
