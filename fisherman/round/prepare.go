package round

import (
	"cmp"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// prepare makes one request for every servicer. One that cannot be made is that servicer's sample, not the round's end:
// otherwise one servicer could keep all others from being asked.
func (r *round) prepare() {
	r.seal()
	// Shuffled, so that no servicer is always the first; by offset, so that one loop can release them all.
	rand.Shuffle(len(r.slots), func(i, j int) { r.slots[i], r.slots[j] = r.slots[j], r.slots[i] })
	slices.SortStableFunc(r.slots, func(a, b *slot) int { return cmp.Compare(a.offset, b.offset) })
}

// seal makes the requests on all processors: a signature may take milliseconds, and they are independent of each other.
func (r *round) seal() {
	servicers := r.Session.GetServicers()
	slots := make([]slot, len(servicers))
	r.slots = make([]*slot, len(servicers))
	spread(len(servicers), func(i int) {
		slots[i] = r.slotOf(servicers[i])
		r.slots[i] = &slots[i]
	})
}

// longestRun is how long sealing keeps a processor that others wait for.
const longestRun = 100 * time.Microsecond

// spread calls a function for all numbers below n, on all processors. After a while a processor is given to what else waits,
// so that another round's release waits for that long, or for one number.
func spread(n int, work func(i int)) {
	share(n, func(next func() (int, bool)) {
		began := time.Now()
		for i, more := next(); more; i, more = next() {
			work(i)
			if time.Since(began) > longestRun {
				runtime.Gosched()
				began = time.Now()
			}
		}
	})
}

// share runs workers on all processors, which take the numbers below n from each other: next returns one that none has taken,
// if there is one. If other processors are not free, one worker takes all.
func share(n int, work func(next func() (i int, more bool))) {
	var taken atomic.Int64
	next := func() (int, bool) {
		i := int(taken.Add(1)) - 1
		return i, i < n
	}
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) - 1 {
		workers.Go(func() { work(next) })
	}
	work(next)
	workers.Wait()
}

func (r *round) slotOf(servicer *types.Actor) slot {
	request, err := r.Ask(r.Session, servicer, r.Question.Payload)
	made := slot{servicer: servicer, request: request, failure: failureOf(types.Attempt_ATTEMPT_SEAL_REQUEST, err)}
	if r.Offset > 0 {
		made.offset = rand.N(r.Offset)
	}
	return made
}
