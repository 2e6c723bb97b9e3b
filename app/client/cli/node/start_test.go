package node

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func TestCatchingUpIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var told bytes.Buffer
		tellCatchingUp(t.Context(), &told, func() (types.Head, bool) {
			passed := time.Since(began)
			head := types.Head{Height: 100 * int64(passed/time.Second), Time: clienttest.Noon, CatchingUp: passed < 12*time.Second}
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
