package consensus

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestReady(t *testing.T) {
	clock := time.Unix(1_700_000_000, 0)
	e := &Engine{gate: &gate{}, now: func() time.Time { return clock }, blockTime: 2 * time.Second}
	expect := func(says string) {
		t.Helper()
		err := e.Ready()
		if says == "" && err != nil || says != "" && (!errors.Is(err, ErrNotReady) || !strings.Contains(err.Error(), says)) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	expect("it does not run")
	e.gate.open()
	expect("there is no block yet")
	e.standing.note(7, false, clock)
	expect("it is catching up, at height 7")
	e.standing.note(8, true, clock)
	expect("")
	clock = clock.Add(23 * time.Second)
	expect("")
	clock = clock.Add(time.Millisecond)
	expect("its newest block, 8, came 23s ago")
	e.standing.note(9, true, clock)
	expect("")
	e.gate.close(0)
	expect("it does not run")
}
