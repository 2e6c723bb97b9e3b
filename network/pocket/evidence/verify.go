package evidence

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// Step is one thing that was checked of a piece.
type Step struct {
	// Subject is whose: "piece", or a servicer's address.
	Subject string `json:"subject"`
	// Claim is what has to hold.
	Claim string `json:"claim"`
	// OK reports whether it holds; otherwise Detail says what is wrong.
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// Proves and DoesNotProve are what follows from a piece of which every step holds.
const (
	Proves = "Each of these servicers signed its answer to the same question of the same fisherman, and the answers differ."

	DoesNotProve = "It does not prove which of them is wrong: a minority is not a lie by itself. That there was a majority, the times, " +
		"the place of the check in the session and the servicers without an envelope are the fisherman's word, which it signed. " +
		"Whether these addresses are staked and in the session is for the chain to say."
)

// Verify checks a piece from its own signatures, and says every step. A step whose ground is missing fails too.
func Verify(piece api.Evidence) (steps []Step, ok bool) {
	v := &verifier{piece: piece}
	v.statement()
	var opened []*side
	for i := range piece.Sides {
		opened = append(opened, v.side(&piece.Sides[i]))
	}
	v.together(opened)
	return v.steps, !slices.ContainsFunc(v.steps, func(s Step) bool { return !s.OK })
}

type verifier struct {
	piece api.Evidence
	steps []Step
}

// say notes a step; a nil error is a step that holds.
func (v *verifier) say(subject, claim string, err error) bool {
	step := Step{Subject: subject, Claim: claim, OK: err == nil}
	if err != nil {
		step.Detail = short(err.Error())
	}
	v.steps = append(v.steps, step)
	return step.OK
}

// statement checks what the fisherman says in its own name.
func (v *verifier) statement() {
	const subject = "piece"
	key, err := partyKey(v.piece.Fisherman)
	if !v.say(subject, "the fisherman's address is that of its public key", err) {
		return
	}
	text, err := signed(v.piece)
	signature, wrong := hex.DecodeString(v.piece.Signature)
	if err = errors.Join(err, wrong); err == nil && !crypto.Verify(key, crypto.DomainEvidence, text, signature) {
		err = errors.New("the signature does not fit")
	}
	v.say(subject, "the fisherman signed the piece: check, times, votes, rule and ignored fields", err)
	_, err = v.rule()
	v.say(subject, "the rule of canonicalisation is known", err)
}

// rule is what digests are taken by.
func (v *verifier) rule() ([]types.Pointer, error) {
	if _, known := verify.FormOf(v.piece.Rule); !known {
		return nil, fmt.Errorf("the rule is %q; this program knows %q", short(v.piece.Rule), verify.Rule)
	}
	return types.ParsePointers(v.piece.IgnoredFields)
}

// side is what was found of one servicer's envelopes.
type side struct {
	question []byte
	digest   verify.Digest
	// agrees with the majority, by the fisherman's word.
	agrees bool
}

// side checks one servicer's envelopes; nil when they prove nothing.
func (v *verifier) side(given *api.EvidenceSide) *side {
	subject := short(given.Servicer.Address)
	key, err := partyKey(given.Servicer)
	if !v.say(subject, "the servicer's address is that of its public key", err) {
		return nil
	}
	request, err := relay.OpenRequest(given.RequestEnvelope)
	if !v.say(subject, "the request is well-formed", err) {
		return nil
	}
	v.say(subject, "the request is signed by the fisherman", v.asked(request))
	v.say(subject, "the request is addressed to this servicer, in this session", v.addressed(request, given))
	payload := verify.QuestionText(types.PayloadOf(request.Request))
	v.say(subject, "the request asks the question of the piece", same("the payload of the request", asText(payload), v.piece.Request))
	response, err := relay.OpenResponse(given.ResponseEnvelope, relay.Binding{
		RequestHash: request.BodyHash, Servicer: given.Servicer.Address, PublicKey: key})
	if !v.signed(subject, err) {
		return nil
	}
	v.say(subject, "the answer shown is that of the response", same("the payload of the response", asText(response.GetPayload()), given.Answer))
	ignored, err := v.rule()
	if err != nil {
		return nil
	}
	form, _ := verify.FormOf(v.piece.Rule)
	reading := verify.ReadAnswer(types.PayloadOf(request.Request), response.GetUpstreamStatus(), response.GetPayload(), form, ignored...)
	digest := reading.Digest
	if err = reading.Err; digest != (verify.Digest{}) { // an error that is agreed on has one too
		err = same("the digest of the answer", hex.EncodeToString(digest[:]), given.Digest)
	}
	v.say(subject, "the digest is that of the answer's canonical form", err)
	v.say(subject, "the servicer is among the votes, with this answer", v.voted(given))
	if given.Consistency != api.AgreementAgree && given.Consistency != api.AgreementDisagree {
		return nil
	}
	return &side{question: payload, digest: digest, agrees: given.Consistency == api.AgreementAgree}
}

// asked checks who made a request.
func (v *verifier) asked(request *relay.OpenedRequest) error {
	if err := same("the signer of the request", hex.EncodeToString(request.Signature.GetPublicKey()), v.piece.Fisherman.PublicKey); err != nil {
		return err
	}
	if !request.VerifySignature() {
		return errors.New("the signature does not fit")
	}
	return nil
}

// addressed checks whom a request is for.
func (v *verifier) addressed(request *relay.OpenedRequest, given *api.EvidenceSide) error {
	if sessionOf(request.Request.GetSession()) != v.piece.Session {
		return errors.New("the session of the request is another")
	}
	return same("the servicer of the request", request.Request.GetServicer(), given.Servicer.Address)
}

// signed says which of the response's properties holds, from the one error that opening it gave.
func (v *verifier) signed(subject string, err error) bool {
	formed, fits, bound := err, err, err
	switch {
	case errors.Is(err, relay.ErrBadSignature):
		formed = nil
	case errors.Is(err, relay.ErrWrongBinding):
		formed, fits = nil, nil
	}
	v.say(subject, "the response is well-formed", formed)
	v.say(subject, "the response is signed by the servicer", fits)
	return v.say(subject, "the response is bound to this request and this servicer", bound)
}

// voted checks that the piece's list says the same of the servicer.
func (v *verifier) voted(given *api.EvidenceSide) error {
	for _, vote := range v.piece.Votes {
		if vote.Servicer == given.Servicer.Address && vote.Digest == given.Digest && vote.Consistency == given.Consistency {
			return nil
		}
	}
	return errors.New("there is no such vote")
}

// together checks what the sides are worth beside each other.
func (v *verifier) together(sides []*side) {
	const subject = "piece"
	var majority, dissent []*side
	complete := errors.New("the envelopes of a side prove nothing")
	if !slices.Contains(sides, nil) {
		complete = nil
	}
	for _, s := range sides {
		if s != nil && s.agrees {
			majority = append(majority, s)
		} else if s != nil {
			dissent = append(dissent, s)
		}
	}
	if complete == nil && (len(majority) == 0 || len(dissent) == 0) {
		complete = errors.New("one side is missing")
	}
	if complete == nil && v.repeated() {
		complete = errors.New("a servicer is there twice")
	}
	if !v.say(subject, "there is a servicer on each side, each once", complete) {
		return
	}
	v.say(subject, "the question is the same for all, byte for byte", sameQuestion(sides))
	v.say(subject, "every dissenter's answer differs from the majority's", differing(majority, dissent))
}

func (v *verifier) repeated() bool {
	seen := make(map[string]bool)
	for _, given := range v.piece.Sides {
		if seen[given.Servicer.Address] {
			return true
		}
		seen[given.Servicer.Address] = true
	}
	return false
}

func sameQuestion(sides []*side) error {
	for _, s := range sides {
		if len(s.question) == 0 || !bytes.Equal(s.question, sides[0].question) {
			return errors.New("they were asked different questions")
		}
	}
	return nil
}

func differing(majority, dissent []*side) error {
	for _, one := range majority {
		if one.digest != majority[0].digest {
			return errors.New("the majority has two answers")
		}
	}
	for _, other := range dissent {
		if other.digest == majority[0].digest {
			return errors.New("an answer of a dissenter is that of the majority")
		}
	}
	return nil
}

// partyKey is a party's key, if the address follows from it.
func partyKey(party api.EvidenceParty) ([]byte, error) {
	if err := types.ValidatePublicKey(party.PublicKey); err != nil {
		return nil, fmt.Errorf("the public key: %s", short(err.Error()))
	}
	key, err := hex.DecodeString(party.PublicKey)
	if err != nil {
		return nil, err
	}
	return key, same("the address of the public key", crypto.Address(key), party.Address)
}

// same compares what the envelopes say with what the piece says.
func same(what, got, want string) error {
	if got != want {
		return fmt.Errorf("%s is another than the piece says", what)
	}
	return nil
}
