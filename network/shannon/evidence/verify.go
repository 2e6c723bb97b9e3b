package evidence

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// Step is one thing that was checked of a piece.
type Step struct {
	// Subject is whose: "piece", or a supplier's address.
	Subject string `json:"subject"`
	// Claim is what has to hold.
	Claim string `json:"claim"`
	// OK reports whether it holds; otherwise Detail says what is wrong.
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// Proves and DoesNotProve are what follows from a piece of which every step holds.
const (
	Proves = "Each of these suppliers signed its answer in this session, and the answers differ."

	DoesNotProve = "It does not prove what the suppliers were asked, or when: a supplier of the live Pocket network signs neither. " +
		"A JSON-RPC answer carries the random id of its request, so that it is no answer to an earlier one; but who holds a key " +
		"of the request's ring could have written another question with the same id afterwards. A REST answer is bound to nothing. " +
		"Nor does it prove which of them is wrong, that there was a majority, or the times: those are the word of whom the piece " +
		"is from, which nobody signed. Whether the keys are those of these accounts at these heights, and the suppliers in the session, " +
		"is for the chain to say."
)

// Verify checks a piece from the signatures in it, and says every step. A step whose ground is missing fails too.
func Verify(piece api.Evidence) (steps []Step, ok bool) {
	v := &verifier{piece: piece}
	v.statement()
	for i := range piece.Sides {
		v.side(&piece.Sides[i])
	}
	v.say(whole, "there is a supplier on each side, each once", v.sides())
	v.say(whole, "the majority gave one answer, and nobody who disagrees gave it", v.majority())
	return v.steps, !slices.ContainsFunc(v.steps, func(s Step) bool { return !s.OK })
}

// whole is the subject of what the piece itself says.
const whole = "piece"

type verifier struct {
	piece api.Evidence
	steps []Step
	// service that the first request is of.
	service *string
}

// say notes a step, and reports whether it holds; a nil error is a step that does.
func (v *verifier) say(subject, claim string, err error) bool {
	step := Step{Subject: subject, Claim: claim, OK: err == nil}
	if err != nil {
		step.Detail = short(err.Error())
	}
	v.steps = append(v.steps, step)
	return step.OK
}

// statement checks what the piece says of itself.
func (v *verifier) statement() {
	var err error
	switch {
	case v.piece.Proof != api.EvidenceProofAnswerSigned || v.piece.Note != Note && v.piece.Note != NoteREST:
		err = errors.New("it does not say so in the words that this program writes")
	case v.piece.Signature != "" || v.piece.Fisherman != (api.EvidenceParty{}):
		err = errors.New("it has a signature or a signer, which are not checked")
	}
	v.say(whole, "the piece says what is signed in it, and is not signed itself", err)
	_, known := verify.FormOf(v.piece.Rule)
	_, err = types.ParsePointers(v.piece.IgnoredFields)
	if !known {
		err = fmt.Errorf("the rule is %q; this program knows %q", short(v.piece.Rule), verify.Rule)
	}
	v.say(whole, "the rule of canonicalisation is known", err)
}

// side checks one supplier's relay.
func (v *verifier) side(given *api.EvidenceSide) {
	subject := short(given.Servicer.Address)
	key, err := partyKey(given.Servicer)
	if !v.say(subject, "the supplier's address is that of its public key", err) {
		return
	}
	exchange, err := protocol.ReadExchange(given.RequestEnvelope, given.ResponseEnvelope)
	if !v.say(subject, "request and response are well-formed", err) {
		return
	}
	v.say(subject, "the request is addressed to this supplier, in this session", v.addressed(exchange.Request, given))
	v.say(subject, "a key of the application's ring signed the request", v.signers(exchange))
	v.say(subject, "the supplier signed the response: the session and the answer", exchange.VerifyResponse(key))
	vote, err := v.vote(given)
	if !v.say(subject, "the supplier is among the votes, with this answer", err) {
		return
	}
	sent, question, err := questionOf(exchange, vote.ServiceURL)
	if err == nil {
		err = same("the question", question, v.piece.Request)
	}
	if err == nil {
		err = same("the note", noteOf(sent), v.piece.Note)
	}
	if !v.say(subject, "the request asks the question of the piece", err) {
		return
	}
	if sent.REST == nil {
		v.say(subject, "the answer has the random id of the request", exchange.Bound(sent))
	}
	v.say(subject, "the answer shown is that of the response", same("the answer", asText(exchange.Body), given.Answer))
	v.say(subject, "the digest is that of the answer's canonical form", v.digest(exchange, sent, given))
}

// addressed checks whom a request is for. The piece names its relay chain as the fisherman's configuration does, which is not
// the service's id: all requests have to be of one service.
func (v *verifier) addressed(request *protocol.RelayRequest, given *api.EvidenceSide) error {
	header, session := request.GetMeta().GetSessionHeader(), v.piece.Session
	if v.service == nil {
		service := header.GetServiceId()
		v.service = &service
	}
	if header.GetSessionId() != session.ID || header.GetSessionStartBlockHeight() != session.StartHeight ||
		header.GetServiceId() != *v.service || header.GetApplicationAddress() != session.Application {
		return errors.New("the session of the request is another")
	}
	return same("the supplier of the request", request.GetMeta().GetSupplierOperatorAddress(), given.Servicer.Address)
}

// signers checks that the application is in the ring that signed. Whether the others are its gateways, the chain knows.
func (v *verifier) signers(exchange *protocol.Exchange) error {
	keys, err := exchange.Signers()
	if err != nil {
		return err
	}
	for _, key := range keys {
		if address, err := protocol.Address(key); err == nil && address == v.piece.Session.Application {
			return nil
		}
	}
	return errors.New("the application is not in the ring")
}

// vote returns what the piece's list says of a supplier, if it says the same.
func (v *verifier) vote(given *api.EvidenceSide) (api.EvidenceVote, error) {
	for _, vote := range v.piece.Votes {
		if vote.Servicer == given.Servicer.Address && vote.Digest == given.Digest && vote.Consistency == given.Consistency {
			return vote, nil
		}
	}
	return api.EvidenceVote{}, errors.New("there is no such vote")
}

// digest takes an answer's digest anew.
func (v *verifier) digest(exchange *protocol.Exchange, sent types.Payload, given *api.EvidenceSide) error {
	form, _ := verify.FormOf(v.piece.Rule)
	ignored, _ := types.ParsePointers(v.piece.IgnoredFields) // statement says what is wrong with it
	digest := verify.ReadAnswer(sent, exchange.Status, exchange.Body, form, ignored...).Digest
	if digest == (verify.Digest{}) {
		return errors.New("the answer has no digest")
	}
	return same("the digest of the answer", hex.EncodeToString(digest[:]), given.Digest)
}

// sides checks that both sides are there.
func (v *verifier) sides() error {
	seen, sides := make(map[string]bool), make(map[api.Agreement]bool)
	for _, given := range v.piece.Sides {
		if seen[given.Servicer.Address] {
			return errors.New("a supplier is there twice")
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
			return errors.New("a supplier has two votes")
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

// partyKey is a supplier's key, if the address follows from it.
func partyKey(party api.EvidenceParty) ([]byte, error) {
	key, err := hex.DecodeString(party.PublicKey)
	if err != nil {
		return nil, errors.New("the public key is not hexadecimal")
	}
	address, err := protocol.Address(key)
	if err != nil {
		return nil, err
	}
	return key, same("the address of the public key", address, party.Address)
}

// same compares what the relay says with what the piece says.
func same(what, got, want string) error {
	if got != want {
		return fmt.Errorf("%s is another than the piece says", what)
	}
	return nil
}

// short is a stranger's text as a message shows it.
func short(given string) string { return text.Line(given, 160) }
