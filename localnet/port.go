package localnet

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
	// portsFile is where Linux tells which ports it gives to outgoing connections: the first and the last one.
	portsFile = "/proc/sys/net/ipv4/ip_local_port_range"
	// lowestPort leaves the ports of common servers alone.
	lowestPort = 10_000
	// firstGivenPort is where the ports of outgoing connections begin on a system that does not tell: Linux has 32768
	// unless it is told otherwise, others begin at 49152, the first that RFC 6335 §6 leaves to them.
	firstGivenPort = 32_768
	// portTries bounds the search for a free port.
	portTries = 100
)

// ListenLasting opens a listener on a free loopback port that can be listened on again later: the system gives it to no
// outgoing connection meanwhile. Whoever asks for port 0 instead gets one of those that it does give away.
func ListenLasting(ctx context.Context) (net.Listener, error) {
	address := anyPort
	return listen(ctx, &address)
}

// openLasting opens a socket at a host:port. Port 0 is any free one outside the range of outgoing connections; where
// that range leaves no room, or nothing is free, it is the system's choice.
func openLasting(address string, open func(address string) error) error {
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

// portsGivenFrom reads the first port that the system gives to outgoing connections.
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
