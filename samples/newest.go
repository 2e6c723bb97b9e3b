package samples

import (
	"cmp"
	"container/heap"
)

// newest keeps values of sessions within a bound in bytes: those of the newest sessions, so that reading all of them does not
// drive out what is read most. It requires a lock around it.
type newest[V any] struct {
	most, bytes int
	entries     map[string]aged[V]
	// order has the sessions of entries, the oldest first, and some of which nothing is kept any more.
	order ages
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
	if len(n.order) > 2*len(n.entries)+8 {
		n.reorder()
	} else {
		heap.Push(&n.order, age{joined, id})
	}
	for n.bytes > n.most {
		n.remove(n.oldest().id)
	}
}

// admits reports whether a value of about the size of those that are kept would be kept.
func (n *newest[V]) admits(id string, joined int64) bool {
	kept := len(n.entries)
	return kept == 0 || n.bytes+n.bytes/kept <= n.most || n.oldest().compare(age{joined, id}) < 0
}

// oldest returns the oldest session of which something is kept. It requires one.
func (n *newest[V]) oldest() age {
	for {
		first := n.order[0]
		if entry, kept := n.entries[first.id]; kept && entry.joined == first.joined {
			return first
		}
		heap.Pop(&n.order)
	}
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

// reorder makes the order of what is kept.
func (n *newest[V]) reorder() {
	n.order = n.order[:0]
	for id, entry := range n.entries {
		n.order = append(n.order, age{entry.joined, id})
	}
	heap.Init(&n.order)
}

// age is how old a session is.
type age struct {
	joined int64
	id     string
}

func (a age) compare(other age) int {
	return cmp.Or(cmp.Compare(a.joined, other.joined), cmp.Compare(a.id, other.id))
}

// ages is a heap of sessions.
type ages []age

func (a ages) Len() int           { return len(a) }
func (a ages) Less(i, j int) bool { return a[i].compare(a[j]) < 0 }
func (a ages) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *ages) Push(one any)      { *a = append(*a, one.(age)) }
func (a *ages) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}
