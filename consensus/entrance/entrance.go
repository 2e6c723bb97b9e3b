package entrance

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/inbound"
)

const (
	// provingPatience is how long a connection may take to prove that it is a peer's. CometBFT itself gives each of the two
	// halves of the handshake 3 s; the rest is for the wait before.
	provingPatience = 10 * time.Second
	// leastUnproven are let in, of each kind, while descriptors are scarce.
	leastUnproven = 4
	// acceptPause is the pause after the system refused a connection, for want of descriptors for instance.
	acceptPause = 10 * time.Millisecond
)

// Bounds of the connections that peers open. A connection takes three descriptors once it has spoken.
type Bounds struct {
	// Strangers is the most peers that are not configured; further ones are closed.
	Strangers int
	// StrangersPerClient is the most of them at one address (IPv4) or /64 (IPv6) of the public internet; 0 for any number.
	StrangersPerClient int
	// Waiting is the most connections that are silent or wait for a place among those in the handshake, of which there are
	// at most Proving. These numbers hold for addresses of configured peers and for all others, apart. At least 1. Further
	// ones replace the oldest of the client with the most.
	Waiting, Proving int
	// Descriptors is the number of the process's file descriptors that may be open beside a new connection; then strangers
	// are closed, and few connections may be unproven. 0 for any number.
	Descriptors int
}

// DefaultBounds are those with plenty of descriptors: followers of a chain name its validators, and a LocalNet has up to 256
// servicers.
func DefaultBounds() Bounds {
	return Bounds{Strangers: 300, StrangersPerClient: 75, Waiting: 2048, Proving: 64}
}

// Most is the most connections that CometBFT sees at once beside those of configured peers, with room for those that it
// has not noticed the end of.
func (b Bounds) Most() int { return b.Strangers + 4*b.Proving }

// Entrance accepts the connections of peers and passes their bytes to CometBFT. Many goroutines may use it. It runs once.
type Entrance struct {
	bounds     Bounds
	configured map[string]bool
	listener   net.Listener
	// to is CometBFT's listener.
	to      string
	ended   chan struct{}
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool
	// located are the addresses where configured peers listen, by ID.
	located map[string][]netip.AddrPort
	// named has the unproven connections from addresses of configured peers, unnamed all others.
	named, unnamed lane
	open           map[*connection]bool
	// expected are connections to CometBFT by the address that it sees.
	expected  map[netip.AddrPort]*connection
	strangers map[inbound.Client]int
	// known is how many strangers there are.
	known int
}

// New returns an entrance that knows the IDs of the configured peers. End it with Close.
func New(bounds Bounds, configured []string) *Entrance {
	e := &Entrance{bounds: bounds, configured: make(map[string]bool), ended: make(chan struct{}), located: make(map[string][]netip.AddrPort),
		open: make(map[*connection]bool), expected: make(map[netip.AddrPort]*connection), strangers: make(map[inbound.Client]int)}
	for _, id := range configured {
		e.configured[id] = true
	}
	return e
}

// Locate notes where a configured peer listens now.
func (e *Entrance) Locate(id string, at ...netip.AddrPort) {
	e.mu.Lock()
	defer e.mu.Unlock()
	plain := make([]netip.AddrPort, len(at))
	for i, address := range at {
		plain[i] = unmapped(address)
	}
	e.located[id] = plain
}

func unmapped(at netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port())
}

// Listen opens the port of an address, where connections wait for Serve.
func (e *Entrance) Listen(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	e.listener = listener
	return nil
}

// Serve begins to pass connections to CometBFT's listener. It does not wait.
func (e *Entrance) Serve(to string) {
	e.to = to
	e.running.Go(e.accept)
}

// Shut ends the listener. Open connections stay.
func (e *Entrance) Shut() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.closed = true
	close(e.ended)
	if e.listener != nil {
		_ = e.listener.Close()
	}
}

// Close ends the listener and all connections, and waits for them.
func (e *Entrance) Close() {
	e.Shut()
	e.mu.Lock()
	for c := range e.open {
		e.remove(c)
	}
	e.mu.Unlock()
	e.running.Wait()
}

// Expects reports whether CometBFT may have a connection with an address: it is of a connection here, or where a configured
// peer listens.
func (e *Entrance) Expects(at netip.AddrPort) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	at = unmapped(at)
	return e.expected[at] != nil || e.isLocated(func(peer netip.AddrPort) bool { return peer == at })
}

// Proved is called when CometBFT knows the ID of the peer whose connection it sees at an address. A stranger is closed
// when there are too many.
func (e *Entrance) Proved(at netip.AddrPort, id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.expected[at]
	if c == nil || c.stage == nil {
		return // it ended, or was proved
	}
	defer e.promote(c.lane)
	if e.configured[id] {
		e.settle(c)
		return
	}
	if e.known >= e.bounds.Strangers || c.tight ||
		e.bounds.StrangersPerClient > 0 && c.from.Public() && e.strangers[c.from] >= e.bounds.StrangersPerClient {
		e.remove(c)
		return
	}
	e.settle(c)
	c.stranger = true
	e.known++
	e.strangers[c.from]++
}

// settle takes a connection out of those that make room.
func (e *Entrance) settle(c *connection) {
	c.limit.Stop()
	c.stage.remove(c)
}

func (e *Entrance) accept() {
	for {
		conn, err := e.listener.Accept()
		switch {
		case err == nil:
			e.admit(conn)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			e.relieve()
			select {
			case <-e.ended:
			case <-time.After(acceptPause):
			}
		}
	}
}

// relieve closes an unproven connection of each kind, so that there are descriptors.
func (e *Entrance) relieve() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range []*stage{&e.named.waiting, &e.named.proving, &e.unnamed.waiting, &e.unnamed.proving} {
		if c := s.crowding(); c != nil {
			e.remove(c)
		}
	}
}

// admit lets a connection in, in place of another one if there are too many.
func (e *Entrance) admit(conn net.Conn) {
	c := &connection{outer: conn, from: inbound.ClientOf(conn.RemoteAddr()), turn: make(chan struct{}),
		tight: e.bounds.Descriptors > 0 && inbound.Descriptor(conn) >= e.bounds.Descriptors}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		abort(conn)
		return
	}
	c.lane = &e.unnamed
	if e.isNamed(conn.RemoteAddr()) {
		c.lane = &e.named
	}
	e.open[c] = true
	for len(c.lane.waiting.open) >= c.atMost(e.bounds.Waiting) {
		e.remove(c.lane.waiting.crowding())
	}
	c.lane.waiting.add(c)
	c.limit = time.AfterFunc(provingPatience, func() { e.drop(c) })
	e.running.Go(func() { e.serve(c) })
}

// isNamed reports whether a configured peer has an address.
func (e *Entrance) isNamed(address net.Addr) bool {
	tcp, is := address.(*net.TCPAddr)
	if !is {
		return false
	}
	from := unmapped(tcp.AddrPort())
	return e.isLocated(func(peer netip.AddrPort) bool { return peer.Addr() == from.Addr() })
}

// isLocated reports whether the address of a configured peer fits.
func (e *Entrance) isLocated(fits func(netip.AddrPort) bool) bool {
	for _, located := range e.located {
		if slices.ContainsFunc(located, fits) {
			return true
		}
	}
	return false
}

// atMost returns how many connections of a stage may be open with this one.
func (c *connection) atMost(bound int) int {
	if c.tight {
		bound = min(bound, leastUnproven)
	}
	return max(bound, 1)
}

// spoke notes that a connection has sent its key.
func (e *Entrance) spoke(c *connection) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.closed {
		return
	}
	c.spoke = true
	e.promote(c.lane)
}

// promote moves waiting connections on while there are places, or can be. It never leaves a place empty that one waits for.
func (e *Entrance) promote(l *lane) {
	for !e.closed {
		next := l.next()
		if next == nil {
			return
		}
		if len(l.proving.open) >= next.atMost(e.bounds.Proving) {
			old, wait := l.proving.yielding(next, time.Now())
			if old == nil {
				e.promoteLater(l, wait)
				return
			}
			e.remove(old)
			continue
		}
		l.waiting.remove(next)
		l.proving.add(next)
		next.since, next.tenure = time.Now(), answerTenure
		close(next.turn)
	}
}

// answered notes that a connection has sent what CometBFT can check.
func (e *Entrance) answered(c *connection) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c.since, c.tenure = time.Now(), proofTenure
}

func (e *Entrance) promoteLater(l *lane, after time.Duration) {
	if l.armed {
		return
	}
	l.armed = true
	time.AfterFunc(after, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		l.armed = false
		e.promote(l)
	})
}

// expect notes the address with which a connection appears to CometBFT.
func (e *Entrance) expect(c *connection, at netip.AddrPort) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.closed {
		return fmt.Errorf("connect to CometBFT: %w", net.ErrClosed)
	}
	c.at = at
	e.expected[at] = c
	return nil
}

// drop closes a connection, if it is open.
func (e *Entrance) drop(c *connection) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.remove(c)
	e.promote(c.lane)
}

// remove closes a connection, if it is open, and forgets it.
func (e *Entrance) remove(c *connection) {
	if c.closed {
		return
	}
	c.closed = true
	c.limit.Stop()
	if c.since.IsZero() {
		close(c.turn)
	}
	end := func(conn net.Conn) { _ = conn.Close() }
	if c.stage != nil {
		c.stage.remove(c)
		end = abort
	}
	delete(e.open, c)
	if e.expected[c.at] == c {
		delete(e.expected, c.at)
	}
	if c.stranger {
		e.known--
		if e.strangers[c.from]--; e.strangers[c.from] == 0 {
			delete(e.strangers, c.from)
		}
	}
	end(c.outer)
	if c.inner != nil {
		end(c.inner)
	}
}
