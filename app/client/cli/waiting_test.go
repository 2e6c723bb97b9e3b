package cli

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
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
		done := waiting(&shown, "waiting")
		time.Sleep(5 * time.Second)
		done()
		if shown.Len() > 0 {
			t.Errorf("shown %q", shown.String())
		}
	})
}

func TestCatchingUpIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var told bytes.Buffer
		tellCatchingUp(t.Context(), &told, func() (types.Head, bool) {
			passed := time.Since(began)
			head := types.Head{Height: 100 * int64(passed/time.Second), Time: noon, CatchingUp: passed < 12*time.Second}
			return head, passed > time.Second
		})
		want := "catching up: height 500, a block of 2026-05-04T12:00:00Z\n" +
			"catching up: height 1000, a block of 2026-05-04T12:00:00Z, 100 blocks a second\n" +
			"level with the chain at height 1500\n"
		if told.String() != want {
			t.Errorf("told:\n%s", told.String())
		}
	})
}

func TestCatchingUpThatIsSoonOverOrStoppedIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told bytes.Buffer
		tellCatchingUp(t.Context(), &told, func() (types.Head, bool) { return types.Head{Height: 7}, true })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		tellCatchingUp(ctx, &told, func() (types.Head, bool) { return types.Head{}, false })
		if told.Len() > 0 {
			t.Errorf("told:\n%s", told.String())
		}
	})
}
