package round

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// Whatever is waited for: a turn goes to who needs it first, never more have one than there are places, and none is lost.
func TestTurnsGoToWhoNeedsThemFirst(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		places := rapid.IntRange(1, 3).Draw(rt, "places")
		needs := rapid.SliceOfN(rapid.Int64Range(0, 20), 1, 40).Draw(rt, "needs")
		synctest.Test(t, func(t *testing.T) { takeTurns(t, places, needs) })
	})
}

// takeTurns has turns waited for by all at once, and says what is wrong with their order.
func takeTurns(t *testing.T, places int, needs []int64) {
	turns := &Turns{places: places}
	gate := make(chan struct{})
	var all sync.WaitGroup
	for range places { // so that the others wait
		all.Go(func() { turns.do(time.Time{}, func() { <-gate }) })
	}
	synctest.Wait()
	var mu sync.Mutex
	var order []int64
	taken := 0
	for _, need := range needs {
		all.Go(func() {
			turns.do(time.Unix(need, 0), func() {
				mu.Lock()
				order = append(order, need)
				taken++
				if taken > places {
					t.Errorf("%d turns at once; %d places", taken, places)
				}
				mu.Unlock()
				time.Sleep(time.Millisecond) // virtual: all that can are in here together
				mu.Lock()
				taken--
				mu.Unlock()
			})
		})
	}
	synctest.Wait()
	close(gate)
	all.Wait()
	for i, need := range order {
		// Those whose turn comes at the same time come in any order.
		if i+places < len(order) && slices.Min(order[i+places:]) < need {
			t.Errorf("order %v with %d places", order, places)
		}
	}
	if len(order) != len(needs) || turns.places != places || len(turns.waiting) != 0 {
		t.Errorf("%d turns of %d, %d places left, %d waiting", len(order), len(needs), turns.places, len(turns.waiting))
	}
}
