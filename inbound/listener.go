package inbound

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
)

// Bounds of the connections to one server.
type Bounds struct {
	// Most connections in all; further ones wait to be accepted while none is idle. At least 1.
	Most int
	// PerClient is the most connections of one client address (IPv4) or /64 (IPv6) of the public internet; further ones are
	// closed while none of that client's is idle. 0 for any number. Addresses that are not public have no such bound: a proxy
	// or an address translation may stand for many clients there.
	PerClient int
	// Descriptors is the number of the process's file descriptors that may be open beside a new connection, for which an idle
	// one is closed, or else the new one; 0 for any number.
	Descriptors int
}

// Listener accepts connections within bounds. Its Track has to be the server's ConnState. Many goroutines may use it.
type Listener struct {
	net.Listener
	bounds Bounds
	// room wakes Accept when a connection has ended or is idle.
	room   chan struct{}
	closed chan struct{}
	once   sync.Once

	mu      sync.Mutex
	open    map[net.Conn]*connection
	clients map[client]int
	// turn counts what happens, so that what is idle has an order.
	turn uint64
}

// connection is an open one.
type connection struct {
	from client
	// idle: no request has begun since it was made or since the last answer; since the turn.
	idle  bool
	since uint64
}

// client is whom connections are counted for.
type client struct {
	network netip.Prefix
	// bounded: it is of the public internet.
	bounded bool
}

// Listen returns a listener that bounds the connections of another one, which it owns.
func Listen(listener net.Listener, bounds Bounds) *Listener {
	return &Listener{Listener: listener, bounds: bounds, room: make(chan struct{}, 1), closed: make(chan struct{}),
		open: make(map[net.Conn]*connection), clients: make(map[client]int)}
}

// Accept returns the next connection that is within the bounds.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.admit(conn) {
			return conn, nil
		}
		_ = conn.Close()
	}
}

// Close ends Accept.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// Track follows the states of connections.
func (l *Listener) Track(conn net.Conn, state http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known, is := l.open[conn]
	if !is {
		return // closed to make room
	}
	switch state {
	case http.StateActive:
		known.idle = false
		return
	case http.StateIdle:
		l.turn++
		known.idle, known.since = true, l.turn
	case http.StateClosed, http.StateHijacked:
		l.forget(conn)
	default:
		return
	}
	select {
	case l.room <- struct{}{}:
	default:
	}
}

// admit makes room for a connection, and reports whether there is some.
func (l *Listener) admit(conn net.Conn) bool {
	from := clientOf(conn.RemoteAddr())
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bounds.PerClient > 0 && from.bounded && l.clients[from] >= l.bounds.PerClient && !l.evict(func(c client) bool { return c == from }) {
		return false
	}
	if l.bounds.Descriptors > 0 && descriptor(conn) >= l.bounds.Descriptors && !l.evict(anybody) {
		return false
	}
	for len(l.open) >= max(l.bounds.Most, 1) {
		if l.evict(anybody) {
			continue
		}
		l.mu.Unlock()
		var ended bool
		select {
		case <-l.room:
		case <-l.closed:
			ended = true
		}
		l.mu.Lock()
		if ended {
			return false
		}
	}
	l.turn++
	l.open[conn] = &connection{from: from, idle: true, since: l.turn}
	l.clients[from]++
	return true
}

func anybody(client) bool { return true }

// evict closes the connection that has been idle for the longest time, of the client that has the most of all, and reports
// whether there was one.
func (l *Listener) evict(whose func(client) bool) bool {
	var idlest net.Conn
	for conn, known := range l.open {
		if !known.idle || !whose(known.from) {
			continue
		}
		if best := l.open[idlest]; best == nil || l.clients[known.from] > l.clients[best.from] ||
			l.clients[known.from] == l.clients[best.from] && known.since < best.since {
			idlest = conn
		}
	}
	if idlest == nil {
		return false
	}
	l.forget(idlest)
	_ = idlest.Close()
	return true
}

func (l *Listener) forget(conn net.Conn) {
	from := l.open[conn].from
	delete(l.open, conn)
	if l.clients[from]--; l.clients[from] == 0 {
		delete(l.clients, from)
	}
}

func clientOf(address net.Addr) client {
	at, ok := address.(*net.TCPAddr)
	if !ok {
		return client{}
	}
	from := at.AddrPort().Addr().Unmap().WithZone("")
	width := 64
	if from.Is4() {
		width = 32
	}
	network, _ := from.Prefix(width)
	return client{network: network, bounded: from.IsGlobalUnicast() && !from.IsPrivate()}
}

// descriptor returns the number of a connection's file descriptor; 0 when it has none. The system gives out the lowest
// number that is free, so at least as many are open.
func descriptor(conn net.Conn) (number int) {
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
