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

	mu sync.Mutex
	// idle ones to each URL that has any, in the order in which they were made, and how many there are.
	idle   map[string][]idleConn
	count  int
	closed bool
	// states is what else is known of URLs; out is how many connections are in use or being made.
	states  map[string]urlState
	buffers buffers
	out     int
	// late are the URLs at which a connection was once made too late to be used.
	late map[string]lateness
}

// lateness is how late a URL connects.
type lateness struct {
	// took is the longest that connecting took when it was late.
	took time.Duration
	// closed: the far side has closed a connection since its last answer, so that another had to be made.
	closed bool
	// times is how often it was late; steady counts the answers since then that came over a connection that was kept.
	times, steady int
}

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
		taken[i] = p.newest(url)
	}
	for i, alive := range Living(taken) {
		if taken[i] != nil && !alive {
			p.returned(urls[i])
			p.discard(urls[i], taken[i])
			taken[i] = p.take(urls[i])
		}
	}
	return taken
}

// take returns a kept connection that is alive, or nil.
func (p *Pool) take(url string) *Conn {
	for conn := p.newest(url); conn != nil; conn = p.newest(url) {
		if conn.Alive() {
			return conn
		}
		p.returned(url)
		p.discard(url, conn)
	}
	return nil
}

// newest takes the newest connection to a URL out of the pool, dead or alive; nil when there is none.
func (p *Pool) newest(url string) *Conn {
	kept := p.idle[url]
	if len(kept) == 0 {
		return nil
	}
	conn := kept[len(kept)-1].Conn
	p.remove(url, conn)
	p.lend(url)
	p.buffers.rouse(conn)
	return conn
}

// remove takes an idle connection out of the pool.
func (p *Pool) remove(url string, conn *Conn) {
	kept := p.idle[url]
	at := slices.IndexFunc(kept, func(one idleConn) bool { return one.Conn == conn })
	if at < 0 {
		return
	}
	if kept = slices.Delete(kept, at, at+1); len(kept) == 0 {
		delete(p.idle, url)
	} else {
		p.idle[url] = kept
	}
	p.count--
}

// discard closes a connection that the far side has closed.
func (p *Pool) discard(url string, conn *Conn) {
	conn.Close()
	p.noteClosed(url, true)
}

// Give takes a connection back.
func (p *Pool) Give(url string, conn *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.returned(url)
	p.keep(url, conn)
}

// keep keeps an idle connection, if it may.
func (p *Pool) keep(url string, conn *Conn) {
	if p.closed || len(p.idle[url]) >= mostIdle*max(p.Sharing, 1) || p.count+p.out >= p.most() {
		conn.Close()
		return
	}
	if p.idle == nil {
		p.idle = make(map[string][]idleConn)
	}
	kept, place := p.idle[url], 0
	for place < len(kept) && !kept[place].made.After(conn.made) {
		place++
	}
	kept = slices.Insert(kept, place, idleConn{conn, time.Now()})
	// The newest is taken first, so the first is needed the least.
	if time.Since(kept[0].since) > surplusIdle {
		kept[0].Close()
		kept = slices.Delete(kept, 0, 1)
		p.count--
	}
	p.idle[url] = kept
	p.count++
	p.buffers.rest(conn)
}

// Retire closes the oldest of the connections that are kept to a URL, for a new one to take its place.
func (p *Pool) Retire(url string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if kept := p.idle[url]; len(kept) > 0 {
		kept[0].Close()
		p.remove(url, kept[0].Conn)
	}
}

// GiveLate is Give for a connection that was made too late for its exchange; the pool remembers how long that took.
func (p *Pool) GiveLate(url string, conn *Conn, took time.Duration) {
	p.mu.Lock()
	if p.late == nil {
		p.late = make(map[string]lateness)
	}
	known := p.late[url]
	known.took = max(known.took, took)
	known.times, known.steady = known.times+1, 0
	p.late[url] = known
	p.mu.Unlock()
	p.Give(url, conn)
}

// HungUp notes that the far side closed a connection before it was used.
func (p *Pool) HungUp(url string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.noteClosed(url, true)
}

// Answered notes that an exchange went well: what came before was no evasion. Kept says that the connection had served
// another exchange before. After enough of these a URL counts as late no longer, though what it took is remembered.
func (p *Pool) Answered(url string, kept bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.noteClosed(url, false)
	if known, late := p.late[url]; late && kept {
		if known.steady++; known.steady >= forgiving {
			known.times, known.steady = 0, 0
		}
		p.late[url] = known
	}
}

// Late returns how many connections to a URL were made too late to be used.
func (p *Pool) Late(url string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.late[url].times
}

func (p *Pool) noteClosed(url string, closed bool) {
	if known, late := p.late[url]; late {
		known.closed = closed
		p.late[url] = known
	}
}

// Evasive reports whether a URL connected late before, and closed what had been made.
func (p *Pool) Evasive(url string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.late[url].closed
}

// Slowest returns the longest that connecting to one of some URLs took when it was late; 0 when none ever was.
func (p *Pool) Slowest(urls iter.Seq[string]) (slowest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.late) == 0 {
		return 0
	}
	for url := range urls {
		slowest = max(slowest, p.late[url].took)
	}
	return slowest
}

// Adopt takes over the connections of another pool, which is not used any more.
func (p *Pool) Adopt(other *Pool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for url, kept := range other.idle {
		for _, conn := range kept {
			p.keep(url, conn.Conn)
		}
	}
}

// Retain closes the connections to URLs that are not needed, and forgets how late they were.
func (p *Pool) Retain(needed map[string]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for url, kept := range p.idle {
		if needed[url] {
			continue
		}
		for _, conn := range kept {
			conn.Close()
		}
		p.count -= len(kept)
		delete(p.idle, url)
	}
	for url := range p.late {
		if !needed[url] {
			delete(p.late, url)
		}
	}
	for url, known := range p.states {
		if !needed[url] && known.out == 0 {
			delete(p.states, url)
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
