package judge

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// model is a check as the design says that it is to be judged ("What counts as an answer", "the control is a witness"),
// written to be right rather than short or quick, and without any of the judge's code.
type model struct {
	scene
	origins []string // of the servicers
	voters  []string // of the servicers: the operator that all of one origin declare, or the origin
	// some: somebody has data that is not empty, so that empty data says that there is nothing.
	some bool
}

func modelOf(s scene) *model {
	m := &model{scene: s}
	for i := range len(s.answers) {
		if s.origins == "" {
			m.origins = append(m.origins, string(rune(i)))
		} else {
			m.origins = append(m.origins, s.origins[i:i+1])
		}
		m.some = m.some || among(s.answers[i], hasData)
	}
	for i, origin := range m.origins {
		m.voters = append(m.voters, "origin "+origin)
		if s.operators == "" || s.operators[i] == '.' {
			continue
		}
		alone := true
		for k := range s.operators {
			alone = alone && (m.origins[k] != origin || s.operators[k] == s.operators[i])
		}
		if alone {
			m.voters[i] = "operator " + s.operators[i:i+1]
		}
	}
	return m
}

// voices are the voters of origins that a filter lets through, for an answer and against it.
func (m *model) voices(origins map[string]bool, speaksFor func(origin string) bool) (pro, con int) {
	pros, cons := make(map[string]bool), make(map[string]bool)
	for i, origin := range m.origins {
		switch {
		case !origins[origin]:
		case speaksFor(origin):
			pros[m.voters[i]] = true
		default:
			cons[m.voters[i]] = true
		}
	}
	return len(pros), len(cons)
}

func (m *model) isData(letter byte) bool {
	return among(letter, hasData) || among(letter, "[{") && !m.some
}

// says returns what a letter says that there is instead of data; "" for data and for what says nothing of that.
func (m *model) says(letter byte) string {
	switch {
	case among(letter, "0n"):
		return "absence"
	case among(letter, "EF"), letter == '!' && m.admits('!'), among(letter, "[{") && m.some:
		return string(letter)
	}
	return ""
}

// parties are the origins that say something, each with the set of what its servicers say: "data" or a nothing.
func (m *model) parties() map[string]map[string]bool {
	parties := make(map[string]map[string]bool)
	for i := range len(m.answers) {
		said := m.says(m.answers[i])
		if m.isData(m.answers[i]) {
			said = "data"
		}
		if said == "" {
			continue
		}
		if parties[m.origins[i]] == nil {
			parties[m.origins[i]] = make(map[string]bool)
		}
		parties[m.origins[i]][said] = true
	}
	return parties
}

// mostSay reports whether more voters say one thing with an origin that says nothing else than say otherwise.
func (m *model) mostSay(what string) bool {
	parties, origins := m.parties(), make(map[string]bool)
	for origin := range parties {
		origins[origin] = true
	}
	pro, con := m.voices(origins, func(origin string) bool { return len(parties[origin]) == 1 && parties[origin][what] })
	return pro > con
}

// truth of a check.
type truth struct {
	// cause of a check that is void.
	cause types.Cause
	// agreed is the nothing that is the answer; "" when data is.
	agreed string
	// empty data is missed data: the control probe has more.
	emptyIsMissing bool
	// excused: what nodes say of the question is nobody's fault, since nobody contradicts them.
	excused bool
}

// decide finds the truth.
func (m *model) decide() truth {
	anyData, anyNothing := false, false
	for i := range len(m.answers) {
		anyData = anyData || m.isData(m.answers[i])
		anyNothing = anyNothing || m.says(m.answers[i]) != ""
	}
	switch {
	case !anyData:
		cause, excused := m.nobody()
		return truth{cause: cause, excused: excused}
	case !anyNothing || m.mostSay("data"):
		return truth{}
	case m.control == "" || among(m.control[0], "~#"):
		return truth{cause: contested}
	case strings.HasSuffix(m.control, "-"):
		return truth{cause: controlUnfit}
	case m.isData(m.control[0]):
		return truth{emptyIsMissing: m.some}
	case m.says(m.control[0]) != "" && m.mostSay(m.says(m.control[0])) && m.admits(m.control[0]):
		return truth{agreed: m.says(m.control[0])}
	}
	return truth{cause: contested}
}

// nobody decides about a check in which no servicer has data, and whether nodes are excused.
func (m *model) nobody() (types.Cause, bool) {
	cause, silent := m.nobodyButProbe()
	anything, away, word := false, false, false
	for i := range len(m.answers) {
		anything = anything || !among(m.answers[i], "~T")
		away = away || among(m.answers[i], "~R?")
		word = word || !among(m.answers[i], "~R?T") && !(m.answers[i] == '#' && m.largeAnswer())
	}
	if !m.direct || !silent || !anything {
		return cause, false
	}
	if !away && word {
		return noData, false
	}
	return causeNone, true
}

// nobodyButProbe decides about it where the probe alone can show that our network is sound, and reports whether it lacks
// the probe.
func (m *model) nobodyButProbe() (cause types.Cause, silent bool) {
	everyTooLarge, anyTooLarge, anyNode, anyNull := true, false, false, false
	for i := range len(m.answers) {
		free := m.answers[i] == '#' && m.largeAnswer()
		anyTooLarge = anyTooLarge || free
		everyTooLarge = everyTooLarge && free
		anyNode = anyNode || !free && !among(m.answers[i], "~?RT")
		anyNull = anyNull || !free && m.answers[i] != 'T'
	}
	switch {
	case everyTooLarge && anyTooLarge:
		return tooLarge, false
	case len(m.answers) == 0:
		return noSample, false
	case !anyNull:
		return causeNone, false
	case m.control == "":
		return noProbe, true
	case m.control[0] == '#':
		return tooLarge, false
	case m.control[0] == '~':
		return offline, true
	case among(m.control[0], "[{"+hasData):
		if strings.HasSuffix(m.control, "-") && anyNode {
			return controlUnfit, false
		}
		return causeNone, false
	case m.says(m.control[0]) != "":
		return noData, false
	}
	return offline, false
}

// largeAnswer reports whether the answer is so large that it may not fit: the control probe's is, or those of at least
// half of the origins that have any.
func (m *model) largeAnswer() bool {
	if m.control != "" && among(m.control[0], "B#") {
		return true
	}
	origins, large := make(map[string]bool), make(map[string]bool)
	for i := range len(m.answers) {
		if among(m.answers[i], "[{"+hasData) {
			origins[m.origins[i]] = true
			large[m.origins[i]] = large[m.origins[i]] || m.answers[i] == 'B'
		}
	}
	pro, con := m.voices(origins, func(origin string) bool { return large[origin] })
	return pro > 0 && pro >= con
}

// verdicts of all servicers, and the cause of a void check.
func (m *model) verdicts() (string, types.Cause) {
	truth := m.decide()
	if truth.cause != causeNone {
		return strings.Map(func(letter rune) rune { // who is throttled stays so
			if letter == 'T' {
				return 'z'
			}
			return 'v'
		}, m.answers), truth.cause
	}
	verdicts := make([]byte, len(m.answers))
	votes := make(map[string]map[string]bool) // by origin, what it says is the answer
	answer := func(i int) string {
		if among(m.answers[i], "0n") {
			return "absence"
		}
		return string(m.answers[i])
	}
	for i := range len(m.answers) {
		letter := m.answers[i]
		switch said := m.says(letter); {
		case among(letter, "~R"):
			verdicts[i] = 'c'
		case letter == 'T':
			verdicts[i] = 'z'
		case letter == '?':
			verdicts[i] = 'x'
		case letter == '#' && m.largeAnswer():
			verdicts[i] = 'v'
		case truth.excused && (among(letter, "!#") || said != ""):
			verdicts[i] = 'w'
		case letter == '#':
			verdicts[i] = 'r'
		case said != "" && said == truth.agreed:
			verdicts[i] = 't'
		case said == "absence", among(letter, "[{") && truth.emptyIsMissing:
			verdicts[i] = 'm'
		case among(letter, "EF!"):
			verdicts[i] = 'f'
		default:
			verdicts[i] = 'a'
		}
		if among(verdicts[i], "at") {
			if votes[m.origins[i]] == nil {
				votes[m.origins[i]] = make(map[string]bool)
			}
			votes[m.origins[i]][answer(i)] = true
		}
	}
	majority, decidable := m.majority(votes)
	for i, verdict := range verdicts {
		switch {
		case !among(verdict, "at"):
		case !decidable && verdict == 't':
			verdicts[i] = 'y'
		case !decidable:
			verdicts[i] = 'u'
		case answer(i) != majority:
			verdicts[i] = 'd'
		}
	}
	return string(verdicts), causeNone
}

// majority is the answer that more voters give than do not, of at least a quorum; origins that contradict themselves are
// left out.
func (m *model) majority(votes map[string]map[string]bool) (string, bool) {
	origins, answers := make(map[string]bool), make(map[string]bool)
	for origin, given := range votes {
		for answer := range given {
			origins[origin] = len(given) == 1
			answers[answer] = true
		}
	}
	if voters, _ := m.voices(origins, func(string) bool { return true }); voters < m.quorum {
		return "", false
	}
	for answer := range answers {
		if pro, con := m.voices(origins, func(origin string) bool { return votes[origin][answer] }); pro > con {
			return answer, true
		}
	}
	return "", false
}

// drawScene draws a check of few answers, many of them alike, from few origins.
func drawScene(t *rapid.T) scene {
	some := rapid.SliceOfN(rapid.SampledFrom([]byte(letters)), 1, 4).Draw(t, "letters")
	s := scene{
		answers: string(rapid.SliceOfN(rapid.SampledFrom(some), 0, 7).Draw(t, "answers")),
		nothing: rapid.Bool().Draw(t, "nothing"),
		errors:  rapid.SampledFrom([][]int64{nil, {slotSkipped}, {slotSkipped, reverted}, {-32001, -32603}}).Draw(t, "errors"),
		quorum:  rapid.IntRange(1, 3).Draw(t, "quorum"),
		direct:  rapid.Bool().Draw(t, "direct"),
	}
	s.origins = string(rapid.SliceOfN(rapid.SampledFrom([]byte("abcde")), len(s.answers), len(s.answers)).Draw(t, "origins"))
	if rapid.Bool().Draw(t, "own origins") {
		s.origins = ""
	}
	if rapid.Bool().Draw(t, "operators declared") {
		s.operators = string(rapid.SliceOfN(rapid.SampledFrom([]byte("..opa")), len(s.answers), len(s.answers)).Draw(t, "operators"))
	}
	s.control = drawControl(t, some)
	return s
}

// drawControl draws no control probe, one that says what a servicer says, or any.
func drawControl(t *rapid.T, some []byte) string {
	control := rapid.SampledFrom(append([]byte(" "+letters), some...)).Draw(t, "control")
	return strings.TrimSpace(string(control)) + map[bool]string{true: "-"}[control != ' ' && rapid.IntRange(0, 3).Draw(t, "unfit") == 0]
}

// isAsModelled checks a scene against the model.
func isAsModelled(t testing.TB, s scene) {
	t.Helper()
	verdicts, cause := s.judged(t)
	if want, wantCause := modelOf(s).verdicts(); verdicts != want || cause != wantCause {
		t.Errorf("%+v: %s of %v, by the model %s of %v", s, verdicts, cause, want, wantCause)
	}
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) { isAsModelled(fatal{t, r}, drawScene(r)) })
}

// fatal reports to rapid what a helper for tests reports.
type fatal struct {
	testing.TB
	t *rapid.T
}

func (f fatal) Errorf(format string, args ...any) { f.t.Fatalf(format, args...) }

// FuzzModel is TestModel, for a fuzzer to find the way through.
func FuzzModel(f *testing.F) {
	f.Add([]byte("V00"), []byte(""), []byte("V"), uint8(0))
	f.Add([]byte("EEV"), []byte(""), []byte("E"), uint8(2))
	f.Add([]byte("EEVE"), []byte("abcc"), []byte("E"), uint8(2))
	f.Add([]byte("[[L"), []byte(""), []byte("["), uint8(0))
	f.Add([]byte("VVB#"), []byte(""), []byte(""), uint8(0))
	f.Add([]byte("##~"), []byte("aab"), []byte("B-"), uint8(1))
	f.Add([]byte("!RT"), []byte(""), []byte(""), uint8(8))
	f.Add([]byte("0E~"), []byte(""), []byte("~"), uint8(8))
	f.Add([]byte("VVWWW"), []byte("abcdb"), []byte("W"), uint8(128))
	f.Fuzz(func(t *testing.T, answers, origins, control []byte, flags uint8) {
		if len(answers) > 8 {
			return
		}
		s := scene{nothing: flags&1 != 0, quorum: 1 + int(flags>>4)%3, direct: flags&8 != 0}
		s.errors = [][]int64{nil, {slotSkipped}, {slotSkipped, reverted}, {-32001, -32603}}[flags>>1&3]
		for i, choice := range answers {
			s.answers += string(letterOf(choice))
			if len(origins) > 0 {
				s.origins += string(rune('a' + origins[i%len(origins)]%6))
			}
			if flags>>7 != 0 {
				s.operators += string("..opa"[choice%5])
			}
		}
		if len(control) > 0 {
			s.control = string(letterOf(control[0])) + map[bool]string{true: "-"}[len(control) > 1]
		}
		isAsModelled(t, s)
	})
}

// letterOf is a letter of an answer: itself, or any.
func letterOf(choice byte) byte {
	if among(choice, letters) {
		return choice
	}
	return letters[int(choice)%len(letters)]
}
