package evidence

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// Step is one thing that was checked of a piece.
type Step struct {
	// Subject is whose: "piece", or a target's name.
	Subject string `json:"subject"`
	// Claim is what has to hold.
	Claim string `json:"claim"`
	// OK reports whether it holds; otherwise Detail says what is wrong.
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// DoesNotProve is what follows from a piece of which every step holds.
const DoesNotProve = "It proves nothing: the targets sign nothing, so anybody could have written it. It does not contradict " +
	"itself, and shows what the fisherman that it is from says that it received."

// Verify checks whether a piece contradicts itself, and says every step. One of which every step holds proves nothing all
// the same.
func Verify(piece api.Evidence) (steps []Step, ok bool) {
	v := &verifier{piece: piece}
	v.statement()
	for i := range piece.Sides {
		v.side(&piece.Sides[i])
	}
	v.say(whole, "there is a target on each side, each once", v.sides())
	v.say(whole, "the majority gave one answer, and nobody who disagrees gave it", v.majority())
	return v.steps, !slices.ContainsFunc(v.steps, func(s Step) bool { return !s.OK })
}

// whole is the subject of what the piece itself says.
const whole = "piece"

type verifier struct {
	piece api.Evidence
	steps []Step
}

// say notes a step; a nil error is a step that holds.
func (v *verifier) say(subject, claim string, err error) {
	step := Step{Subject: subject, Claim: claim, OK: err == nil}
	if err != nil {
		step.Detail = short(err.Error())
	}
	v.steps = append(v.steps, step)
}

// statement checks what the piece says of itself.
func (v *verifier) statement() {
	v.say(whole, "the piece is unsigned, says so, and names no key", v.unsigned())
	_, known := verify.FormOf(v.piece.Rule)
	_, err := types.ParsePointers(v.piece.IgnoredFields)
	if !known {
		err = fmt.Errorf("the rule is %q; this program knows %q", short(v.piece.Rule), verify.Rule)
	}
	v.say(whole, "the rule of canonicalisation is known", err)
}

func (v *verifier) unsigned() error {
	switch {
	case v.piece.Proof != api.EvidenceProofUnsigned || v.piece.Note != Note:
		return errors.New("it does not say so in the words that this program writes")
	case v.piece.Signature != "" || v.piece.Fisherman != (api.EvidenceParty{}):
		return errors.New("it has a signature or a signer, which are not checked")
	case slices.ContainsFunc(v.piece.Sides, func(s api.EvidenceSide) bool { return s.Servicer.PublicKey != "" }):
		return errors.New("a target has a key")
	}
	return nil
}

// side checks what is kept of one target's answer.
func (v *verifier) side(given *api.EvidenceSide) {
	subject := short(given.Servicer.Address)
	v.say(subject, "the question is that of the piece", same("the question", asText(given.RequestEnvelope), v.piece.Request))
	v.say(subject, "the answer is what is kept of it", same("the answer", asText(given.ResponseEnvelope), given.Answer))
	v.say(subject, "the digest is that of the answer's canonical form", v.digest(given))
	vote := api.EvidenceVote{Servicer: given.Servicer.Address, Consistency: given.Consistency, Digest: given.Digest}
	var err error
	if !slices.ContainsFunc(v.piece.Votes, func(other api.EvidenceVote) bool {
		other.ServiceURL = ""
		return other == vote
	}) {
		err = errors.New("there is no such vote")
	}
	v.say(subject, "the target is among the votes, with this answer", err)
}

// digest takes an answer's digest anew. The HTTP status is not kept: that with which the digest follows from the answer is
// the one that it had.
func (v *verifier) digest(given *api.EvidenceSide) error {
	question := verify.QuestionOf(given.RequestEnvelope)
	form, _ := verify.FormOf(v.piece.Rule)
	ignored, _ := types.ParsePointers(v.piece.IgnoredFields) // statement says what is wrong with it
	for _, status := range statuses(question) {
		digest := verify.ReadAnswer(question, status, given.ResponseEnvelope, form, ignored...).Digest
		if digest != (verify.Digest{}) && hex.EncodeToString(digest[:]) == given.Digest {
			return nil
		}
	}
	return errors.New("the digest of the answer is another than the piece says")
}

// statuses are the HTTP statuses that an answer with a digest can have had, success first. That of a JSON-RPC answer need
// not be known.
func statuses(question types.Payload) []uint32 {
	if question.REST == nil {
		return []uint32{0}
	}
	const success, firstError, errorsEnd = 200, 400, 600
	all := []uint32{success}
	for status := uint32(firstError); status < errorsEnd; status++ {
		all = append(all, status)
	}
	return all
}

// sides checks that both sides are there.
func (v *verifier) sides() error {
	seen, sides := make(map[string]bool), make(map[api.Agreement]bool)
	for _, given := range v.piece.Sides {
		if seen[given.Servicer.Address] {
			return errors.New("a target is there twice")
		}
		seen[given.Servicer.Address], sides[given.Consistency] = true, true
	}
	if len(sides) != 2 || !sides[api.AgreementAgree] || !sides[api.AgreementDisagree] {
		return errors.New("one side is missing")
	}
	return nil
}

// majority checks the votes against one another.
func (v *verifier) majority() error {
	majority, seen := "", make(map[string]bool)
	for _, vote := range v.piece.Votes {
		if seen[vote.Servicer] {
			return errors.New("a target has two votes")
		}
		seen[vote.Servicer] = true
		if vote.Consistency != api.AgreementAgree {
			continue
		}
		if majority != "" && vote.Digest != majority {
			return errors.New("the majority has two answers")
		}
		majority = vote.Digest
	}
	if majority == "" {
		return errors.New("there is no majority")
	}
	for _, vote := range v.piece.Votes {
		if vote.Consistency != api.AgreementAgree && vote.Digest == majority {
			return errors.New("an answer of a dissenter is that of the majority")
		}
	}
	return nil
}

// same compares what is kept with what the piece says.
func same(what, got, want string) error {
	if got != want {
		return fmt.Errorf("%s is another than the piece says", what)
	}
	return nil
}

// short is a stranger's text as a message shows it.
func short(given string) string { return text.Line(given, 160) }
