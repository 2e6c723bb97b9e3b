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

// ballots of a text such as "a:x b:x c:y d@o:y": origins, their operators, and what they answered.
func ballots(text string) []verify.Ballot {
	var cast []verify.Ballot
	for _, field := range strings.Fields(text) {
		from, digest, _ := strings.Cut(field, ":")
		origin, operator, _ := strings.Cut(from, "@")
		cast = append(cast, ballot(origin, operator, digest[0]))
	}
	return cast
}

// ballot of an origin of a letter, whose operator has a letter, or none.
func ballot(origin, operator string, digest byte) verify.Ballot {
	cast := verify.Ballot{Origin: int(origin[0] - 'a'), Voter: verify.Voter(origin[0] - 'a'), Digest: verify.Digest{digest}}
	if operator != "" {
		cast.Voter = verify.Voter('z' + operator[0] - 2*'a')
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

		"an operator of many origins":               {"a@o:y b@o:y c@o:y d:x e:x", 2, "dddaa"},
		"an operator is no quorum":                  {"a@o:x b@o:x c@o:x", 2, "uuu"},
		"two operators":                             {"a@o:x b@o:x c@p:x d@p:x", 2, "aaaa"},
		"an operator named as an origin":            {"a@b:x b:x c:y", 2, "aad"},
		"an operator contradicts itself":            {"a@o:x b@o:y c:x d:x", 2, "adaa"},
		"in many ways":                              {"a@o:y b@o:z c@o:w d:x e:x", 2, "dddaa"},
		"in many ways, the truth among them":        {"a@o:y b@o:z c@o:x d:x", 2, "ddaa"},
		"in many ways, against one":                 {"a@o:y b@o:z d:x", 2, "uuu"},
		"a stranger takes a name, and lies":         {"a@o:x b@o:x c:x s@o:y", 2, "aaad"},
		"strangers take all names, and lie":         {"a@o:x b@p:x c@q:x s@o:y t@p:y", 2, "aaadd"},
		"strangers as many, and as many as without": {"a@o:x b@p:x s@o:y t@p:y", 2, "uuuu"},
		"strangers hide behind one name":            {"a@o:x b@p:x c:x s@o:y t@o:y u@o:y v@o:y", 2, "aaadddd"},
		"an origin of an operator is split":         {"a@o:x a@o:y b@o:x c:x", 2, "adaa"},
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

// drawn draws ballots. Each origin has one operator, or none.
func drawn(t *rapid.T) ([]verify.Ballot, int) {
	operators := make(map[string]string)
	for _, origin := range strings.Split("abcdef", "") {
		operators[origin] = rapid.SampledFrom([]string{"", "", "o", "p", "a"}).Draw(t, "operator")
	}
	ballots := rapid.Custom(func(t *rapid.T) verify.Ballot {
		origin := rapid.StringMatching(`[a-f]`).Draw(t, "origin")
		return ballot(origin, operators[origin], rapid.SampledFrom([]byte("xyz")).Draw(t, "digest"))
	})
	return rapid.SliceOfN(ballots, 0, 12).Draw(t, "ballots"), rapid.IntRange(1, 5).Draw(t, "quorum")
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
		// says reports whether an origin of a voter answers with some digests only, and nothing else.
		says := func(voter verify.Voter, digest func(verify.Digest) bool) bool {
			return slices.ContainsFunc(cast, func(b verify.Ballot) bool {
				contradicted := slices.ContainsFunc(cast, func(o verify.Ballot) bool { return o.Origin == b.Origin && o.Digest != b.Digest })
				return b.Voter == voter && digest(b.Digest) && !contradicted
			})
		}
		var voters []verify.Voter
		for _, ballot := range cast {
			if !slices.Contains(voters, ballot.Voter) && says(ballot.Voter, func(verify.Digest) bool { return true }) {
				voters = append(voters, ballot.Voter)
			}
		}
		majority, err := verify.Majority(cast, quorum)
		var want verify.Digest
		exists := false
		for _, letter := range "xyz" {
			digest, pro, con := verify.Digest{byte(letter)}, 0, 0
			for _, voter := range voters {
				if says(voter, func(d verify.Digest) bool { return d == digest }) {
					pro++
				}
				if says(voter, func(d verify.Digest) bool { return d != digest }) {
					con++
				}
			}
			if len(voters) >= quorum && pro > con {
				if exists {
					t.Fatalf("%v: two majorities", cast)
				}
				want, exists = digest, true
			}
		}
		if exists != (err == nil) || majority != want {
			t.Fatalf("%v with quorum %d: %x, %v", cast, quorum, majority, err)
		}
	})
}

// Strangers who declare the operators of others, at origins of their own, do nothing that they could not do without: a
// majority that stands against them undeclared stands against them declared, and what they all say is the majority only
// if it were so undeclared.
func TestDeclaringAnOperatorGainsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cast, quorum := drawn(t)
		declared, plain, lies := slices.Clone(cast), slices.Clone(cast), make(map[verify.Digest]bool)
		for i := range rapid.IntRange(1, 5).Draw(t, "strangers") {
			origin, lie := string(rune('q'+i)), rapid.SampledFrom([]byte("xyz")).Draw(t, "lie")
			name := rapid.SampledFrom([]string{"o", "p", "a", "w"}).Draw(t, "name")
			declared = append(declared, ballot(origin, name, lie))
			plain = append(plain, ballot(origin, "", lie))
			lies[verify.Digest{lie}] = true
		}
		with, withErr := verify.Majority(declared, quorum)
		without, withoutErr := verify.Majority(plain, quorum)
		_, aloneErr := verify.Majority(cast, quorum)
		if withoutErr == nil && !lies[without] && aloneErr == nil && (withErr != nil || with != without) {
			t.Fatalf("%v: the majority of others is lost", declared)
		}
		if withErr == nil && lies[with] && len(lies) == 1 && (withoutErr != nil || with != without) {
			t.Fatalf("%v: a majority is won", declared)
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
