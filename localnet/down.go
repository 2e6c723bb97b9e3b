package localnet

import (
	"fmt"
	"net/netip"
	"sync"
	"syscall"

	"github.com/pocket-fisherman/fisherman/localnet/port"
)

// refusal is a loopback port that refuses every connection: a socket that is bound, which reserves the port, but never
// listens.
type refusal struct {
	fd      int
	address string
	close   sync.Once
}

// refuse reserves the port of an IPv4 loopback host:port; with port 0, any free one.
func refuse(address string) (taken *refusal, err error) {
	err = port.Open(address, func(at string) (err error) {
		taken, err = refuseAt(at)
		return err
	})
	return taken, err
}

func refuseAt(address string) (*refusal, error) {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !at.Addr().Is4() || !at.Addr().IsLoopback() {
		return nil, fmt.Errorf("reserve %q: not an IPv4 loopback address and port", address)
	}
	fd, err := closeOnExecSocket()
	if err != nil {
		return nil, fmt.Errorf("reserve %s: open socket: %w", address, err)
	}
	bound, err := bind(fd, at)
	if err != nil {
		syscall.Close(fd)
		return nil, fmt.Errorf("reserve %s: %w", address, err)
	}
	return &refusal{fd: fd, address: bound.String()}, nil
}

// Address returns the host:port that refuses.
func (r *refusal) Address() string { return r.address }

// Close releases the port.
func (r *refusal) Close() error {
	var err error
	r.close.Do(func() { err = syscall.Close(r.fd) })
	return err
}

// closeOnExecSocket holds the fork lock, because not every system opens a socket and marks it in one step.
func closeOnExecSocket() (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	return fd, err
}

// bind binds the socket and returns the address with its actual port.
func bind(fd int, at netip.AddrPort) (netip.AddrPort, error) {
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}); err != nil {
		return netip.AddrPort{}, err
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, err
	}
	inet, ok := bound.(*syscall.SockaddrInet4)
	if !ok {
		return netip.AddrPort{}, syscall.EAFNOSUPPORT
	}
	return netip.AddrPortFrom(at.Addr(), uint16(inet.Port)), nil
}
