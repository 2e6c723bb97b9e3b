package rpc

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"

	"github.com/pocket-fisherman/fisherman/inbound"
)

// mostStreams is how many clients listen to events at once, where half of the connections are at least as many.
const mostStreams = 32

// streams bounds the streams of events that are open at once. A stream takes its connection for as long as its client likes, so
// a new one ends the oldest of the client that has the most: clients that are cut off resume with Last-Event-ID.
type streams struct {
	most, perClient int

	mu sync.Mutex
	// open ones, the oldest first.
	open []*stream
}

// stream is an open one.
type stream struct {
	client inbound.Client
	// end makes it end soon; ended is closed when it has.
	end   func()
	ended chan struct{}
}

// newStreams allows half of the connections to be streams, those of one client and those of all.
func newStreams(connections inbound.Bounds) *streams {
	most := max(min(connections.Most/2, mostStreams), 1)
	perClient := most
	if connections.PerClient > 0 {
		perClient = max(min(connections.PerClient/2, most), 1)
	}
	return &streams{most: most, perClient: perClient}
}

// enter opens a stream for the client of a request, when the one that makes room for it has ended. leave has to be called when
// the stream has ended. The error is the context's.
func (s *streams) enter(ctx context.Context, r *http.Request, end func()) (leave func(), err error) {
	opened := &stream{client: clientOf(r), end: end, ended: make(chan struct{})}
	s.mu.Lock()
	victim := s.victim(opened.client)
	s.remove(victim)
	s.open = append(s.open, opened)
	s.mu.Unlock()
	leave = func() {
		s.mu.Lock()
		s.remove(opened)
		s.mu.Unlock()
		close(opened.ended)
	}
	if victim == nil {
		return leave, nil
	}
	victim.end()
	select {
	case <-victim.ended:
		return leave, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// clientOf returns whom a request's stream is counted for.
func clientOf(r *http.Request) inbound.Client {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return inbound.Client{}
	}
	return inbound.ClientOf(net.TCPAddrFromAddrPort(at))
}

// victim returns the stream that makes room for one more of a client; nil when there is room. It requires mu.
func (s *streams) victim(client inbound.Client) *stream {
	counts := make(map[inbound.Client]int)
	for _, open := range s.open {
		counts[open.client]++
	}
	crowded := counts[client] >= s.perClient
	if !crowded && len(s.open) < s.most {
		return nil
	}
	var victim *stream
	for _, open := range s.open {
		if crowded && open.client != client {
			continue
		}
		if victim == nil || counts[open.client] > counts[victim.client] {
			victim = open
		}
	}
	return victim
}

// remove forgets a stream, once. It requires mu.
func (s *streams) remove(gone *stream) {
	s.open = slices.DeleteFunc(s.open, func(open *stream) bool { return open == gone })
}
