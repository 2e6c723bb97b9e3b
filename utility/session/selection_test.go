package session_test

import (
	"bytes"
	"cmp"
	"crypto/sha3"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/utility/session"
)

// drawID draws the id of a session of arbitrary inputs.
func drawID(t *rapid.T) string {
	bytes := rapid.SliceOfN(rapid.Byte(), 0, 40)
	return session.ID(rapid.StringMatching(`[a-z0-9-]{1,12}`).Draw(t, "chain id"),
		rapid.Int64Min(0).Draw(t, "start"), bytes.Draw(t, "hash"), rapid.StringMatching(`[0-9A-F]{4}`).Draw(t, "chain"),
		rapid.StringMatching(`[a-z0-9-]{1,32}`).Draw(t, "zone"), bytes.Draw(t, "key"))
}

// drawActors draws actors of distinct addresses.
func drawActors(t *rapid.T) []*types.Actor {
	list := rapid.SliceOfNDistinct(rapid.StringMatching(`[0-9a-f]{40}`), 0, 40, rapid.ID[string]).Draw(t, "addresses")
	actors := make([]*types.Actor, len(list))
	for i, address := range list {
		actors[i] = &types.Actor{Address: address}
	}
	return actors
}

func TestSelectionIgnoresOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id, actors, n := drawID(t), drawActors(t), rapid.IntRange(-1, 45).Draw(t, "n")
		given := slices.Clone(actors)
		want := session.Select(id, actors, n)
		if len(want) != max(0, min(n, len(actors))) {
			t.Fatalf("%d of %d for n %d", len(want), len(actors), n)
		}
		if !slices.Equal(actors, given) {
			t.Fatal("the candidates were reordered")
		}
		shuffled := rapid.Permutation(actors).Draw(t, "shuffled")
		if got := session.Select(id, shuffled, n); !slices.Equal(got, want) {
			t.Fatalf("another order selects %v, not %v", addresses(got), addresses(want))
		}
		for i, actor := range want {
			if slices.Contains(want[:i], actor) || !slices.Contains(actors, actor) {
				t.Fatalf("member %d is a repeat or a stranger", i)
			}
		}
	})
}

func TestSelectionIsAPrefixOfTheRanking(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id, actors := drawID(t), drawActors(t)
		ranking := session.Select(id, actors, len(actors))
		n := rapid.IntRange(0, len(actors)).Draw(t, "n")
		if got := session.Select(id, actors, n); !slices.Equal(got, ranking[:n]) {
			t.Fatalf("the first %d are %v, not %v", n, addresses(got), addresses(ranking[:n]))
		}
		for i, actor := range ranking {
			if got := session.NewCandidates(actors).Selects(id, n, actor.Address); got != (i < n) {
				t.Fatalf("rank %d is among the first %d: %v", i, n, got)
			}
		}
		if session.NewCandidates(actors).Selects(id, n, "somebody else") {
			t.Fatal("somebody else is among them")
		}
	})
}

// What is computed four at a time is what the definition says, for addresses of any form and any number of them.
func TestSelectionIsTheRankingByHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id, actors := drawID(t), drawActors(t)
		if odd := rapid.IntRange(-40, len(actors)-1).Draw(t, "odd"); odd >= 0 {
			actors[odd].Address = rapid.StringMatching(`([0-9a-f]{2}){0,30}[0-9a-g]?`).Draw(t, "odd address")
		}
		rank := func(actor *types.Actor) []byte {
			message, _ := hex.DecodeString(id)
			address, _ := hex.DecodeString(actor.Address)
			sum := sha3.Sum256(append(message, address...))
			return sum[:]
		}
		want := slices.Clone(actors)
		slices.SortStableFunc(want, func(a, b *types.Actor) int {
			return cmp.Or(bytes.Compare(rank(a), rank(b)), cmp.Compare(a.Address, b.Address))
		})
		candidates := session.NewCandidates(actors)
		for n := range len(actors) + 2 {
			if got := candidates.Select(id, n); !slices.Equal(addresses(got), addresses(want[:min(n, len(want))])) {
				t.Fatalf("the first %d are %v, not %v", n, addresses(got), addresses(want))
			}
		}
		for i, actor := range want {
			if !candidates.Selects(id, i+1, actor.Address) || candidates.Selects(id, i, actor.Address) &&
				!slices.ContainsFunc(want[:i], func(other *types.Actor) bool { return other.Address == actor.Address }) {
				t.Fatalf("rank %d is not the first that selects %s", i, actor.Address)
			}
		}
	})
}

// When one leaves, the others keep their order and the next in rank replaces it.
func TestLeavingMovesNobodyElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id, actors := drawID(t), drawActors(t)
		if len(actors) == 0 {
			t.Skip("nobody can leave")
		}
		n := rapid.IntRange(0, len(actors)).Draw(t, "n")
		left := rapid.SampledFrom(actors).Draw(t, "left")
		gone := func(actor *types.Actor) bool { return actor == left }
		want := slices.DeleteFunc(session.Select(id, actors, n+1), gone)
		want = want[:min(n, len(want))]
		got := session.Select(id, slices.DeleteFunc(slices.Clone(actors), gone), n)
		if !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", addresses(got), addresses(want))
		}
	})
}

func TestEqualAddressesAreKept(t *testing.T) {
	twin := &types.Actor{Address: hex.EncodeToString(make([]byte, 20))}
	if got := session.Select(session.ID("a", 0, nil, "0001", "b", nil), []*types.Actor{twin, twin}, 2); len(got) != 2 {
		t.Errorf("%d members", len(got))
	}
}

// Over many sessions each of 24 actors must come first, and be among the first 5, as often as the others. The limit is
// the 99.9 % quantile of chi-square with 23 degrees of freedom; the ids are fixed, so the test never flickers.
func TestSelectionIsUniform(t *testing.T) {
	const actors, selectedActors, sessions, limit = 24, 5, 4000, 49.73
	random := rand.New(rand.NewPCG(1, 2))
	candidates := make([]*types.Actor, actors)
	index := make(map[*types.Actor]int, actors)
	for i := range candidates {
		address := fmt.Sprintf("%016x%016x%08x", random.Uint64(), random.Uint64(), random.Uint32())
		candidates[i] = &types.Actor{Address: address}
		index[candidates[i]] = i
	}
	var first, member [actors]float64
	for s := range sessions {
		hash := binary.BigEndian.AppendUint64(nil, random.Uint64())
		selected := session.Select(session.ID("uniform", int64(s), hash, "0001", "eu", nil), candidates, selectedActors)
		first[index[selected[0]]]++
		for _, actor := range selected {
			member[index[actor]]++
		}
	}
	if x := chiSquare(first[:]); x > limit {
		t.Errorf("first place: chi-square %.1f", x)
	}
	// Five are drawn without replacement, which reduces the variance of the counts by (24-5)/(24-1).
	if x := chiSquare(member[:]) * (actors - 1) / (actors - selectedActors); x > limit {
		t.Errorf("membership: chi-square %.1f", x)
	}
}

// chiSquare returns Pearson's statistic of counts against a uniform distribution.
func chiSquare(counts []float64) float64 {
	var total, sum float64
	for _, count := range counts {
		total += count
	}
	expected := total / float64(len(counts))
	for _, count := range counts {
		sum += (count - expected) * (count - expected) / expected
	}
	return sum
}

func BenchmarkSelect(b *testing.B) {
	candidates := make([]*types.Actor, 1000)
	for i := range candidates {
		candidates[i] = &types.Actor{Address: fmt.Sprintf("%040x", i)}
	}
	id := session.ID("bench", 0, nil, "0001", "eu", nil)
	for b.Loop() {
		session.Select(id, candidates, 24)
	}
}
