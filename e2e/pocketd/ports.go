package pocketd

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/pocket-fisherman/fisherman/localnet/port"
)

const (
	// blockPorts is the size of the block of ports that a network takes from; blocks begin at multiples of it.
	blockPorts = 64
	// blockTries bounds the search for a free block.
	blockTries = 100
)

// ports are loopback ports that are given to processes. pocketd opens its ports itself, so each is free until then. They
// are of a block whose first port is held, so that no other network, of this process or another, is given them, and
// not in the range that the system assigns to outgoing connections.
type ports struct {
	held net.Listener
	next int
}

// take returns the host:port of a free port that it has not returned before.
func (p *ports) take() (string, error) {
	if p.held == nil {
		if err := p.hold(); err != nil {
			return "", err
		}
	}
	first := p.held.Addr().(*net.TCPAddr).Port
	for p.next++; p.next < blockPorts; p.next++ {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(first+p.next))
		if listener, err := net.Listen("tcp4", address); err == nil {
			return address, listener.Close()
		}
	}
	return "", fmt.Errorf("no free port in the %d from %d on", blockPorts, first)
}

// hold takes a block.
func (p *ports) hold() (err error) {
	for range blockTries {
		var any net.Listener
		if any, err = port.Listen(context.Background(), "127.0.0.1:0"); err != nil {
			return err
		}
		port := any.Addr().(*net.TCPAddr).Port
		any.Close()
		if p.held, err = net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port-port%blockPorts))); err == nil {
			return nil
		}
	}
	return fmt.Errorf("no free block of ports: %w", err)
}

// close gives the block back.
func (p *ports) close() {
	if p.held != nil {
		p.held.Close()
	}
}
