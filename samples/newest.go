package samples

import "cmp"

// newest keeps values of sessions within a bound in bytes: those of the newest sessions, so that reading all of them does not
// drive out what is read most. It requires a lock around it.
type newest[V any] struct {
	most, bytes int
	entries     map[string]aged[V]
}

type aged[V any] struct {
	value V
	// joined is when the session was taken up.
	joined int64
	bytes  int
}

func newNewest[V any](most int) *newest[V] {
	return &newest[V]{most: most, entries: make(map[string]aged[V])}
}

func (n *newest[V]) get(id string) (value V, known bool) {
	entry, known := n.entries[id]
	return entry.value, known
}

// put keeps a value, and lets go of the oldest while there is too much.
func (n *newest[V]) put(id string, joined int64, value V, bytes int) {
	n.remove(id)
	n.entries[id] = aged[V]{value, joined, bytes}
	n.bytes += bytes
	for n.bytes > n.most {
		n.remove(n.oldest())
	}
}

func (n *newest[V]) oldest() (oldest string) {
	first := true
	for id, entry := range n.entries {
		if first || cmp.Or(cmp.Compare(entry.joined, n.entries[oldest].joined), cmp.Compare(id, oldest)) < 0 {
			oldest, first = id, false
		}
	}
	return oldest
}

func (n *newest[V]) remove(id string) {
	n.bytes -= n.entries[id].bytes
	delete(n.entries, id)
}

// retain lets go of what is of other sessions.
func (n *newest[V]) retain(stored map[string]bool) {
	for id := range n.entries {
		if !stored[id] {
			n.remove(id)
		}
	}
}
