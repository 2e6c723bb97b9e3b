package entrance

import (
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/inbound"
)

// How long a connection in the handshake is left alone, although others of its client wait: until it has answered, which
// takes a way there and back, and then as long as a busy machine needs.
const (
	answerTenure = 250 * time.Millisecond
	proofTenure  = time.Second
)

// lane has the unproven connections of one kind.
type lane struct {
	// waiting ones have not sent a key, or wait for a place among the proving, which are in the handshake.
	waiting, proving stage
	// armed: promote will be called when a tenure ends.
	armed bool
}

// stage has the connections that have come equally far, the oldest first.
type stage struct {
	open    []*connection
	clients map[inbound.Client]int
}

func (s *stage) add(c *connection) {
	if s.clients == nil {
		s.clients = make(map[inbound.Client]int)
	}
	s.open = append(s.open, c)
	s.clients[c.from]++
	c.stage = s
}

func (s *stage) remove(c *connection) {
	at := slices.Index(s.open, c)
	s.open = slices.Delete(s.open, at, at+1)
	if s.clients[c.from]--; s.clients[c.from] == 0 {
		delete(s.clients, c.from)
	}
	c.stage = nil
}

// crowding returns the oldest connection of the client that has the most; nil when there is none.
func (s *stage) crowding() *connection {
	var found *connection
	for _, c := range s.open {
		if found == nil || s.clients[c.from] > s.clients[found.from] {
			found = c
		}
	}
	return found
}

// yielding returns the connection that makes room for another one: of the client with the most, the oldest whose tenure is
// over. The tenure of a client that has more than the other one's is. Nil if none is yet, but one will be after wait.
func (s *stage) yielding(to *connection, now time.Time) (found *connection, wait time.Duration) {
	wait = proofTenure
	for _, c := range s.open {
		rest := c.tenure - now.Sub(c.since)
		if rest > 0 && s.clients[c.from] <= s.clients[to.from]+1 {
			wait = min(wait, rest)
		} else if found == nil || s.clients[c.from] > s.clients[found.from] {
			found = c
		}
	}
	return found, wait
}

// next returns the waiting connection that may go on first: the newest of the client that has the fewest in the handshake.
// The newest has the most time left, and a crowd that only waits is never before it. Nil when none has sent its key.
func (l *lane) next() *connection {
	var found *connection
	for _, c := range l.waiting.open {
		if c.spoke && (found == nil || l.proving.clients[c.from] <= l.proving.clients[found.from]) {
			found = c
		}
	}
	return found
}
