// Package chance breaks every rule of the state machine once, and keeps them where that is easily mistaken.
package chance

import (
	"maps"
	"slices"
	"time"
)

type table map[string]int

const share = 0.5 // want: floating point in the state machine

const billion int64 = 1e9 // want: floating point in the state machine

type sample struct {
	value float32  // want: floating point in the state machine
	ready chan int // want: channel in the state machine
}

func order(named table, list []int) (keys []string) {
	for key := range named { // want: order of a map in the state machine
		keys = append(keys, key)
	}
	for range list {
	}
	keys = slices.Collect(maps.Keys(named)) // want: order of a map in the state machine
	for key := range maps.Keys(named) {     // want: order of a map in the state machine
		keys = append(keys, key)
	}
	for _, key := range slices.Sorted(maps.Keys(named)) {
		keys = append(keys, key)
	}
	return keys
}

func rounding(d time.Duration, n int) int64 {
	ratio := d.Seconds() // want: floating point in the state machine
	_ = ratio            // want: floating point in the state machine
	half := n / 2
	_ = complex(1, 2) // want: floating point in the state machine
	return d.Milliseconds() + int64(half)
}

func waiting(s sample) {
	s.ready <- 1        // want: send in the state machine
	<-s.ready           // want: receive in the state machine
	for range s.ready { // want: channel in the state machine
	}
	select { // want: select in the state machine
	default:
	}
}
