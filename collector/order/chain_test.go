package order

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const takeover = 10 * time.Minute

// said returns the first n statements of an instance, a second apart.
func said(instance byte, n int) []Statement {
	statements := make([]Statement, n)
	var previous Digest
	for i := range statements {
		sequence := uint64(i + 1)
		hash := Digest(sha256.Sum256(binary.BigEndian.AppendUint64([]byte{instance}, sequence)))
		statements[i] = Statement{Instance: Instance{instance}, Place: fmt.Sprintf("place %d", instance), Sequence: sequence,
			Previous: previous, Hash: hash, At: int64(i+1) * int64(time.Second)}
		previous = hash
	}
	return statements
}

// hear has a chain judge and take statements, and returns the verdicts.
func hear(c *Chain, statements ...Statement) (verdicts []Verdict) {
	for _, s := range statements {
		verdict := c.Judge(s, takeover)
		c.Take(s, verdict)
		verdicts = append(verdicts, verdict)
	}
	return verdicts
}

func TestStatementsInOrder(t *testing.T) {
	var chain Chain
	got := hear(&chain, said(1, 4)...)
	if !slices.Equal(got, []Verdict{Joined, Next, Next, Next}) || chain.Newest != 4 || chain.Missing() != 0 || chain.Heard != int64(4*time.Second) {
		t.Errorf("%v, %+v", got, chain)
	}
}

func TestLateStatementsFillTheirHole(t *testing.T) {
	s := said(1, 8)
	for name, late := range map[string][]int{"in order": {2, 3, 4}, "backwards": {4, 3, 2}, "from the middle": {3, 2, 4}} {
		var chain Chain
		hear(&chain, s[0], s[1], s[5])
		if chain.Missing() != 3 {
			t.Errorf("%s: %d missing", name, chain.Missing())
		}
		for _, i := range late {
			if got := hear(&chain, s[i]); got[0] != Late {
				t.Errorf("%s: statement %d: %v", name, i+1, got)
			}
		}
		if got := hear(&chain, s[6], s[3]); !slices.Equal(got, []Verdict{Next, Known}) || chain.Missing() != 0 || len(chain.Holes) != 0 {
			t.Errorf("%s: %v, %+v", name, got, chain)
		}
	}
}

// A statement that does not fit between its neighbours changes nothing.
func TestAlteredStatementsAreRefused(t *testing.T) {
	s := said(1, 8)
	altered := func(of Statement) Statement {
		of.Hash[0] ^= 1
		return of
	}
	elsewhere := func(of Statement) Statement {
		of.Previous[0] ^= 1
		return of
	}
	for name, test := range map[string]struct {
		before []Statement
		then   Statement
		want   Verdict
	}{
		"the next one does not follow":       {s[:3], elsewhere(s[3]), Altered},
		"a late one is not what follows it":  {[]Statement{s[0], s[2]}, altered(s[1]), Altered},
		"a late one does not follow":         {[]Statement{s[0], s[4]}, elsewhere(s[1]), Altered},
		"one of a wide hole":                 {[]Statement{s[0], s[4]}, altered(s[2]), Late},
		"the last of a wide hole":            {[]Statement{s[0], s[4]}, altered(s[3]), Altered},
		"one before the first that we heard": {[]Statement{s[4]}, altered(s[3]), Altered},
		"a repetition":                       {s[:3], s[1], Known},
	} {
		var chain Chain
		hear(&chain, test.before...)
		before := chain.Clone()
		got := hear(&chain, test.then)[0]
		if got != test.want || got != Late && !reflect.DeepEqual(*before, chain) {
			t.Errorf("%s: %v, %+v", name, got, chain)
		}
	}
}

// Two places with one key: the one that is heard stays until it was silent for long enough.
func TestAnotherInstanceIsRefusedUntilTheFirstIsSilent(t *testing.T) {
	ours, theirs := said(1, 3), said(2, 3)
	var chain Chain
	hear(&chain, ours...)
	theirs[1].At = chain.Heard + int64(takeover) - 1
	if got := hear(&chain, theirs[1])[0]; got != Elsewhere || chain.Instance != ours[0].Instance {
		t.Errorf("%v, %+v", got, chain)
	}
	theirs[2].At = chain.Heard + int64(takeover)
	if got := hear(&chain, theirs[2])[0]; got != TakenOver || chain.Instance != theirs[0].Instance || chain.Newest != 3 || chain.Missing() != 0 {
		t.Errorf("%v, %+v", got, chain)
	}
	again := ours[2]
	again.At = chain.Heard + 1
	if got := hear(&chain, again)[0]; got != Elsewhere {
		t.Errorf("the first one comes back: %v", got)
	}
}

// A data folder that was restored from a backup goes on from an earlier statement.
func TestAForkIsTakenOverWhenTheFirstIsSilent(t *testing.T) {
	first, fork := said(1, 5), said(9, 8)
	for i := range fork {
		fork[i].Instance = Instance{1}
	}
	var chain Chain
	hear(&chain, first...)
	fork[5].At = chain.Heard + 1
	if got := hear(&chain, fork[2], fork[5]); !slices.Equal(got, []Verdict{Known, Altered}) {
		t.Errorf("%v", got)
	}
	fork[5].At = chain.Heard + int64(takeover)
	if got := hear(&chain, fork[5], fork[6]); !slices.Equal(got, []Verdict{TakenOver, Next}) {
		t.Errorf("%v", got)
	}
}

func TestWhatStaysMissingIsAGap(t *testing.T) {
	s := said(1, 3*Reach)
	var chain Chain
	hear(&chain, s[0])
	hear(&chain, s[3:]...)
	if chain.Gaps != 2 || chain.Missing() != 0 {
		t.Errorf("%d gaps, %d missing", chain.Gaps, chain.Missing())
	}
	if got := hear(&chain, s[1])[0]; got != Known {
		t.Errorf("one that was given up: %v", got)
	}
}

// What was published before a collector was there is no gap, unless it is late.
func TestJoiningInTheMiddle(t *testing.T) {
	s := said(1, 2*Reach)
	var chain Chain
	got := hear(&chain, s[499], s[498], s[400], s[500])
	if !slices.Equal(got, []Verdict{Joined, Late, Known, Next}) || chain.Missing() != 0 {
		t.Errorf("%v, %+v", got, chain)
	}
	hear(&chain, s[501:]...)
	if chain.Gaps != 0 || len(chain.Holes) != 0 {
		t.Errorf("%+v", chain)
	}
}

func TestHolesAreBounded(t *testing.T) {
	s := said(1, 10*mostHoles)
	var chain Chain
	for i := 0; i < len(s); i += 2 {
		hear(&chain, s[i])
		if len(chain.Holes) > mostHoles {
			t.Fatalf("%d holes", len(chain.Holes))
		}
	}
	if all := chain.Gaps + chain.Missing(); all != uint64(len(s)/2-1) {
		t.Errorf("%d gaps and %d missing, together not %d", chain.Gaps, chain.Missing(), len(s)/2-1)
	}
}

func TestAChainIsWrittenAndRead(t *testing.T) {
	s := said(1, 20)
	var chain, read Chain
	hear(&chain, s[3], s[4], s[9], s[7], s[19])
	written, err := json.Marshal(&chain)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(written, &read); err != nil || !reflect.DeepEqual(read, chain) {
		t.Errorf("%v: %+v, not %+v", err, read, chain)
	}
}

// Whatever the order within the publisher's window, and whatever is sent again: each statement is taken once, and none is
// missing at the end.
func TestEachStatementIsTakenOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		statements := said(1, rapid.IntRange(1, 400).Draw(t, "statements"))
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		sent := slices.Clone(statements)
		for from := 0; from < len(sent); {
			width := min(1+random.IntN(window), len(sent)-from)
			part := sent[from : from+width]
			random.Shuffle(width, func(i, j int) { part[i], part[j] = part[j], part[i] })
			from += width
		}
		var again []Statement
		for i, s := range sent {
			again = append(again, s)
			if random.IntN(3) == 0 {
				again = append(again, sent[random.IntN(i+1)])
			}
		}
		var chain Chain
		taken := make(map[uint64]int)
		for _, s := range again {
			if verdict := hear(&chain, s)[0]; verdict.Taken() {
				taken[s.Sequence]++
			} else if verdict != Known {
				t.Fatalf("statement %d: %v", s.Sequence, verdict)
			}
		}
		for _, s := range statements {
			if taken[s.Sequence] != 1 {
				t.Fatalf("statement %d was taken %d times", s.Sequence, taken[s.Sequence])
			}
		}
		if chain.Gaps != 0 || chain.Missing() != 0 {
			t.Fatalf("%+v", chain)
		}
	})
}
