package verify_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// ballots of a text such as "a:x b:x c:y": origins and what they answered.
func ballots(text string) []verify.Ballot {
	var cast []verify.Ballot
	for _, ballot := range strings.Fields(text) {
		origin, digest, _ := strings.Cut(ballot, ":")
		cast = append(cast, verify.Ballot{Origin: origin, Digest: verify.Digest{digest[0]}})
	}
	return cast
}

// letters of a judgement: a(gree), d(isagree), u(ndecidable).
func letters(judged []types.Consistency) string {
	var text strings.Builder
	for _, consistency := range judged {
		text.WriteByte(" adu"[consistency])
	}
	return text.String()
}

func TestMajority(t *testing.T) {
	for name, test := range map[string]struct {
		ballots string
		quorum  int
		want    string
	}{
		"nobody":                      {"", 2, ""},
		"nobody, no quorum":           {"", 0, ""},
		"all agree":                   {"a:x b:x c:x", 2, "aaa"},
		"one dissents":                {"a:x b:y c:x", 2, "ada"},
		"one alone":                   {"a:x", 2, "u"},
		"one alone, quorum of one":    {"a:x", 1, "a"},
		"two agree":                   {"a:x b:x", 2, "aa"},
		"two differ":                  {"a:x b:y", 2, "uu"},
		"tie of two camps":            {"a:x b:x c:y d:y", 2, "uuuu"},
		"half is no majority":         {"a:x b:x c:y d:z", 2, "uuuu"},
		"three of five":               {"a:x b:y c:x d:z e:x", 2, "adada"},
		"two of five":                 {"a:x b:x c:y d:z e:w", 2, "uuuuu"},
		"below quorum":                {"a:x b:x c:x", 4, "uuu"},
		"at quorum":                   {"a:x b:x c:x d:x", 4, "aaaa"},
		"the majority lies":           {"a:x b:y c:y", 2, "daa"},
		"one operator of many":        {"a:y a:y a:y b:x c:x", 2, "dddaa"},
		"one operator alone":          {"a:x a:x a:x", 2, "uuu"},
		"one operator, two answers":   {"a:x a:y b:x c:x", 2, "adaa"},
		"split origin has no vote":    {"a:x a:y b:x", 2, "uuu"},
		"split origin changes none":   {"a:x a:y a:x b:y c:y", 2, "dadaa"},
		"split in many ways":          {"a:x a:y a:z b:q c:q", 2, "dddaa"},
		"split, back to first answer": {"a:x a:y a:x b:x", 2, "uuuu"},
		"tie broken by nobody":        {"a:x b:y c:z c:x", 2, "uuuu"},
	} {
		cast := ballots(test.ballots)
		if got := letters(verify.Compare(cast, test.quorum)); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		_, err := verify.Majority(cast, test.quorum)
		if decided := strings.ContainsAny(test.want, "ad"); decided != (err == nil) || err != nil && !errors.Is(err, verify.ErrNoMajority) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func drawn(t *rapid.T) ([]verify.Ballot, int) {
	ballot := rapid.Custom(func(t *rapid.T) verify.Ballot {
		return verify.Ballot{
			Origin: rapid.StringMatching(`[a-f]`).Draw(t, "origin"),
			Digest: verify.Digest{rapid.SampledFrom([]byte("xyz")).Draw(t, "digest")},
		}
	})
	return rapid.SliceOfN(ballot, 0, 12).Draw(t, "ballots"), rapid.IntRange(1, 5).Draw(t, "quorum")
}

// The order in which servicers answered, or are listed, decides nothing.
func TestOrderOfBallotsDoesNotCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cast, quorum := drawn(t)
		places := make([]int, len(cast))
		for i := range places {
			places[i] = i
		}
		places = rapid.Permutation(places).Draw(t, "places")
		permuted := make([]verify.Ballot, len(cast))
		for i, place := range places {
			permuted[place] = cast[i]
		}
		judged, again := verify.Compare(cast, quorum), verify.Compare(permuted, quorum)
		for i, place := range places {
			if judged[i] != again[place] {
				t.Fatalf("%v: %s, permuted by %v: %s", cast, letters(judged), places, letters(again))
			}
		}
	})
}

// The majority as it is defined, counted in another way.
func TestMajorityByDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cast, quorum := drawn(t)
		said := make(map[string][]verify.Digest)
		for _, ballot := range cast {
			if !slices.Contains(said[ballot.Origin], ballot.Digest) {
				said[ballot.Origin] = append(said[ballot.Origin], ballot.Digest)
			}
		}
		var votes []verify.Digest
		for _, digests := range said {
			if len(digests) == 1 {
				votes = append(votes, digests[0])
			}
		}
		majority, err := verify.Majority(cast, quorum)
		var want verify.Digest
		exists := false
		for _, digest := range votes {
			alike := 0
			for _, other := range votes {
				if other == digest {
					alike++
				}
			}
			if len(votes) >= quorum && 2*alike > len(votes) {
				want, exists = digest, true
			}
		}
		if exists != (err == nil) || majority != want {
			t.Fatalf("%v with quorum %d: %x, %v", cast, quorum, majority, err)
		}
	})
}

// An operator that adds servicers of the same answer at its origin changes nothing.
func TestServicersOfOneOriginVoteOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cast, quorum := drawn(t)
		if len(cast) == 0 {
			return
		}
		again := rapid.SampledFrom(cast).Draw(t, "again")
		more := append(slices.Clone(cast), slices.Repeat([]verify.Ballot{again}, rapid.IntRange(1, 20).Draw(t, "times"))...)
		if a, b := letters(verify.Compare(cast, quorum)), letters(verify.Compare(more, quorum))[:len(cast)]; a != b {
			t.Fatalf("%v: %s, with more of %v: %s", cast, a, again, b)
		}
	})
}
