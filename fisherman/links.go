package fisherman

import (
	"sync"

	"github.com/pocket-fisherman/fisherman/relay"
)

// mostIdle bounds the connections kept to one service URL; rounds that overlap need one each.
const mostIdle = 4

// links keeps connections open between checks, so that making a connection is not part of what is measured.
type links struct {
	mu     sync.Mutex
	idle   map[string][]*relay.Conn
	closed bool
}

// take hands out a kept connection that is still alive, or nil.
func (l *links) take(serviceURL string) *relay.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	for kept := l.idle[serviceURL]; len(kept) > 0; kept = l.idle[serviceURL] {
		conn := kept[len(kept)-1]
		l.idle[serviceURL] = kept[:len(kept)-1]
		if conn.Alive() {
			return conn
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
		l.idle = make(map[string][]*relay.Conn)
	}
	l.idle[serviceURL] = append(l.idle[serviceURL], conn)
}

// adopt takes over the connections of others, which are not used any more.
func (l *links) adopt(others *links) {
	for serviceURL, kept := range others.idle {
		for _, conn := range kept {
			l.give(serviceURL, conn)
		}
	}
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
