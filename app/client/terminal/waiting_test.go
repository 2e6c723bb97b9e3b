package terminal

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitingIsShownAndGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shown bytes.Buffer
		done := drawWaiting(&shown, "waiting for the block")
		time.Sleep(2500 * time.Millisecond)
		done()
		if want := "\r\x1b[Kwaiting for the block 1s\r\x1b[Kwaiting for the block 2s\r\x1b[K"; shown.String() != want {
			t.Errorf("shown %q, want %q", shown.String(), want)
		}
	})
}

func TestWaitingIsForTerminalsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shown bytes.Buffer
		done := Waiting(&shown, "waiting")
		time.Sleep(5 * time.Second)
		done()
		if shown.Len() > 0 {
			t.Errorf("shown %q", shown.String())
		}
	})
}
