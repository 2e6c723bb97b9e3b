package local

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A round is stored once, in whatever order the rounds come, also after a start and beside a newer form of the session.
func TestRoundsComeInAnyOrder(t *testing.T) {
	files := vfs.NewMem()
	s := openIn(t, "store", smallTables(), files)
	must(t, s.PutSession(t.Context(), sessionOf(1)))
	put := func(index uint32, want error) {
		t.Helper()
		wantError(t, s.PutRound(t.Context(), roundOf(1, index, 10)), want)
	}
	put(5, nil)
	put(2, nil)
	put(5, ErrRoundExists)
	put(2, ErrRoundExists)
	put(7, nil)
	must(t, s.PutSession(t.Context(), sessionOf(1)))
	put(7, ErrRoundExists)
	must(t, s.Close())
	s = openIn(t, "store", smallTables(), files)
	put(7, ErrRoundExists)
	put(3, nil)
	put(1<<32-1, nil)
	put(1<<32-1, ErrRoundExists)
	put(8, nil)
	put(8, ErrRoundExists)
	wantRounds(t, s, 1, 10, 2, 3, 5, 7, 8, 1<<32-1)
}
