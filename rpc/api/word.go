package api

import "strings"

// WordOf returns a label of an enum in lower case, as the keys that end in _word have it.
func WordOf[Label ~string](label Label) Word { return strings.ToLower(string(label)) }

// OptionalWord is WordOf of a label that there may be none of.
func OptionalWord[Label ~string](label *Label) *Word {
	if label == nil {
		return nil
	}
	return new(WordOf(*label))
}

// AddWords fills the keys that end in _word of a sample.
func (s *Sample) AddWords() {
	s.OutcomeWord, s.BlameWord, s.ConsistencyWord = WordOf(s.Outcome), OptionalWord(s.Blame), OptionalWord(s.Consistency)
	s.AttemptWord, s.TimingWord, s.AnswerWord = OptionalWord(s.Attempt), OptionalWord(s.Timing), OptionalWord(s.Answer)
	s.RelayErrorWord = OptionalWord(s.RelayError)
}

// AddWords fills the keys that end in _word of a round; those of its samples are its samples' own.
func (r *Round) AddWords() {
	r.StatusWord, r.CauseWord, r.KindWord, r.FormWord = WordOf(r.Status), OptionalWord(r.Cause), WordOf(r.Kind), WordOf(r.Form)
}

// Counts returns the same counts by words in lower case.
func (o Outcomes) Counts() OutcomeCounts {
	counts := make(OutcomeCounts, len(o))
	for label, n := range o {
		counts[WordOf(label)] += n
	}
	return counts
}
