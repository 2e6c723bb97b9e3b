package local

import (
	"runtime"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// A page has what all rounds have from an index on, whatever the stores behind it do.
func TestPages(t *testing.T) {
	ctx := t.Context()
	store := openMemory(t, DefaultOptions())
	must(t, store.PutSession(ctx, sessionOf(1)))
	must(t, store.PutSession(ctx, sessionOf(2)))
	for _, index := range []uint32{0, 1, 3, 7, 1<<32 - 1} {
		must(t, store.PutRound(ctx, roundOf(1, index, 10)))
		must(t, store.PutRound(ctx, roundOf(2, index, 10)))
	}
	for _, test := range []struct {
		from  uint32
		limit int
		want  []uint32
	}{
		{0, 9, []uint32{0, 1, 3, 7, 1<<32 - 1}}, {0, 1, []uint32{0}}, {1, 2, []uint32{1, 3}}, {2, 1, []uint32{3}}, {8, 5, []uint32{1<<32 - 1}}, {1<<32 - 1, 1, []uint32{1<<32 - 1}},
		{4, 0, nil},
	} {
		page, stored, err := store.Page(ctx, idOf(1), test.from, test.limit)
		must(t, err)
		if got := indices(page); !slices.Equal(got, test.want) || stored != 5 {
			t.Errorf("%d from %d: %v of %d", test.limit, test.from, got, stored)
		}
	}
	_, _, err := store.Page(ctx, idOf(3), 0, 1)
	wantError(t, err, modules.ErrUnknownSession)
	_, _, err = store.Page(ctx, "", 0, 1)
	wantError(t, err, modules.ErrUnknownSession)
}

func indices(rounds []*types.QoSRound) (list []uint32) {
	for _, round := range rounds {
		list = append(list, round.GetIndex())
	}
	return list
}

// While the disk fails a page has the rounds of both stores.
func TestPagesWhileTheDiskFails(t *testing.T) {
	s := sampleIn(t, "store", vfs.NewMem())
	must(t, s.PutSession(t.Context(), sessionOf(1)))
	s.put(1, 0, 2, 4)
	must(t, s.holdInstead(s.disk, errPageFull))
	s.put(1, 1, 3)
	for from, want := range [][]uint32{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4}, nil} {
		page, stored, err := s.Page(t.Context(), idOf(1), uint32(from), 2)
		must(t, err)
		if got := indices(page); !slices.Equal(got, want) || stored != 5 {
			t.Errorf("from %d: %v of %d", from, got, stored)
		}
	}
}

// While the disk fails a page reads no more of both stores than it shows, whichever of them has it.
func TestPageWhileTheDiskFailsIsCheap(t *testing.T) {
	ctx := t.Context()
	s := sampleIn(t, "store", vfs.NewMem())
	must(t, s.PutSession(ctx, sessionOf(1)))
	const rounds = 400
	for index := range uint32(rounds) {
		must(t, s.PutRound(ctx, fullRound(1, 2*index)))
	}
	must(t, s.holdInstead(s.disk, errPageFull))
	for index := range uint32(rounds) {
		must(t, s.PutRound(ctx, fullRound(1, 2*index+1)))
	}
	must(t, s.PutRound(ctx, fullRound(1, 0))) // the earlier store has it too
	allocated := func(limit int) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		page, stored, err := s.Page(ctx, idOf(1), 100, limit)
		runtime.ReadMemStats(&after)
		if err != nil || len(page) != limit || stored != 2*rounds || page[0].GetIndex() != 100 || page[limit-1].GetIndex() != uint32(99+limit) {
			t.Errorf("%d rounds of %d, %v", len(page), stored, err)
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	allocated(1) // the earlier store is opened
	// The least of several: what else the program does at the time counts as well.
	least := func(limit int) uint64 {
		least := allocated(limit)
		for range 9 {
			least = min(least, allocated(limit))
		}
		return least
	}
	one, many := least(1), least(rounds)
	if 10*one > many {
		t.Errorf("a round costs %d bytes, %d rounds %d", one, rounds, many)
	}
	if whole, err := s.Rounds(ctx, idOf(1)); err != nil || len(whole) != 2*rounds {
		t.Errorf("%d rounds, %v", len(whole), err)
	}
}

// The work for a page follows its limit, not the session's size.
func TestPageIsCheap(t *testing.T) {
	ctx := t.Context()
	store := openMemory(t, DefaultOptions())
	must(t, store.PutSession(ctx, sessionOf(1)))
	const rounds = 400
	for index := range uint32(rounds) {
		must(t, store.PutRound(ctx, fullRound(1, index)))
	}
	allocations := func(limit int) float64 {
		return testing.AllocsPerRun(3, func() {
			page, _, err := store.Page(ctx, idOf(1), 100, limit)
			if err != nil || len(page) != limit {
				t.Errorf("%d rounds, %v", len(page), err)
			}
		})
	}
	if one, all := allocations(1), allocations(rounds-100); 100*one > all {
		t.Errorf("%v allocations for one round, %v for %d", one, all, rounds-100)
	}
}

// An outline has all rounds, in memory or on the disk, without what proves them, of which one round's is in memory at once.
func TestOutline(t *testing.T) {
	ctx := t.Context()
	s := sampleIn(t, "store", vfs.NewMem())
	must(t, s.PutSession(ctx, sessionOf(1)))
	const rounds, evidence = 40, 64 << 10
	for index := range uint32(rounds) {
		if index == rounds/2 {
			must(t, s.holdInstead(s.disk, errPageFull))
		}
		must(t, s.PutRound(ctx, roundOf(1, index, evidence)))
	}
	outline, err := s.Outline(ctx, idOf(1))
	must(t, err)
	if len(outline) != rounds {
		t.Errorf("%d rounds", len(outline))
	}
	for i, round := range outline {
		if int(round.GetIndex()) != i || proto.Size(round) > evidence/4 {
			t.Errorf("round %d has %d bytes", round.GetIndex(), proto.Size(round))
		}
	}
	_, err = s.Outline(ctx, idOf(2))
	wantError(t, err, modules.ErrUnknownSession)
}
