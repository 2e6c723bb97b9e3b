package fisherman

import (
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// looksAt are a chain's heads as they would be seen in looks at seconds after a moment.
type looksAt struct {
	heads *relayHeads
	start time.Time
}

func newLooks() looksAt { return looksAt{&relayHeads{}, time.Unix(1e9, 0)} }

func (l looksAt) at(seconds float64) time.Time {
	return l.start.Add(time.Duration(seconds * float64(time.Second)))
}

func (l looksAt) look(seconds float64, height int64) {
	l.heads.chain(chain).note(seenHead{height: height, at: l.at(seconds)})
}

// looks every two seconds at a chain with a block every so many.
func (l looksAt) looks(from, to, phase, every float64, first int64) {
	for second := from; second <= to; second += 2 {
		l.look(second, first+int64((second-from+phase)/every))
	}
}

// The block time is reckoned from one block that was seen to come to another, so it does not depend on when the first
// look was; it goes on being known while the head stands still, over the last five to ten minutes.
func TestBlockTime(t *testing.T) {
	for _, phase := range []float64{0, 1, 5, 11.9} {
		l := newLooks()
		l.looks(0, 10, phase, 12, 1000)
		if got := l.heads.blockTime(chain); got != 0 {
			t.Errorf("phase %v: %v after hardly a block", phase, got)
		}
		l.looks(0, 60, phase, 12, 1000)
		if got := l.heads.blockTime(chain); got < 10*time.Second || got > 14*time.Second {
			t.Errorf("phase %v: %v after a minute", phase, got)
		}
		l.looks(0, 3600, phase, 12, 1000)
		if got := l.heads.blockTime(chain); got < 11900*time.Millisecond || got > 12100*time.Millisecond {
			t.Errorf("phase %v: %v after an hour", phase, got)
		}
	}
	l := newLooks()
	l.looks(0, 2, 0, 0.25, 1000)
	if got := l.heads.blockTime(chain); got != 250*time.Millisecond {
		t.Errorf("%v of a quick chain", got)
	}
	if newLooks().heads.blockTime(chain) != 0 {
		t.Error("known without a look")
	}
}

func TestBlockTimeOfAChainThatChanges(t *testing.T) {
	l := newLooks()
	l.looks(0, 600, 0, 12, 1000)
	l.looks(602, 1200, 0, 1e9, 1050)
	if got := l.heads.blockTime(chain); got < 11*time.Second || got > 13*time.Second {
		t.Errorf("%v after the head stood still", got)
	}
	l.looks(1202, 2400, 0, 4, 1051)
	if got := l.heads.blockTime(chain); got < 3900*time.Millisecond || got > 4100*time.Millisecond {
		t.Errorf("%v after the chain has quickened", got)
	}
	// Of two nodes behind one address, one is two blocks behind.
	for second := 2402.0; second < 3600; second += 2 {
		height := 1351 + int64((second-2402)/4)
		if int(second)%4 == 0 {
			height -= 2
		}
		l.look(second, height)
	}
	if got := l.heads.blockTime(chain); got < 3900*time.Millisecond || got > 4100*time.Millisecond {
		t.Errorf("%v of two nodes", got)
	}
	l.look(3602, 3) // another chain
	if got := l.heads.blockTime(chain); got != 0 {
		t.Errorf("%v of a chain that began anew", got)
	}
}

// proven is a probe that was compared, at a block every 12 seconds.
func proven() looksAt {
	l := newLooks()
	l.looks(0, 120, 0, 12, 1000)
	l.heads.compare(chain, 1010, 5, l.at(121))
	return l
}

// A head stands still when it has for longer than the allowance, unless the servicers were found to stand there as well.
func TestStands(t *testing.T) {
	is := func(l looksAt, want types.ControlFitness, when string) {
		t.Helper()
		if got, why := l.heads.fitness(chain, true); got != want || (why == "") != (want == fitnessFit) {
			t.Errorf("%s: %v, %s", when, got, why)
		}
		if l.heads.wantsHeads(chain) != (want != fitnessFit) {
			t.Errorf("%s: wants heads: %t", when, l.heads.wantsHeads(chain))
		}
	}
	l := proven()
	is(l, fitnessFit, "compared")
	l.looks(122, 204, 0, 1e9, 1010) // of 84 seconds
	is(l, fitnessFit, "within the allowance")
	l.looks(206, 210, 0, 1e9, 1010)
	is(l, fitnessBehind, "stands still")
	l.heads.compare(chain, 1010, 5, l.at(211))
	is(l, fitnessFit, "so do the servicers")
	l.looks(212, 1000, 0, 1e9, 1010)
	is(l, fitnessFit, "and go on to")
	l.heads.compare(chain, 1017, 5, l.at(1001))
	if got, _ := l.heads.fitness(chain, true); got != fitnessBehind {
		t.Errorf("the servicers have gone on: %v", got)
	}
	l.look(1002, 1018)
	l.heads.compare(chain, 1018, 5, l.at(1003))
	is(l, fitnessFit, "it moves again")
	quick := newLooks()
	quick.looks(0, 20, 0, 0.1, 1000)
	quick.heads.compare(chain, 1200, 5, quick.at(20))
	quick.looks(22, 26, 0, 1e9, 1200)
	is(quick, fitnessFit, "a quick chain, for three looks")
	quick.look(28, 1200)
	is(quick, fitnessBehind, "and one more")
	if got, _ := quick.heads.fitness(chain, false); got != fitnessFit {
		t.Errorf("where the probe is not asked for heads: %v", got)
	}
}

// How far the probe is from the servicers is told by what passed between looking and asking them.
func TestCompare(t *testing.T) {
	for name, test := range map[string]struct {
		reference int64
		after     float64
		same      bool
		want      types.ControlFitness
		height    int64
	}{
		"level":                           {1010, 121, false, fitnessFit, 1010},
		"behind by the allowance":         {1016, 120, false, fitnessFit, 1010},
		"behind by more":                  {1017, 120, false, fitnessBehind, 1017},
		"behind by what passed":           {1021, 180, false, fitnessFit, 1010},
		"by more than that":               {1022, 180, false, fitnessBehind, 1022},
		"ahead by the allowance":          {1004, 120, false, fitnessFit, 1010},
		"ahead by more":                   {1003, 120, false, fitnessUnproven, 1003},
		"ahead by more, of the same data": {1003, 120, true, fitnessFit, 1010},
		"far ahead":                       {1, 120, false, fitnessUnproven, 1},
	} {
		l := newLooks()
		l.looks(0, 120, 0, 12, 1000)
		if test.same {
			l.heads.setForeign(chain, false)
		}
		l.heads.compare(chain, test.reference, 5, l.at(test.after))
		if got, why := l.heads.fitness(chain, true); got != test.want {
			t.Errorf("%s: %v, %s", name, got, why)
		}
		if height, known := l.heads.of(chain, l.at(121)); height != test.height || !known {
			t.Errorf("%s: questions below %d, %t", name, height, known)
		}
	}
	l := newLooks()
	l.look(0, 1000)
	l.heads.compare(chain, 2000, 5, l.at(1))
	if got, _ := l.heads.fitness(chain, true); got != fitnessUnproven {
		t.Errorf("one look says how far it is: %v", got)
	}
	// The second look tells, by the pace that it shows.
	for height, want := range map[int64]types.ControlFitness{1000: fitnessBehind, 1008: fitnessBehind, 2002: fitnessFit, 3000: fitnessFit, 1990: fitnessFit} {
		l := newLooks()
		l.look(0, 1000)
		l.heads.compare(chain, 2000, 5, l.at(1))
		l.look(2, height)
		if got, why := l.heads.fitness(chain, true); got != want {
			t.Errorf("at %d: %v, %s", height, got, why)
		}
	}
}

// Data that contradicts makes a probe foreign, whatever else is known of it, until it was found to be the servicers' again.
func TestForeignFirst(t *testing.T) {
	l := proven()
	l.heads.setForeign(chain, true)
	l.heads.compare(chain, 5000, 5, l.at(121))
	if got, why := l.heads.fitness(chain, true); got != fitnessForeign || why == "" {
		t.Errorf("%v, %s", got, why)
	}
	l.heads.setForeign(chain, false)
	if got, _ := l.heads.fitness(chain, true); got != fitnessBehind {
		t.Errorf("%v", got)
	}
	if got, _ := l.heads.fitness("0002", false); got != fitnessFit {
		t.Errorf("of another chain: %v", got)
	}
}

// The servicers' height stands in for the probe's while that is behind, and not for ever.
func TestReferenceGetsOld(t *testing.T) {
	l := proven()
	l.heads.compare(chain, 5000, 5, l.at(121))
	if height, known := l.heads.of(chain, l.at(121).Add(referenceFresh)); height != 5000 || !known {
		t.Errorf("%d, %t", height, known)
	}
	if _, known := l.heads.of(chain, l.at(122).Add(referenceFresh)); known {
		t.Error("an old reference counts")
	}
}

// The comparison of data is due once in so long.
func TestUnwitnessed(t *testing.T) {
	l := newLooks()
	for _, step := range []struct {
		at   float64
		want bool
	}{{0, true}, {1, false}, {59, false}, {60, true}, {61, false}, {500, true}} {
		if got := l.heads.unwitnessed(chain, l.at(step.at)); got != step.want {
			t.Errorf("after %v: %t", step.at, got)
		}
	}
	if !l.heads.unwitnessed("0002", l.at(501)) {
		t.Error("one chain's comparison is another's")
	}
}

// Controls tells of each probe, in the order of their chains; one that nobody has looked at is unproven where its head
// matters.
func TestControls(t *testing.T) {
	n := newNetwork()
	n.catalogues["0003"], n.catalogues["0002"] = foreignChain(nil, nil).catalogues[chain], fewQuestions("a")
	made := n.fisherman(t)
	made.relayHeads.chain("0003").note(seenHead{height: 77, at: time.Now()})
	states := made.Controls()
	if len(states) != 3 || states[0].RelayChain != chain || states[1].RelayChain != "0002" || states[2].RelayChain != "0003" {
		t.Fatalf("%+v", states)
	}
	if states[0].Fitness != fitnessFit || states[1].Fitness != fitnessFit || states[2].Fitness != fitnessUnproven || states[2].Head != 77 || states[2].Why == "" {
		t.Errorf("%+v", states)
	}
}
