package judge

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// rank orders verdicts: what agrees with a majority, what nobody can decide about, what counts for nobody, what speaks
// against its servicer.
func rank(verdict byte) int {
	switch {
	case among(verdict, "at"):
		return 3
	case among(verdict, "uy"):
		return 2
	case among(verdict, "vwz"):
		return 1
	}
	return 0
}

// blamed reports whether a verdict speaks against a servicer.
func blamed(verdict byte) bool { return rank(verdict) == 0 }

// drawOthers draws what servicers say that are free to say anything, each behind one of so many origins beside those of
// the honest ones. Honest letters are among what they say.
func drawOthers(t *rapid.T, origins int, honest byte) (answers, from string) {
	some := append(rapid.SliceOfN(rapid.SampledFrom([]byte(letters)), 1, 4).Draw(t, "lies"), honest)
	count := 0
	if origins > 0 {
		count = rapid.IntRange(origins, origins+2).Draw(t, "liars")
	}
	for i := range count {
		answers += string(rapid.SampledFrom(some).Draw(t, "lie"))
		from += string(rune('p' + i%max(1, origins)))
	}
	return answers, from
}

// drawHonest draws a check in which a strict majority of the origins is honest and says one thing. The honest servicers
// come first.
func drawHonest(t *rapid.T, says byte) (s scene, honest int) {
	origins := rapid.IntRange(1, 4).Draw(t, "honest origins")
	honest = origins + rapid.IntRange(0, 2).Draw(t, "more of one origin")
	for i := range honest {
		s.answers += string(says)
		s.origins += string(rune('a' + i%origins))
	}
	others, from := drawOthers(t, rapid.IntRange(0, origins-1).Draw(t, "other origins"), says)
	s.answers, s.origins = s.answers+others, s.origins+from
	if rapid.Bool().Draw(t, "operators declared") {
		// Each honest origin is an operator of its own, and others may declare to belong to it.
		s.operators = s.origins[:honest]
		for range len(others) {
			s.operators += string(rapid.SampledFrom([]byte(".z"+s.origins[:honest])).Draw(t, "operator"))
		}
	}
	s.nothing = rapid.Bool().Draw(t, "nothing")
	s.errors = rapid.SampledFrom([][]int64{nil, {slotSkipped}, {slotSkipped, reverted, -32001, -32603}}).Draw(t, "errors")
	s.quorum = rapid.IntRange(1, 2).Draw(t, "quorum")
	return s, honest
}

// An honest strict majority of the origins with data is never blamed, and its check is never void, whatever the others
// and the control probe say (ADR 0032). Data is what is not empty: an empty list may miss what others have.
func TestHonestMajorityIsNeverBlamed(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s, honest := drawHonest(r, rapid.SampledFrom([]byte(hasData)).Draw(r, "truth"))
		s.control = drawControl(r, []byte("0E"))
		verdicts, cause := s.judged(fatal{t, r})
		want := "a"
		if slices.Max([]byte(s.origins[:honest])) == 'a' && s.quorum > 1 {
			want = "u" // one origin, so nobody else is there
		}
		if cause != causeNone || verdicts[:honest] != strings.Repeat(want, honest) {
			r.Errorf("%+v: %s of %v", s, verdicts, cause)
		}
	})
}

// Nobody has an answer without data, unless a strict majority of the origins says that there is nothing, a fit control
// probe says the same, and the catalogue admits it. A check in which nobody has data has no answer at all.
func TestNoAnswerWithoutData(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := drawScene(r)
		verdicts, _ := s.judged(fatal{t, r})
		m := modelOf(s)
		for i := range len(verdicts) {
			if rank(verdicts[i]) < 2 && verdicts[i] != 'd' || m.isData(s.answers[i]) {
				continue
			}
			said := m.says(s.answers[i])
			agreed := said != "" && m.mostSay(said) && len(s.control) == 1 && m.says(s.control[0]) == said && s.admits(s.control[0])
			empty := among(s.answers[i], "[{") // which contradicts what most have, or what is agreed on
			if !agreed && !empty {
				r.Errorf("%+v: %s", s, verdicts)
			}
			if !strings.ContainsAny(s.answers, hasData+"[{") {
				r.Errorf("%+v: %s, though nobody has data", s, verdicts)
			}
		}
	})
}

// Against an honest strict majority, no lie does better than the truth, and none changes what becomes of another servicer.
func TestLiesNeverHelp(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		truth := rapid.SampledFrom([]byte(hasData)).Draw(r, "truth")
		s, honest := drawHonest(r, truth)
		s.control = drawControl(r, []byte{truth})
		if honest == len(s.answers) {
			return
		}
		liar := rapid.IntRange(honest, len(s.answers)-1).Draw(r, "liar")
		before, _ := s.judged(fatal{t, r})
		lies := s
		lies.answers = s.answers[:liar] + string(rapid.SampledFrom([]byte(letters)).Draw(r, "lie")) + s.answers[liar+1:]
		after, _ := lies.judged(fatal{t, r})
		if s.answers[liar] == truth && rank(after[liar]) > rank(before[liar]) {
			r.Errorf("%+v: %s, with a lie %s: %s", s, before, lies.answers, after)
		}
		for i := range len(before) {
			if i != liar && blamed(before[i]) != blamed(after[i]) {
				r.Errorf("%+v: %s, with a lie %s: %s", s, before, lies.answers, after)
			}
		}
	})
}

// Where the truth is that there is nothing, which a strict majority of the origins says, no inventor does better than they
// do: whether the control probe says the same or is silent, fails, is unfit or was not asked, and whether the catalogue
// knows it or not. They are blamed by the word of a fit control probe that has data, and by nothing else.
func TestInventorsNeverDoBetter(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		truth := rapid.SampledFrom([]byte(saysNothing+"[")).Draw(r, "truth")
		s, honest := drawHonest(r, truth)
		s.control = rapid.SampledFrom([]string{"", "~", "!", "?", string(truth), string(truth) + "-", "V-", "0", "E"}).Draw(r, "control")
		if among(truth, "0E[") && s.control == map[byte]string{'0': "E", 'E': "0", '[': "0"}[truth] {
			return // a control probe that lies
		}
		verdicts, _ := s.judged(fatal{t, r})
		for i := range len(verdicts) {
			if blamed(verdicts[i]) && i < honest {
				r.Errorf("%+v: %s", s, verdicts)
			}
			if among(s.answers[i], hasData) && rank(verdicts[i]) > rank(verdicts[0]) {
				r.Errorf("%+v: %s", s, verdicts)
			}
		}
	})
}

// What only a fit control probe can tell is held against nobody without one: that something is missed which no strict
// majority of the origins has. Failures are: a node that fails says so itself, as long as somebody answers.
func TestOnlyAFitControlProbeTells(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := drawScene(r)
		if s.control != "" && !strings.HasSuffix(s.control, "-") && (!among(s.control[0], "~!?") || s.admits(s.control[0])) {
			return
		}
		verdicts, _ := s.judged(fatal{t, r})
		m := modelOf(s)
		for i := range len(verdicts) {
			if blamed(verdicts[i]) && m.says(s.answers[i]) != "" && !among(s.answers[i], "[{") && !m.mostSay("data") {
				r.Errorf("%+v: %s", s, verdicts)
			}
		}
	})
}

// Each way that a minority of the origins could think of to have a check void in which a strict majority has data, so
// that its own nulls count for nobody (ADR 0032).
func TestMinorityVoidsNothing(t *testing.T) {
	for name, test := range map[string]struct {
		liars, origins string
		want           string
	}{
		"they say null":                        {"00", "xy", "mm"},
		"they say not found":                   {"nn", "xy", "mm"},
		"they err alike":                       {"EE", "xy", "ff"},
		"they err differently":                 {"EF", "xy", "ff"},
		"they fail":                            {"!!", "xy", "ff"},
		"they say too large":                   {"##", "xy", "rr"},
		"one says too large, one makes it up":  {"#B", "xy", "rd"},
		"of one origin":                        {"#BBB", "xyyy", "rddd"},
		"many servicers of an origin":          {"000000", "xxxyyy", "mmmmmm"},
		"they contradict themselves":           {"0W0W", "xxyy", "mdmd"},
		"null and data, and another null":      {"0WE", "xxy", "mdf"},
		"they say that it is empty":            {"[[", "xy", "dd"},
		"garbage":                              {"??", "xy", "xx"},
		"they are not there":                   {"~~", "xy", "cc"},
		"they invent, each for itself":         {"WX", "xy", "dd"},
		"they agree on a lie":                  {"WW", "xy", "dd"},
		"they say null behind the honest ones": {"00", "ab", "mm"},
	} {
		for _, control := range []string{"", "~", "V", "V-", "0", "E", "0-", "#", "B", "!", "W"} {
			s := scene{answers: "VVV" + test.liars, origins: "abc" + test.origins, control: control, nothing: true, errors: []int64{slotSkipped, reverted}}
			want := "aaa" + test.want
			if test.origins == "ab" {
				s.answers, s.origins, want = "VVVV00", "abcdab", "aaaamm"
				if control == "" || control == "~" || control == "V-" || control[0] == '0' || among(control[0], "E!#") {
					continue // two of four origins contradict themselves, which is no minority
				}
			}
			if (control == "#" || control == "B") && strings.Contains(test.liars, "#") {
				continue // a control probe is asked only when it would decide, so it is not about this check
			}
			if verdicts, cause := s.judged(t); verdicts != want || cause != causeNone {
				t.Errorf("%s, control %q: %s of %v, want %s", name, control, verdicts, cause, want)
			}
		}
	}
}

// A servicer's own slowness is its time-out, never a void, in a check that others answer.
func TestSlowAnswersAreNoVoids(t *testing.T) {
	slow := fails("slow", outcomeTimeout, blamesServicer)
	for _, kind := range []types.RoundKind{types.RoundKind_ROUND_KIND_SETTLED, types.RoundKind_ROUND_KIND_HEAD, types.RoundKind_ROUND_KIND_TIP} {
		o := check(claims("a", 100), claims("b", 100), slow)
		ask(o, kind, 100)
		record := judged(t, o, rules())
		isDone(t, kind.String(), record)
		if sample := sampleOf(t, record, "slow"); sample.GetOutcome() != outcomeTimeout || sample.GetBlame() != blamesServicer || sample.Lag != nil {
			t.Errorf("%v: %v", kind, sample)
		}
	}
}
