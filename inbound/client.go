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
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) { number = int(fd) })
	return number
}
