package port

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"syscall"
)

const (
	// portsFile is where Linux publishes the range of ports for outgoing connections: the first and the last one.
	portsFile = "/proc/sys/net/ipv4/ip_local_port_range"
	// lowestPort keeps clear of the ports of common servers.
	lowestPort = 10_000
	// firstGivenPort is the first port of outgoing connections on a system that does not publish it: 32768 is Linux's
	// default; others begin at 49152, as RFC 6335 §6 suggests.
	firstGivenPort = 32_768
	// portTries bounds the search for a free port.
	portTries = 100
)

// Listen opens a TCP listener at a host:port. Port 0 means a free port that can be opened again later.
func Listen(ctx context.Context, address string) (listener net.Listener, err error) {
	var config net.ListenConfig
	err = Open(address, func(at string) (err error) {
		listener, err = config.Listen(ctx, "tcp", at)
		return err
	})
	return listener, err
}

// Free returns addresses of a host that nothing listens at, and that no outgoing connection gets; no two are the same.
func Free(ctx context.Context, host string, count int) (addresses []string, err error) {
	for range count {
		listener, err := Listen(ctx, net.JoinHostPort(host, "0"))
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		addresses = append(addresses, listener.Addr().String())
	}
	return addresses, nil
}

// Open opens a socket at a host:port. Port 0 means any free port outside the range of outgoing connections, or
// the system's choice if there is none.
func Open(address string, open func(address string) error) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port != "0" {
		return open(address)
	}
	given := portsGivenFrom(portsFile)
	for try := 0; try < portTries && given > lowestPort; try++ {
		chosen := strconv.Itoa(lowestPort + rand.IntN(given-lowestPort))
		if err := open(net.JoinHostPort(host, chosen)); !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
	}
	return open(address)
}

// portsGivenFrom returns the first port that the system assigns to outgoing connections.
func portsGivenFrom(file string) int {
	text, err := os.ReadFile(file)
	var first, last int
	if err != nil {
		return firstGivenPort
	}
	if _, err := fmt.Sscan(string(text), &first, &last); err != nil || first < 0 || last < first {
		return firstGivenPort
	}
	return first
}
