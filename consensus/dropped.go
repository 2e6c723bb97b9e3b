package consensus

import (
	"sync"
	"time"

	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
)

const (
	// shortest is the time below which a connection to a peer counts as closed at once.
	shortest = 5 * time.Second
	// mostDropped is how many such connections in a row are said.
	mostDropped = 3
	// droppedPause is the pause before such a peer is dialled again.
	droppedPause = 3 * time.Second
)

// dropped counts the connections that each peer closes at once. A peer does so with a node whose key another connected node
// has, and does not say why.
type dropped struct {
	own    p2p.ID
	logger log.Logger
	now    func() time.Time

	mu sync.Mutex
	// open is since when a peer is connected, inRow how many connections it has closed at once. Only peers that this node
	// dials are counted, and those are configured.
	open  map[p2p.ID]time.Time
	inRow map[p2p.ID]int
}

func newDropped(own p2p.ID, logger log.Logger) *dropped {
	return &dropped{own: own, logger: logger, now: time.Now, open: make(map[p2p.ID]time.Time), inRow: make(map[p2p.ID]int)}
}

// connected notes that a peer that this node dialled is connected.
func (d *dropped) connected(id p2p.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[id] = d.now()
}

// closed notes the end of a connection, says when a peer closes one after the other at once, and reports whether it does.
func (d *dropped) closed(id p2p.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	since, known := d.open[id]
	delete(d.open, id)
	switch {
	case !known:
		return false
	case d.now().Sub(since) >= shortest:
		delete(d.inRow, id)
		return false
	}
	if d.inRow[id]++; d.inRow[id]%mostDropped == 0 {
		d.logger.Warn("a peer closes each connection at once: another node is connected to it with this node's own node key, as a copy of its home is, or it has no room; "+
			"give each node a node-key file of its own", "peer", string(id), "own_id", string(d.own))
	}
	return d.inRow[id] >= mostDropped
}
