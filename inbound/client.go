package inbound

import (
	"net"
	"net/netip"
	"syscall"
)

// Client is whom connections are counted for: an address of IPv4 or a /64 of IPv6. It is comparable.
type Client struct {
	network netip.Prefix
	public  bool
}

// ClientOf returns the client at the other end of a connection, by its address.
func ClientOf(address net.Addr) Client {
	at, ok := address.(*net.TCPAddr)
	if !ok {
		return Client{}
	}
	from := at.AddrPort().Addr().Unmap().WithZone("")
	width := 64
	if from.Is4() {
		width = 32
	}
	network, _ := from.Prefix(width)
	return Client{network: network, public: from.IsGlobalUnicast() && !from.IsPrivate()}
}

// Public reports whether the client is of the public internet. Others may stand for many: a proxy or an address translation.
func (c Client) Public() bool { return c.public }

// Descriptor returns the number of a connection's file descriptor; 0 when it has none. The system gives out the lowest
// number that is free, so at least as many are open.
func Descriptor(conn net.Conn) (number int) {
	withDescriptor(conn, func(descriptor int) { number = descriptor })
	return number
}

// unread reports whether a connection has bytes that nobody has read yet.
func unread(conn net.Conn) (some bool) {
	withDescriptor(conn, func(descriptor int) {
		n, _, err := syscall.Recvfrom(descriptor, make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		some = err == nil && n > 0
	})
	return some
}

// withDescriptor calls a function with the descriptor of a connection that has one.
func withDescriptor(conn net.Conn, use func(descriptor int)) {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := socket.SyscallConn(); err == nil {
		_ = raw.Control(func(descriptor uintptr) { use(int(descriptor)) })
	}
}
