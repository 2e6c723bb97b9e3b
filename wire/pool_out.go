package wire

import (
	"cmp"
	"iter"
	"time"
)

// urlState is what a Pool knows of a URL.
type urlState struct {
	// idle connections, in the order in which they were made.
	idle []idleConn
	// out counts the connections that are in use or being made.
	out int
	// wanted is how many connections Kept has been asked for so far.
	wanted int
	// took is the longest that connecting has taken.
	took time.Duration
	late lateness
}

// of returns what is known of a URL, from now on at least. It requires mu.
func (p *Pool) of(url string) *urlState {
	known := p.urls[url]
	if known == nil {
		if p.urls == nil {
			p.urls = make(map[string]*urlState)
		}
		known = new(urlState)
		p.urls[url] = known
	}
	return known
}

// Begin notes that a connection to a URL is being made. Give, GiveLate or Drop has to follow. Where the pool has as many
// connections as it may, an idle one is closed for it.
func (p *Pool) Begin(url string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lend(p.of(url))
	if p.count > 0 && p.count+p.out > p.most() {
		p.evict()
	}
}

// Made notes how long a connection that was begun took to be made, in all.
func (p *Pool) Made(url string, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.of(url)
	known.took = max(known.took, took)
}

// Drop closes a connection that was taken or made, and takes note that it is gone. It is nil when none could be made.
func (p *Pool) Drop(url string, conn *Conn) {
	if conn != nil {
		conn.Close()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.returned(p.of(url))
}

// Kept reports whether there is a connection for each of some URLs: an idle one that is alive, or one that is in use or being
// made. A URL that comes several times needs as many. It also returns the longest that connecting to one of them has taken.
func (p *Pool) Kept(urls iter.Seq[string]) (slowest time.Duration, kept bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var asked []*urlState
	var conns []*Conn
	kept = true
	for url := range urls {
		known := p.of(url)
		slowest = max(slowest, known.took, known.late.took)
		var conn *Conn
		switch place := len(known.idle) - 1 - known.wanted; {
		case place >= 0:
			conn = known.idle[place].Conn
		case known.wanted >= len(known.idle)+known.out:
			kept = false
		}
		known.wanted++
		asked, conns = append(asked, known), append(conns, conn)
	}
	for i, alive := range Living(conns) {
		known := asked[i]
		known.wanted = 0
		if conns[i] != nil && !alive {
			p.remove(known, conns[i])
			known.discard(conns[i])
			kept = false
		}
	}
	return slowest, kept
}

// most returns how many connections there may be.
func (p *Pool) most() int { return cmp.Or(p.Most, DefaultMost) }

// lend notes that a connection is in use or being made. It requires mu.
func (p *Pool) lend(known *urlState) {
	known.out++
	p.out++
}

// returned notes that a connection is not in use any more. It requires mu.
func (p *Pool) returned(known *urlState) {
	if known.out > 0 {
		known.out--
		p.out--
	}
}

// evict closes an idle connection, whichever comes first. It requires mu.
func (p *Pool) evict() {
	for _, known := range p.urls {
		if len(known.idle) > 0 {
			p.drop(known)
			return
		}
	}
}
