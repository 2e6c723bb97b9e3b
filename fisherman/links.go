package fisherman

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// mostIdle bounds the connections kept to one service URL; rounds that overlap need one each. All together are bounded by
// the most requests that may be under way.
const mostIdle = 4

// surplusIdle is how long a connection is kept that its service URL has had no use for beside a newer one.
const surplusIdle = time.Minute

// links keeps connections open between checks, so that making a connection is not part of what is measured, and
// remembers who makes that hard.
type links struct {
	// most connections are kept in all; 0 means defaultMostRequests.
	most int

	mu     sync.Mutex
	idle   map[string][]idleConn
	count  int
	closed bool
	// tardy are the service URLs at which a connection was made only after its check had been released.
	tardy map[string]tardiness
}

// tardiness is how late a service URL connects.
type tardiness struct {
	// took is the longest that connecting took when it was late.
	took time.Duration
	// closed: the far side has closed a connection since its last answer, so that another had to be made.
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
		l.count--
		if conn.Alive() {
			return conn.Conn
		}
		conn.Close()
		l.noteClosed(serviceURL)
	}
	return nil
}

// giveLate takes a connection that was made too late for its check, and remembers how long that took.
func (l *links) giveLate(serviceURL string, conn *relay.Conn, took time.Duration) {
	l.mu.Lock()
	if l.tardy == nil {
		l.tardy = make(map[string]tardiness)
	}
	known := l.tardy[serviceURL]
	known.took = max(known.took, took)
	l.tardy[serviceURL] = known
	l.mu.Unlock()
	l.give(serviceURL, conn)
}

// hungUp notes that the far side closed a connection before it was used.
func (l *links) hungUp(serviceURL string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.noteClosed(serviceURL)
}

func (l *links) noteClosed(serviceURL string) { l.setClosed(serviceURL, true) }

func (l *links) setClosed(serviceURL string, closed bool) {
	if known, late := l.tardy[serviceURL]; late {
		known.closed = closed
		l.tardy[serviceURL] = known
	}
}

// answered notes that an exchange went well: whatever came before was no evasion.
func (l *links) answered(serviceURL string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.setClosed(serviceURL, false)
}

// evasive tells that a service URL connected late before, and closed what had been made.
func (l *links) evasive(serviceURL string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tardy[serviceURL].closed
}

// slowest is the longest that connecting to one of some servicers took when it was late; 0 when none is known to be.
func (l *links) slowest(servicers []*types.Actor) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var slowest time.Duration
	if len(l.tardy) == 0 {
		return slowest
	}
	for _, servicer := range servicers {
		slowest = max(slowest, l.tardy[servicer.GetServiceUrl()].took)
	}
	return slowest
}

// give takes a connection back.
func (l *links) give(serviceURL string, conn *relay.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.idle[serviceURL]) >= mostIdle || l.count >= cmp.Or(l.most, defaultMostRequests) {
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
		l.count--
	}
	l.idle[serviceURL] = kept
	l.count++
}

// adopt takes over the connections of others, which are not used any more.
func (l *links) adopt(others *links) {
	for serviceURL, kept := range others.idle {
		for _, conn := range kept {
			l.give(serviceURL, conn.Conn)
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
		l.count -= len(kept)
		delete(l.idle, serviceURL)
	}
	for serviceURL := range l.tardy {
		if !needed[serviceURL] {
			delete(l.tardy, serviceURL)
		}
	}
}

// close closes all connections, and those that come back later.
func (l *links) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.retain(nil)
}
