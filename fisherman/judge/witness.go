package judge

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// empty returns the canonical forms of data that says nothing of a chain: nodes that have forgotten agree on it, and so do
// nodes of any chains.
func empty() []string { return []string{"[]", "{}", `""`, `"0x"`, `"0x0"`} }

// Agreed returns the digest that a strict majority of a check's servicers agree on, of data that no other chain has; nil
// when there is none.
func Agreed(o *Observation, record *types.QoSRound) []byte {
	if !o.Question.Unique {
		return nil
	}
	for _, sample := range record.GetSamples() {
		if sample.GetConsistency() == types.Consistency_CONSISTENCY_AGREE && sample.GetAnswer() == types.AnswerClass_ANSWER_CLASS_VALUE &&
			!slices.ContainsFunc(empty(), func(form string) bool {
				digest := sha256.Sum256([]byte(form))
				return bytes.Equal(digest[:], sample.GetAnswerDigest())
			}) {
			return sample.GetAnswerDigest()
		}
	}
	return nil
}

// Witness reports whether the control probe gave the same data as the servicers agree on. It is not known when the probe
// gave none: it may have forgotten the block, which makes it no node of another chain.
func Witness(o *Observation, rules *Rules, control *Control, agreed []byte) (same, known bool) {
	if control.Err != nil {
		return false, false
	}
	said := verify.ReadAnswer(o.Question.Payload, control.Status, control.Payload, o.Question.Form, rules.Ignored...)
	return bytes.Equal(said.Digest[:], agreed), said.Class == verify.Value
}
