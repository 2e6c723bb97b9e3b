package round

import "time"

// A machine that does not run its programs in time cannot time others. While a round waits for answers, a stall watch
// wakes at short intervals; the longest gap between two wake-ups beyond the interval is how long this process was kept
// from running (a suspended machine, a stopped process, an overloaded host).
const stallInterval = 10 * time.Millisecond

// stallWatch measures stalls until it is asked for the worst.
type stallWatch struct {
	stop  chan struct{}
	worst chan time.Duration
	// began is when the worst one did; for reading after the end.
	began time.Time
}

// newStallWatch starts a watch; its goroutine ends with the call of end, which must be made once.
func newStallWatch() *stallWatch {
	watch := &stallWatch{stop: make(chan struct{}), worst: make(chan time.Duration, 1)}
	go watch.run(time.Now()) // from now on: a stall may come before the goroutine has begun
	return watch
}

func (s *stallWatch) run(last time.Time) {
	ticker := time.NewTicker(stallInterval)
	defer ticker.Stop()
	var worst time.Duration
	for {
		ended := false
		select {
		case <-ticker.C:
		case <-s.stop:
			ended = true
		}
		now := time.Now()
		if gap := now.Sub(last) - stallInterval; gap > worst {
			worst, s.began = gap, last.Add(stallInterval)
		}
		last = now
		if ended {
			s.worst <- worst
			return
		}
	}
}

// end stops the watch and returns the longest stall seen.
func (s *stallWatch) end() time.Duration {
	close(s.stop)
	return <-s.worst
}
