package local

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"pgregory.net/rapid"
)

// Any sequence of calls leaves the store as a plain map with the same rules would be, also when it is closed and opened
// in between.
func TestStoreAgainstModel(t *testing.T) {
	const maxSessions, evidence = 4, 20
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		ctx, files, options := context.Background(), vfs.NewMem(), capped(1<<20, maxSessions)
		s, err := open("store", options, files)
		must(t, err)
		defer func() { must(t, s.Close()) }()
		model := map[int][]uint32{} // session → indices, ascending
		evictOldest := func(keep int) {
			oldest := slices.Sorted(maps.Keys(model))
			oldest = slices.DeleteFunc(oldest, func(n int) bool { return n == keep })
			delete(model, oldest[0])
		}
		session := rapid.IntRange(0, 6)
		check := func(r *rapid.T) {
			wantSessions(t, s, slices.Sorted(maps.Keys(model))...)
			for n := range 7 {
				if indices, known := model[n]; known {
					wantRounds(t, s, n, evidence, indices...)
				} else if _, err := s.Rounds(ctx, idOf(n)); !errors.Is(err, modules.ErrUnknownSession) {
					r.Fatalf("session %d: %v", n, err)
				}
			}
		}
		r.Repeat(map[string]func(*rapid.T){
			"PutSession": func(r *rapid.T) {
				n := session.Draw(r, "session")
				must(t, s.PutSession(ctx, sessionOf(n)))
				if _, known := model[n]; !known {
					model[n] = nil
				}
				for len(model) > maxSessions {
					evictOldest(n)
				}
			},
			"PutRound": func(r *rapid.T) {
				n, index := session.Draw(r, "session"), rapid.Uint32Range(0, 5).Draw(r, "index")
				err := s.PutRound(ctx, roundOf(n, index, evidence))
				indices, known := model[n]
				at, exists := slices.BinarySearch(indices, index)
				switch {
				case !known:
					wantError(t, err, modules.ErrUnknownSession)
				case exists:
					wantError(t, err, ErrRoundExists)
				default:
					must(t, err)
					model[n] = slices.Insert(indices, at, index)
				}
			},
			"Prune": func(r *rapid.T) {
				retain := rapid.IntRange(0, 5).Draw(r, "retain")
				evicted, err := s.Prune(ctx, retain)
				must(t, err)
				if evicted != max(len(model)-retain, 0) {
					r.Fatalf("evicted %d of %d, retaining %d", evicted, len(model), retain)
				}
				for len(model) > retain {
					evictOldest(-1)
				}
			},
			"Reopen": func(r *rapid.T) {
				before := s.Stats()
				must(t, s.Close())
				s, err = open("store", options, files)
				must(t, err)
				if after := s.Stats(); after.Sessions != before.Sessions || after.Rounds != before.Rounds || after.Bytes != before.Bytes {
					r.Fatalf("stats %+v before, %+v after", before, after)
				}
			},
			"Read": check,
		})
		check(r)
	})
}
