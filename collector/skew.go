package collector

import (
	"slices"
	"time"
)

// LargestSkew is how far a fisherman's clock may be off the server's before it is shown as wrong.
const LargestSkew = 2 * time.Second

// skewSamples is from how many statements the skew is told. A publisher that was away sends 64 again that it had signed
// before; what it signs now outweighs them then.
const skewSamples = 128

// skew tells a fisherman's clock from the delay of its statements: the smallest of the newest times between signing and the
// server's taking.
type skew struct {
	newest []time.Duration
	next   int
}

// add notes a statement.
func (s *skew) add(signed, stored time.Time) {
	delay := stored.Sub(signed)
	if len(s.newest) < skewSamples {
		s.newest = append(s.newest, delay)
		return
	}
	s.newest[s.next] = delay
	s.next = (s.next + 1) % skewSamples
}

// value returns how far the fisherman's clock is behind the server's, less than 0 for ahead; false while nothing is known. The
// way to the server counts as skew.
func (s *skew) value() (time.Duration, bool) {
	if len(s.newest) == 0 {
		return 0, false
	}
	return slices.Min(s.newest), true
}
