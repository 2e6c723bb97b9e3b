package fisherman

import (
	"encoding/json"
	"runtime"
	"testing"
	"time"
)

const (
	// busyPeriod and busyPart: each processor computes 8 of 10 ms.
	busyPeriod = 10 * time.Millisecond
	busyPart   = 8 * time.Millisecond
	// longestBusy bounds the load should its benchmark forget it.
	longestBusy = 15 * time.Minute
)

// keepBusy loads every processor to four fifths until the benchmark ends, by one process each.
func keepBusy(b *testing.B) {
	b.Helper()
	for processor := range runtime.NumCPU() {
		startChild(b, "busy").ask(processor, new(bool))
	}
}

func playBusy(told *json.Decoder, said *json.Encoder) error {
	var processor int
	if err := told.Decode(&processor); err != nil {
		return err
	}
	runtime.LockOSThread()
	if err := pin(processor); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		awaitEnd(told)
		close(ended)
	}()
	if err := said.Encode(true); err != nil {
		return err
	}
	until := time.Now().Add(longestBusy)
	for time.Now().Before(until) {
		for began := time.Now(); time.Since(began) < busyPart; {
			continue
		}
		select {
		case <-ended:
			return nil
		case <-time.After(busyPeriod - busyPart):
		}
	}
	return nil
}
