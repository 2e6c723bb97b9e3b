package wire

import (
	"iter"
	"slices"
	"sync"
	"time"
)

// DefaultMost is how many connections a Pool has in all unless it says otherwise.
const DefaultMost = 16384

const (
	// mostIdle bounds the connections kept to one URL; rounds that overlap need one each.
	mostIdle = 4
	// surplusIdle is how long a connection is kept beside a newer one without being needed.
	surplusIdle = 5 * time.Second
)

// Pool keeps connections open between exchanges, so that connecting is not part of what is measured, and remembers which
// URLs make that hard. Its zero value is ready; many goroutines may use it.
type Pool struct {
	// Most connections in all, idle or not; 0 means DefaultMost. Those that are taken or begun are never refused: idle ones
	// are closed for them.
	Most int
	// Sharing is the most servicers that share one URL; 0 means 1. As many more connections are kept to a URL.
	Sharing int

	mu   sync.Mutex
	urls map[string]*urlState
	// count is how many connections are idle, out how many are in use or being made; late is how many URLs were once late.
	count, out, late int
	closed           bool
	buffers          buffers
}

// lateness is how late a URL connects.
type lateness struct {
	// took is the longest that connecting took when a connection was made too late to be used; 0 when none ever was.
	took time.Duration
	// closed: the far side has closed a connection since its last answer, so that another had to be made.
	closed bool
	// times is how often it was late; steady counts the answers since then that came over a connection that was kept.
	times, steady int
}

// hungUp notes that the far side closed a connection. It means nothing before the first late one.
func (l *lateness) hungUp() { l.closed = l.took > 0 }

// forgiving is how many answers over kept connections make up for lateness, whose cause may be gone.
const forgiving = 8

// idleConn is a connection that has been idle since a moment.
type idleConn struct {
	*Conn
	since time.Time
}

// Take returns a kept connection that is still alive, or nil.
func (p *Pool) Take(url string) *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.take(url)
}

// TakeAll is Take for many URLs at once, in fewer calls of the kernel; nil where none is kept.
func (p *Pool) TakeAll(urls []string) []*Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := make([]*Conn, len(urls))
	for i, url := range urls {
		taken[i] = p.newest(p.of(url))
	}
	for i, alive := range Living(taken) {
		if taken[i] != nil && !alive {
			known := p.of(urls[i])
			p.returned(known)
			known.discard(taken[i])
			taken[i] = p.take(urls[i])
		}
	}
	return taken
}

// take returns a kept connection that is alive, or nil.
func (p *Pool) take(url string) *Conn {
	known := p.of(url)
	for conn := p.newest(known); conn != nil; conn = p.newest(known) {
		if conn.Alive() {
			return conn
		}
		p.returned(known)
		known.discard(conn)
	}
	return nil
}

// newest takes the newest connection to a URL out of the pool, dead or alive; nil when there is none.
func (p *Pool) newest(known *urlState) *Conn {
	if len(known.idle) == 0 {
		return nil
	}
	conn := known.idle[len(known.idle)-1].Conn
	p.remove(known, conn)
	p.lend(known)
	p.buffers.rouse(conn)
	return conn
}

// remove takes an idle connection out of the pool.
func (p *Pool) remove(known *urlState, conn *Conn) {
	at := slices.IndexFunc(known.idle, func(one idleConn) bool { return one.Conn == conn })
	if at >= 0 {
		known.idle = slices.Delete(known.idle, at, at+1)
		p.count--
	}
}

// discard closes a connection that the far side has closed.
func (s *urlState) discard(conn *Conn) {
	conn.Close()
	s.late.hungUp()
}

// Give takes a connection back.
func (p *Pool) Give(url string, conn *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.of(url)
	p.returned(known)
	p.keep(known, conn)
}

// keep keeps an idle connection, if it may.
func (p *Pool) keep(known *urlState, conn *Conn) {
	kept, place := known.idle, 0
	if p.closed || len(kept) >= mostIdle*max(p.Sharing, 1) || p.count+p.out >= p.most() {
		conn.Close()
		return
	}
	for place < len(kept) && !kept[place].made.After(conn.made) {
		place++
	}
	now := time.Now()
	kept = slices.Insert(kept, place, idleConn{conn, now})
	// The newest is taken first, so the first is needed the least.
	if now.Sub(kept[0].since) > surplusIdle {
		kept[0].Close()
		kept = slices.Delete(kept, 0, 1)
		p.count--
	}
	known.idle = kept
	p.count++
	p.buffers.rest(conn)
}

// Retire closes the oldest of the connections that are kept to a URL, for a new one to take its place.
func (p *Pool) Retire(url string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(p.of(url))
}

// drop closes the oldest of the idle connections to a URL, if there is one. It requires mu.
func (p *Pool) drop(known *urlState) {
	if len(known.idle) > 0 {
		known.idle[0].Close()
		p.remove(known, known.idle[0].Conn)
	}
}

// GiveLate is Give for a connection that was made too late for its exchange; the pool remembers how long that took.
func (p *Pool) GiveLate(url string, conn *Conn, took time.Duration) {
	p.mu.Lock()
	late := &p.of(url).late
	if late.took == 0 {
		p.late++
	}
	late.took = max(late.took, took, 1)
	late.times, late.steady = late.times+1, 0
	p.mu.Unlock()
	p.Give(url, conn)
}

// HungUp notes that the far side closed a connection before it was used.
func (p *Pool) HungUp(url string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of(url).late.hungUp()
}

// Answered notes that an exchange went well: what came before was no evasion. Kept says that the connection had served
// another exchange before. After enough of these a URL counts as late no longer, though what it took is remembered.
func (p *Pool) Answered(url string, kept bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	late := &p.of(url).late
	late.closed = false
	if late.took > 0 && kept {
		if late.steady++; late.steady >= forgiving {
			late.times, late.steady = 0, 0
		}
	}
}

// Late returns how many connections to a URL were made too late to be used.
func (p *Pool) Late(url string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.of(url).late.times
}

// Evasive reports whether a URL connected late before, and closed what had been made.
func (p *Pool) Evasive(url string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.of(url).late.closed
}

// Slowest returns the longest that connecting to one of some URLs took when it was late; 0 when none ever was.
func (p *Pool) Slowest(urls iter.Seq[string]) (slowest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.late == 0 {
		return 0
	}
	for url := range urls {
		slowest = max(slowest, p.of(url).late.took)
	}
	return slowest
}

// Adopt takes over the connections of another pool, which is not used any more.
func (p *Pool) Adopt(other *Pool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for url, known := range other.urls {
		for _, conn := range known.idle {
			p.keep(p.of(url), conn.Conn)
		}
	}
}

// Retain closes the connections to URLs that are not needed, and forgets how late they were.
func (p *Pool) Retain(needed map[string]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for url, known := range p.urls {
		if needed[url] {
			continue
		}
		for len(known.idle) > 0 {
			p.drop(known)
		}
		if known.late.took > 0 {
			p.late--
		}
		known.late = lateness{}
		if known.out == 0 {
			delete(p.urls, url)
		}
	}
}

// Close closes all connections, and those that come back later.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Retain(nil)
}
