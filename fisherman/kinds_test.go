package fisherman

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	settledKind = types.RoundKind_ROUND_KIND_SETTLED
	headKind    = types.RoundKind_ROUND_KIND_HEAD
	tipKind     = types.RoundKind_ROUND_KIND_TIP
)

func countKinds(kinds []types.RoundKind) map[types.RoundKind]int {
	counts := make(map[types.RoundKind]int)
	for _, kind := range kinds {
		counts[kind]++
	}
	return counts
}

// So many checks of a session ask for heights that a node that stands still is found in it, and so many about settled
// blocks that answers are compared.
func TestKindsOf(t *testing.T) {
	for _, test := range []struct{ checks, required, heads, tips int }{
		{0, 0, 0, 0},
		{1, 1, 0, 0},
		{3, 3, 0, 0},
		{4, 3, 1, 0},
		{5, 3, 2, 0},
		{8, 3, 2, 1},
		{10, 3, 3, 1},
		{12, 3, 3, 1},
		{12, 10, 2, 0},
		{12, 12, 0, 0},
		{16, 3, 4, 2},
		{24, 3, 6, 3},
		{1000, 3, 250, 125},
		{2, 5, 0, 0},
	} {
		counts := countKinds(kindsOf(test.checks, test.required, [32]byte{1}))
		if counts[headKind] != test.heads || counts[tipKind] != test.tips || counts[settledKind] != test.checks-test.heads-test.tips {
			t.Errorf("%+v: %v", test, counts)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		checks, required := rapid.IntRange(0, 300).Draw(t, "checks"), rapid.IntRange(0, 300).Draw(t, "required")
		kinds := kindsOf(checks, required, [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed")))
		counts := countKinds(kinds)
		if len(kinds) != checks || counts[settledKind] < min(checks, required) || 2*counts[settledKind] < checks && checks > 4 {
			t.Errorf("%d checks, %d required: %v", checks, required, counts)
		}
		if checks >= required+leastHeads && counts[headKind] < leastHeads {
			t.Errorf("%d checks, %d required: %v", checks, required, counts)
		}
	})
}

// Which checks ask for heights follows from the seed, and from nothing that a servicer knows.
func TestKindsAreSecret(t *testing.T) {
	at := make([]int, 12)
	for seed := range byte(200) {
		kinds := kindsOf(12, 3, [32]byte{seed})
		if !slices.Equal(kinds, kindsOf(12, 3, [32]byte{seed})) {
			t.Fatal("one seed, two plans")
		}
		for i, kind := range kinds {
			if kind == headKind {
				at[i]++
			}
		}
	}
	for i, count := range at { // a quarter of 200
		if count < 25 || count > 75 {
			t.Errorf("check %d asks for heights in %d of 200 sessions", i, count)
		}
	}
}

// While the control probe is unproven, the first checks ask for heights. Where that leaves too few settled ones, later
// checks that would have done so do not.
func TestProvingKinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := testPolicy()
		policy.Checks = rapid.IntRange(1, 40).Draw(t, "checks")
		policy.SamplesRequired = uint32(rapid.IntRange(0, 40).Draw(t, "required"))
		w, err := newFollowed([32]byte{rapid.Byte().Draw(t, "secret")}, sessionOf(10, 10, 10), policy, &Chain{})
		if err != nil {
			t.Fatal(err)
		}
		planned := slices.Clone(w.kinds)
		provenAt := rapid.IntRange(0, policy.Checks).Draw(t, "proven at")
		var kinds []types.RoundKind
		for index := range policy.Checks {
			kinds = append(kinds, w.kind(uint32(index), index < provenAt))
		}
		counts := countKinds(kinds)
		for index := range min(provenAt, leastHeads) {
			if len(kinds) > leastHeads && kinds[index] != headKind {
				t.Errorf("check %d is %v while the probe is unproven", index, kinds[index])
			}
		}
		if provenAt == 0 && !slices.Equal(kinds, planned) {
			t.Errorf("%v, planned %v", kinds, planned)
		}
		// Without any check to spare the probe comes first.
		spare := max(0, policy.Checks-int(policy.SamplesRequired))
		if least := min(policy.Checks, int(policy.SamplesRequired)) - max(0, leastHeads-spare); counts[settledKind] < least {
			t.Errorf("%d settled of %d, %d required: %v", counts[settledKind], policy.Checks, policy.SamplesRequired, kinds)
		}
	})
}

// Checks outside of a plan ask about settled blocks.
func TestKindOnDemand(t *testing.T) {
	w, err := newFollowed([32]byte{}, sessionOf(10, 10, 10), testPolicy(), &Chain{})
	if err != nil {
		t.Fatal(err)
	}
	for _, unproven := range []bool{false, true} {
		if kind := w.kind(firstDemand, unproven); kind != settledKind {
			t.Errorf("%v", kind)
		}
	}
}

// A catalogue without the question for the newest height, or about blocks near the tip, asks about settled ones instead.
func TestDrawOfKinds(t *testing.T) {
	for name, test := range map[string]struct {
		catalogue question.Catalogue
		kind      types.RoundKind
		want      types.RoundKind
		label     string
	}{
		"head":      {question.EVM(2), headKind, headKind, "eth_blockNumber"},
		"tip":       {question.EVM(2), tipKind, tipKind, ""},
		"settled":   {question.EVM(2), settledKind, settledKind, ""},
		"no head":   {fewQuestions("abc"), headKind, settledKind, ""},
		"no tip":    {fewQuestions("abc"), tipKind, settledKind, ""},
		"own head":  {own(question.CometBFT()), headKind, headKind, "status"},
		"young tip": {question.EVM(2), tipKind, settledKind, ""},
	} {
		w, err := newFollowed([32]byte{}, sessionOf(10, 10, 10), testPolicy(), &Chain{Catalogue: test.catalogue})
		if err != nil {
			t.Fatal(err)
		}
		w.policy.MaxLag = 7
		w.kinds[4] = test.kind
		head := int64(1000)
		if name == "young tip" {
			head = 7 // the block at the allowance would be none
		}
		drawn, err := w.draw(4, head, false)
		if err != nil || drawn.Kind != test.want || test.label != "" && drawn.Label != test.label {
			t.Errorf("%s: %+v, %v", name, drawn, err)
		}
		if drawn.Kind == tipKind && drawn.Height != 993 {
			t.Errorf("%s: about %d", name, drawn.Height)
		}
		if w.asked[drawn.Label] == (drawn.Kind == headKind) {
			t.Errorf("%s: %q is asked: %t", name, drawn.Label, w.asked[drawn.Label])
		}
	}
}

// The network's or user's word on the largest lag comes before the catalogue's.
func TestMaxLag(t *testing.T) {
	for name, test := range map[string]struct {
		catalogue question.Catalogue
		policy    int64
		want      int64
		stored    int64
	}{
		"catalogue's":            {question.EVM(2), 0, question.EVM(2).MaxLag, question.EVM(2).MaxLag},
		"policy's":               {question.EVM(2), 17, 17, 17},
		"neither":                {question.Catalogue{Head: &question.Head{}}, 0, 0, 0},
		"freshness is not known": {fewQuestions("a"), 17, 17, 0},
	} {
		policy := testPolicy()
		policy.MaxLag, policy.LaggingAllowed, policy.DisagreementsAllowed = test.policy, 3, 2
		w, err := newFollowed([32]byte{}, sessionOf(10, 10, 10), policy, &Chain{Catalogue: test.catalogue})
		if err != nil {
			t.Fatal(err)
		}
		w.begin(types.Head{Height: 10}, time.Now())
		if w.maxLag() != test.want || w.stored.GetMaxLag() != test.stored || w.stored.GetLaggingAllowed() != 3 || w.stored.GetDisagreementsAllowed() != 2 {
			t.Errorf("%s: %d, stored %v", name, w.maxLag(), w.stored)
		}
	}
}
