package pocketd

import (
	"context"
	"net"
	"slices"

	"github.com/pocket-fisherman/fisherman/localnet"
)

// ports are loopback ports that are given to processes. pocketd opens its ports itself, so each is free for a moment;
// none is in the range that the system assigns to outgoing connections.
type ports struct{ taken []string }

// take returns the host:port of a free port that it has not returned before.
func (p *ports) take() (string, error) {
	for {
		listener, err := localnet.ListenLasting(context.Background())
		if err != nil {
			return "", err
		}
		address := listener.Addr().(*net.TCPAddr).String()
		listener.Close()
		if !slices.Contains(p.taken, address) {
			p.taken = append(p.taken, address)
			return address, nil
		}
	}
}
