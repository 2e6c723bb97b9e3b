package samples

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// What is kept is the newest that fits, and what is admitted stays.
func TestNewestAreKept(t *testing.T) {
	type entry struct {
		id     string
		joined int64
		bytes  int
	}
	rapid.Check(t, func(t *rapid.T) {
		kept, want := newNewest[int](100), []entry{}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				put := entry{fmt.Sprint(rapid.IntRange(0, 40).Draw(t, "id")), rapid.Int64Range(0, 20).Draw(t, "joined"), rapid.IntRange(1, 30).Draw(t, "bytes")}
				kept.put(put.id, put.joined, put.bytes, put.bytes)
				want = append(slices.DeleteFunc(want, func(e entry) bool { return e.id == put.id }), put)
				slices.SortFunc(want, func(a, b entry) int { return cmp.Or(cmp.Compare(b.joined, a.joined), cmp.Compare(b.id, a.id)) })
				for bytesOf := func() (sum int) {
					for _, e := range want {
						sum += e.bytes
					}
					return sum
				}; bytesOf() > 100; {
					want = want[:len(want)-1]
				}
			},
			"retain": func(t *rapid.T) {
				stored := make(map[string]bool)
				for _, id := range rapid.SliceOf(rapid.IntRange(0, 40)).Draw(t, "stored") {
					stored[fmt.Sprint(id)] = true
				}
				kept.retain(stored)
				want = slices.DeleteFunc(want, func(e entry) bool { return !stored[e.id] })
			},
			"": func(t *rapid.T) {
				sum := 0
				for _, e := range want {
					if value, is := kept.get(e.id); !is || value != e.bytes {
						t.Fatalf("%+v is not kept", e)
					}
					sum += e.bytes
				}
				if len(kept.entries) != len(want) || kept.bytes != sum || len(kept.order) > 2*41+9 {
					t.Fatalf("%d of %d bytes are kept in an order of %d, want %d of %d", len(kept.entries), kept.bytes, len(kept.order), len(want), sum)
				}
			},
		})
	})
}

// Beyond the bound only newer sessions are admitted.
func TestNewestAdmits(t *testing.T) {
	kept := newNewest[int](100)
	for joined := range int64(20) {
		if !kept.admits("a", joined) {
			t.Fatalf("the newest session, of %d, is not admitted", joined)
		}
		kept.put(fmt.Sprint(joined), joined, 0, 10)
	}
	for joined, want := range map[int64]bool{9: false, 11: true, 30: true} {
		if got := kept.admits("a", joined); got != want {
			t.Errorf("admitted of %d: %v", joined, got)
		}
	}
}
