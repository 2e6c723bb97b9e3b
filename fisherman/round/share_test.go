package round

import (
	"runtime"
	"sync/atomic"
	"testing"
)

// Each number is taken once, by one worker or another; a worker that takes none delays nobody.
func TestSharedNumbersAreTakenOnce(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		taken, workers := make([]atomic.Int32, n), atomic.Int32{}
		share(n, func(next func() (int, bool)) {
			if workers.Add(1)%2 == 0 {
				return
			}
			for i, more := next(); more; i, more = next() {
				taken[i].Add(1)
			}
		})
		for i := range taken {
			if times := taken[i].Load(); times != 1 {
				t.Errorf("number %d of %d was taken %d times", i, n, times)
			}
		}
		if most := max(1, min(n, runtime.GOMAXPROCS(0))); workers.Load() > int32(most) {
			t.Errorf("%d workers for %d numbers", workers.Load(), n)
		}
	}
}
