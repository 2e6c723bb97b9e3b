package node

import (
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func TestNotReady(t *testing.T) {
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	at := func(age time.Duration, catchingUp bool) types.Head {
		return types.Head{Height: 7, Time: now.Add(-age), CatchingUp: catchingUp}
	}
	for _, test := range []struct {
		name  string
		head  types.Head
		known bool
		want  string
	}{
		{"before the first block", types.Head{}, false, "no block yet"},
		{"fresh", at(time.Second, false), true, ""},
		{"from a clock that is ahead", at(-time.Second, false), true, ""},
		{"fresh but fetched", at(time.Second, true), true, "catching up, at height 7"},
		{"at the limit", at(20*time.Second, false), true, ""},
		{"stale", at(20*time.Second+1, false), true, "no block for more than 20s, at height 7"},
		{"first block of an old genesis", at(1000*time.Hour, false), true, "no block for more than 20s"},
	} {
		if got := notReady(test.head, test.known, now, time.Second); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
