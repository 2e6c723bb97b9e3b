package fisherman

import (
	"slices"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
)

// mostIdle bounds the connections kept to one service URL; rounds that overlap need one each.
const mostIdle = 4

// surplusIdle is how long a connection is kept that its service URL has had no use for beside a newer one.
const surplusIdle = time.Minute

// links keeps connections open between checks, so that making a connection is not part of what is measured.
type links struct {
	mu     sync.Mutex
	idle   map[string][]idleConn
	closed bool
}

// idleConn is a connection that nobody uses since a moment.
type idleConn struct {
	*relay.Conn
	since time.Time
}

// take hands out a kept connection that is still alive, or nil.
func (l *links) take(serviceURL string) *relay.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	for kept := l.idle[serviceURL]; len(kept) > 0; kept = l.idle[serviceURL] {
		conn := kept[len(kept)-1]
		l.idle[serviceURL] = kept[:len(kept)-1]
		if conn.Alive() {
			return conn.Conn
		}
		conn.Close()
	}
	return nil
}

// give takes a connection back.
func (l *links) give(serviceURL string, conn *relay.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.idle[serviceURL]) >= mostIdle {
		conn.Close()
		return
	}
	if l.idle == nil {
		l.idle = make(map[string][]idleConn)
	}
	kept := append(l.idle[serviceURL], idleConn{conn, time.Now()})
	// The newest is taken first, so the first is the one that was not needed for the longest time.
	if time.Since(kept[0].since) > surplusIdle {
		kept[0].Close()
		kept = slices.Delete(kept, 0, 1)
	}
	l.idle[serviceURL] = kept
}

// retain closes the connections to URLs that no session needs any more.
func (l *links) retain(needed map[string]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for serviceURL, kept := range l.idle {
		if needed[serviceURL] {
			continue
		}
		for _, conn := range kept {
			conn.Close()
		}
		delete(l.idle, serviceURL)
	}
}

// close closes all connections, and those that come back later.
func (l *links) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.retain(nil)
}
