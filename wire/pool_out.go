package wire

import (
	"cmp"
	"iter"
	"time"
)

// urlState is what a Pool knows of a URL beside its idle connections.
type urlState struct {
	// out counts the connections that are in use or being made.
	out int
	// took is the longest that connecting has taken.
	took time.Duration
}

// Begin notes that a connection to a URL is being made. Give, GiveLate or Drop has to follow. Where the pool has as many
// connections as it may, an idle one is closed for it.
func (p *Pool) Begin(url string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lend(url)
	if p.count+p.out > p.most() {
		p.evict()
	}
}

// Made notes how long a connection that was begun took to be made, in all.
func (p *Pool) Made(url string, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.states[url]
	known.took = max(known.took, took)
	p.states[url] = known
}

// Drop closes a connection that was taken or made, and takes note that it is gone. It is nil when none could be made.
func (p *Pool) Drop(url string, conn *Conn) {
	if conn != nil {
		conn.Close()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.returned(url)
}

// Kept reports whether there is a connection for each of some URLs: an idle one that is alive, or one that is in use or being
// made. A URL that comes several times needs as many. It also returns the longest that connecting to one of them has taken.
func (p *Pool) Kept(urls iter.Seq[string]) (slowest time.Duration, kept bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wanted := make(map[string]int)
	var places []string
	var conns []*Conn
	kept = true
	for url := range urls {
		idle, known, place := p.idle[url], p.states[url], wanted[url]
		slowest = max(slowest, known.took, p.late[url].took)
		wanted[url]++
		switch {
		case place < len(idle):
			places, conns = append(places, url), append(conns, idle[len(idle)-1-place].Conn)
		case place >= len(idle)+known.out:
			kept = false
		}
	}
	for i, alive := range Living(conns) {
		if !alive {
			p.remove(places[i], conns[i])
			p.discard(places[i], conns[i])
			kept = false
		}
	}
	return slowest, kept
}

// most returns how many connections there may be.
func (p *Pool) most() int { return cmp.Or(p.Most, DefaultMost) }

// lend notes that a connection is in use or being made. It requires mu.
func (p *Pool) lend(url string) {
	if p.states == nil {
		p.states = make(map[string]urlState)
	}
	known := p.states[url]
	known.out++
	p.states[url] = known
	p.out++
}

// returned notes that a connection is not in use any more. It requires mu.
func (p *Pool) returned(url string) {
	if known := p.states[url]; known.out > 0 {
		known.out--
		p.states[url] = known
		p.out--
	}
}

// evict closes an idle connection, whichever comes first. It requires mu.
func (p *Pool) evict() {
	for url, kept := range p.idle {
		kept[0].Close()
		p.remove(url, kept[0].Conn)
		return
	}
}
