package inbound

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// Bounds of the connections to one server. Whatever they are, no client takes the last places: it has at most three times as
// many connections as it leaves free, and more only in place of others; further ones are closed. A client is an address (IPv4)
// or a /64 (IPv6).
type Bounds struct {
	// Most connections in all; further ones wait to be accepted while none is idle. At least 1.
	Most int
	// PerClient is the most connections of one client of the public internet; further ones are closed while none of that
	// client's is idle. 0 for any number. Addresses that are not public have no such bound, but only the general one: a proxy
	// or an address translation may stand for many clients there.
	PerClient int
	// Descriptors is the number of the process's file descriptors that may be open beside a new connection, for which an idle
	// one is closed, or else the new one; 0 for any number.
	Descriptors int
	// Displace lets a connection that finds no room take the place of one that is not idle: the oldest of the client that has the
	// most, if that is its own or one with more than its own. Each is left alone for a moment before, for which others wait.
	Displace bool
}

// How long connections are left alone where they are displaced.
const (
	// askTenure is until the header of the first request was read, answerTenure until that is answered.
	askTenure    = 50 * time.Millisecond
	answerTenure = 250 * time.Millisecond
	// silentTenure is used instead of askTenure for those that say nothing, or half a request, in a crowd of such: everybody behind
	// them waits. A client's first request comes with the connection or right after it.
	silentTenure = 5 * time.Millisecond
	// silence is for how long nobody finds room, and nobody is answered, in such a crowd.
	silence = 20 * time.Millisecond
	// tenurePause is how often those that wait look for one whose tenure is over.
	tenurePause = 2 * time.Millisecond
)

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
	clients map[Client]int
	// turn counts what happens, so that what is idle has an order.
	turn uint64
	// silent: somebody has waited for room for the time of silence, and nobody was answered since.
	silent bool
}

// connection is an open one.
type connection struct {
	from Client
	// idle: no request has begun since it was made or since the last answer, which was at the turn since.
	idle  bool
	since uint64
	// served: a request of it was answered.
	served bool
	// protected: it may not be closed to make room before.
	protected time.Time
	// made is when it was made, until it is served; zero where none is displaced.
	made time.Time
}

// Listen returns a listener that bounds the connections of another one, which it owns.
func Listen(listener net.Listener, bounds Bounds) *Listener {
	return &Listener{Listener: listener, bounds: bounds, room: make(chan struct{}, 1), closed: make(chan struct{}),
		open: make(map[net.Conn]*connection), clients: make(map[Client]int)}
}

// Accept returns the next connection that is within the bounds.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if tcp, is := conn.(*net.TCPConn); is && l.bounds.Displace {
			conn = newAsking(tcp, l)
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
		l.protect(known, answerTenure)
		return
	case http.StateIdle:
		l.turn++
		known.idle, known.served, known.since, known.protected, known.made = true, true, l.turn, time.Time{}, time.Time{}
		l.silent = false
	case http.StateClosed, http.StateHijacked:
		l.silent = l.silent && known.idle // others were answered for the last time
		l.forget(conn)
	default:
		return
	}
	select {
	case l.room <- struct{}{}:
	default:
	}
}

// asked is told that the header of a connection's first request was read.
func (l *Listener) asked(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, is := l.open[conn]; is {
		l.protect(known, answerTenure)
	}
}

// admit makes room for a connection, and reports whether there is some.
func (l *Listener) admit(conn net.Conn) bool {
	from := ClientOf(conn.RemoteAddr())
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bounds.PerClient > 0 && from.Public() && l.clients[from] >= l.bounds.PerClient && !l.evict(from, func(c Client) bool { return c == from }) {
		return false
	}
	if l.bounds.Descriptors > 0 && Descriptor(conn) >= l.bounds.Descriptors && !l.evict(from, anybody) {
		return false
	}
	for begin := time.Now(); ; l.silent = l.silent || time.Since(begin) >= silence {
		greedy := l.greedy(from)
		if !greedy && l.free() > 0 || l.evict(from, anybody) {
			break
		}
		if greedy && !l.bounds.Displace || !l.wait() {
			return false
		}
	}
	l.turn++
	made := &connection{from: from, idle: true, since: l.turn}
	if l.bounds.Displace {
		made.made = time.Now()
	}
	l.open[conn] = made
	l.clients[from]++
	return true
}

// free returns how many more connections there may be.
func (l *Listener) free() int { return max(l.bounds.Most, 1) - len(l.open) }

// greedy reports whether one more connection of a client would be more than three times what it leaves free. When nothing is
// free, others have to wait as well.
func (l *Listener) greedy(from Client) bool {
	held, free := l.clients[from], l.free()
	return held > 0 && free > 0 && held >= 3*free
}

// protect leaves a connection alone for a while, where it could be displaced.
func (l *Listener) protect(c *connection, tenure time.Duration) {
	if l.bounds.Displace {
		c.protected = time.Now().Add(tenure)
	}
}

// wait waits until a connection has ended or is idle, or may have no tenure any more, without mu. It is false when the listener
// was closed.
func (l *Listener) wait() bool {
	l.mu.Unlock()
	defer l.mu.Lock()
	var later <-chan time.Time
	if l.bounds.Displace {
		later = time.After(tenurePause)
	}
	select {
	case <-l.room:
		return true
	case <-later:
		return true
	case <-l.closed:
		return false
	}
}

func anybody(Client) bool { return true }

// evict closes a connection of some clients to make room for one more of a client, and reports whether there was one: an idle
// one, or else one that is displaced.
func (l *Listener) evict(to Client, whose func(Client) bool) bool {
	victim := l.oldest(to, func(c *connection) bool { return c.idle && whose(c.from) })
	if victim == nil && l.bounds.Displace {
		victim = l.oldest(to, func(c *connection) bool {
			return whose(c.from) && (c.from == to || l.clients[c.from] > l.clients[to]+1)
		})
	}
	if victim == nil {
		return false
	}
	l.forget(victim)
	_ = victim.Close()
	return true
}

// oldest returns the connection that makes room for one more of a client sooner than all others that fit; nil when none does.
func (l *Listener) oldest(to Client, fits func(*connection) bool) (oldest net.Conn) {
	now := time.Now()
	for conn, known := range l.open {
		if !fits(known) {
			continue
		}
		if best := l.open[oldest]; best != nil && !l.sooner(known, best) {
			continue
		}
		if !l.stays(conn, known, to, now) {
			oldest = conn
		}
	}
	return oldest
}

// stays reports whether a connection is left alone for now by those of a client.
func (l *Listener) stays(conn net.Conn, known *connection, by Client, now time.Time) bool {
	switch age := now.Sub(known.made); {
	case known.protected.After(now):
		return true
	case known.made.IsZero():
		return false
	case known.from != by && l.clients[known.from] <= l.clients[by]:
		return age < answerTenure // the server, or the client, may be late because of a crowd of the other
	case l.silent && age >= silentTenure && !unread(conn):
		return false
	default:
		return age < askTenure
	}
}

// sooner reports whether one connection makes room sooner than another: that of the client that has more, or else that which has
// been as it is for longer. Before that, one that may be about to ask stays where connections are displaced soon; elsewhere one that
// was served does, which the server keeps for those it knows.
func (l *Listener) sooner(a, b *connection) bool {
	if more := l.clients[a.from] - l.clients[b.from]; more != 0 {
		return more > 0
	}
	if a.served != b.served {
		return a.served == l.bounds.Displace
	}
	return a.since < b.since
}

func (l *Listener) forget(conn net.Conn) {
	from := l.open[conn].from
	delete(l.open, conn)
	if l.clients[from]--; l.clients[from] == 0 {
		delete(l.clients, from)
	}
}
