package upstream

import (
	"slices"
	"sync"
	"time"
)

// idleConn is a connection that is kept until a time.
type idleConn struct {
	*connection
	until time.Time
}

// usable reports whether the connection can take a request: it is not over its time, and the node has not closed it as far
// as we can see.
func (c idleConn) usable(now time.Time) bool {
	return now.Before(c.until) && c.quiet()
}

// pool holds the idle connections to one node. Connections are closed outside its lock, since TLS says goodbye first.
type pool struct {
	most int

	mu sync.Mutex
	// idle has the connection last used at its end. It is taken first, so that those beyond need go unused and end.
	idle []idleConn
	// closed is set until the next request, so that a connection in use when the pool is emptied is not kept either.
	closed bool
	// sweeper closes connections that are over their time; nil while none is kept.
	sweeper *time.Timer
}

// take returns a usable connection, or nil.
func (p *pool) take() *connection {
	for now := time.Now(); ; {
		last, ok := p.pop()
		if !ok || last.usable(now) {
			return last.connection
		}
		_ = last.Close()
	}
}

func (p *pool) pop() (last idleConn, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = false
	if len(p.idle) == 0 {
		return idleConn{}, false
	}
	end := len(p.idle) - 1
	last, p.idle[end] = p.idle[end], idleConn{}
	p.idle = p.idle[:end]
	return last, true
}

// put keeps a connection for a time, or closes it.
func (p *pool) put(over *connection, idle time.Duration) {
	if idle <= 0 || !p.push(idleConn{over, time.Now().Add(idle)}, idle) {
		_ = over.Close()
	}
}

func (p *pool) push(kept idleConn, idle time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.most {
		return false
	}
	p.idle = append(p.idle, kept)
	if p.sweeper == nil {
		p.sweeper = time.AfterFunc(idle, p.sweep)
	}
	return true
}

// sweep closes the connections that are not usable, and comes again when the next one is over its time.
func (p *pool) sweep() {
	now := time.Now()
	var stale []idleConn
	p.mu.Lock()
	next := now.Add(idleTimeout)
	p.idle = slices.DeleteFunc(p.idle, func(kept idleConn) bool {
		if !kept.usable(now) {
			stale = append(stale, kept)
			return true
		}
		if kept.until.Before(next) {
			next = kept.until
		}
		return false
	})
	p.sweeper = nil
	if len(p.idle) > 0 {
		p.sweeper = time.AfterFunc(next.Sub(now), p.sweep)
	}
	p.mu.Unlock()
	closeAll(stale)
}

// clear closes all idle connections.
func (p *pool) clear() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	if p.sweeper != nil {
		p.sweeper.Stop()
		p.sweeper = nil
	}
	p.mu.Unlock()
	closeAll(idle)
}

func closeAll(connections []idleConn) {
	for _, connection := range connections {
		_ = connection.Close()
	}
}
