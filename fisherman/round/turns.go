package round

import (
	"container/heap"
	"runtime"
	"sync"
	"time"
)

// Turns has rounds take turns at what takes processors: making requests and opening answers. The next turn goes to the round that
// needs it first. When many rounds begin at once, as where sessions begin together, they would otherwise all be ready at the end
// of all the work, however soon some of them are to be released; and what waits for a processor would wait behind all of them.
// Requests are made on all processors and answers are opened on one, so there is one turn for each two. What is done in a turn must
// not wait for anything.
type Turns struct {
	mu sync.Mutex
	// places that are not taken; some are only while nobody waits.
	places  int
	waiting turnQueue
}

// NewTurns returns the turns of one fisherman.
func NewTurns() *Turns { return &Turns{places: max(1, runtime.GOMAXPROCS(0)/2)} }

// do waits for a turn at something that is needed by a moment, and does it. Without turns it does it at once.
func (t *Turns) do(needed time.Time, work func()) {
	if t != nil {
		t.take(needed)
		defer t.pass()
	}
	work()
}

func (t *Turns) take(needed time.Time) {
	t.mu.Lock()
	if t.places > 0 {
		t.places--
		t.mu.Unlock()
		return
	}
	mine := turn{needed: needed, come: make(chan struct{})}
	heap.Push(&t.waiting, mine)
	t.mu.Unlock()
	<-mine.come
}

// pass gives the place to the round that needs it first.
func (t *Turns) pass() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.places++
		return
	}
	close(heap.Pop(&t.waiting).(turn).come)
}

// turn is one that is waited for. The channel is closed when it has come.
type turn struct {
	needed time.Time
	come   chan struct{}
}

// turnQueue is a heap by the moment at which a turn is needed.
type turnQueue []turn

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (q turnQueue) Len() int           { return len(q) }
func (q turnQueue) Less(i, j int) bool { return q[i].needed.Before(q[j].needed) }
func (q turnQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *turnQueue) Push(one any)      { *q = append(*q, one.(turn)) }

func (q *turnQueue) Pop() any {
	last := len(*q) - 1
	one := (*q)[last]
	(*q)[last] = turn{}
	*q = (*q)[:last]
	return one
}
