package networktest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
	"github.com/pocket-fisherman/fisherman/wire"
)

// Subject is a network under test, and what a test needs to act as its far side.
type Subject struct {
	Network fisherman.Network
	// Publish announces a head as the network does.
	Publish func(types.Head)
	// Height is one at which the fisherman has sessions, one of them with two servicers at least.
	Height int64

	// Read returns what a request on the wire asks, and the address of the servicer that it is addressed to, as that
	// servicer reads it.
	Read func(t testing.TB, request []byte) (servicer string, payload types.Payload)
	// Answer returns a servicer's good answer to a request on the wire, whomever that is addressed to.
	Answer func(t testing.TB, request []byte, servicer *types.Actor, status uint32, payload []byte) *wire.Answer
	// Refuse returns a servicer's refusal instead. Nil for a network that has none.
	Refuse func(t testing.TB, request []byte, servicer *types.Actor, refusal Refusal) *wire.Answer
	// Verify checks, without the network, a request's evidence and the body of the response to it. Nil when Unsigned.
	Verify func(request, response []byte) error

	// Secrets must not show in any text, nor in evidence: keys, passwords, tokens of this network.
	Secrets []string

	// Unsigned says that answers carry no signature of the servicer. Such a network cannot tell a foreign, altered or
	// replayed answer from its own, and there is nothing for others to check.
	Unsigned bool
	// Heightless says that sessions are not of a height, but of a time, and can be asked for at any.
	Heightless bool
}

// check is one clause of the contract.
type check struct {
	name string
	run  func(t testing.TB, s Subject)
}

// contract is all clauses.
func contract() []check {
	return []check{
		{"heads/latest wins", func(t testing.TB, s Subject) { latestWins(t, s.Network, s.Publish) }},
		{"heads/rise", func(t testing.TB, s Subject) { rise(t, s.Network, s.Publish) }},
		{"heads/subscribers are apart", func(t testing.TB, s Subject) { subscribersAreApart(t, s.Network, s.Publish) }},
		{"heads/late subscriber", func(t testing.TB, s Subject) { lateSubscriber(t, s.Network, s.Publish) }},
		{"sessions/members", members},
		{"sessions/same at one height", sameAtOneHeight},
		{"sessions/unknown height", unknownHeight},
		{"sessions/policy", policy},
		{"requests/addressed to one servicer", addressed},
		{"requests/no two alike", noTwoAlike},
		{"requests/unusable URL", unusableURL},
		{"requests/at once", atOnce},
		{"answers/own", own},
		{"answers/foreign", foreign},
		{"answers/replayed", replayed},
		{"answers/altered", altered},
		{"answers/cut, empty, oversized", misshapen},
		{"refusals/meaning", refusals},
		{"refusals/bound", boundRefusals},
		{"evidence/checks offline", evidence},
		{"evidence/altered", alteredEvidence},
	}
}

// Run carries out the contract, each clause on a subject of its own.
func Run(t *testing.T, subject func(*testing.T) Subject) {
	for _, clause := range contract() {
		t.Run(clause.name, func(t *testing.T) { clause.run(t, subject(t)) })
	}
}

// signed skips what only a network with signatures can do.
func (s *Subject) signed(t testing.TB) {
	t.Helper()
	if s.Unsigned {
		t.Skip("answers of this network are not signed")
	}
}

// session returns a session with two servicers at least.
func (s *Subject) session(t testing.TB) *types.Session {
	t.Helper()
	sessions, err := s.Network.Sessions(t.Context(), s.Height)
	if err != nil {
		t.Fatalf("sessions at %d: %v", s.Height, err)
	}
	for _, session := range sessions {
		if len(session.GetServicers()) >= 2 {
			return session
		}
	}
	t.Fatalf("no session at %d has two servicers", s.Height)
	return nil
}

// sampleStatus and samplePayload are a good answer to sampleQuestion.
const sampleStatus = 200

var (
	sampleQuestion = types.Payload{JSONRPC: []byte(`{"jsonrpc":"2.0","id":1,"method":"status"}`)}
	samplePayload  = []byte(`{"jsonrpc":"2.0","id":1,"result":{"height":"7"}}`)
)

// ask asks one servicer of a session the sample question.
func (s *Subject) ask(t testing.TB, session *types.Session, servicer *types.Actor) fisherman.Request {
	t.Helper()
	request, err := s.Network.Ask(session, servicer, sampleQuestion)
	if err != nil {
		t.Fatalf("ask %s: %v", servicer.GetAddress(), err)
	}
	return request
}

// asked returns the sample question to the first servicer of a session, and both of its first servicers.
func (s *Subject) asked(t testing.TB) (request fisherman.Request, servicer, another *types.Actor) {
	t.Helper()
	session := s.session(t)
	servicer, another = session.GetServicers()[0], session.GetServicers()[1]
	return s.ask(t, session, servicer), servicer, another
}

// answer returns a servicer's good answer to a request, received now.
func (s *Subject) answer(t testing.TB, request fisherman.Request, servicer *types.Actor) *wire.Answer {
	t.Helper()
	return received(s.Answer(t, request.Wire(), servicer, sampleStatus, samplePayload))
}

// received adds the times of an exchange.
func received(answer *wire.Answer) *wire.Answer {
	now := time.Now()
	answer.FirstByte, answer.LastByte = now, now
	answer.Times = wire.TimesOf(now, now, answer, wire.Stamps{})
	return answer
}

// accepted checks that an answer is taken for what it is.
func (s *Subject) accepted(t testing.TB, request fisherman.Request, answer *wire.Answer) {
	t.Helper()
	reply, failure := request.Open(answer)
	switch {
	case failure != nil:
		t.Errorf("a good answer is refused: %v", failure)
	case !bytes.Equal(reply.Payload, samplePayload) || reply.Status != sampleStatus && reply.Status != 0:
		t.Errorf("a good answer is read as %d, %q", reply.Status, reply.Payload)
	case reply.Remark != "":
		t.Errorf("remark on a good answer: %q", reply.Remark)
	}
}

// rejected checks that an answer counts for nothing, and that the failure can be judged and shown.
func (s *Subject) rejected(t testing.TB, what string, request fisherman.Request, answer *wire.Answer) *wire.Failure {
	t.Helper()
	reply, failure := request.Open(answer)
	if failure == nil {
		t.Errorf("%s: accepted as %d, %q", what, reply.Status, reply.Payload)
		return nil
	}
	if len(reply.Payload) > 0 || reply.Status != 0 {
		t.Errorf("%s: a failure with the reply %d, %q", what, reply.Status, reply.Payload)
	}
	s.judgeable(t, what, failure)
	return failure
}

// judgeable checks that a failure has all that its judge and its reader need.
func (s *Subject) judgeable(t testing.TB, what string, failure *wire.Failure) {
	t.Helper()
	switch failure.Outcome {
	case types.Outcome_OUTCOME_UNSPECIFIED, types.Outcome_OUTCOME_OK:
		t.Errorf("%s: a failure with the outcome %v", what, failure.Outcome)
	}
	if failure.Blame == types.Blame_BLAME_UNSPECIFIED || failure.Attempt == types.Attempt_ATTEMPT_UNSPECIFIED || failure.Err == nil {
		t.Errorf("%s: %+v says neither who nor what", what, failure)
		return
	}
	s.showable(t, what, failure.Error())
	if refusal := failure.Refusal; refusal != nil {
		s.showable(t, what, refusal.Label)
	}
}

// showable checks that a text may be kept and shown: one printable line without a secret.
func (s *Subject) showable(t testing.TB, what, shown string) {
	t.Helper()
	if text.Printable(shown) != shown {
		t.Errorf("%s: text that does not print: %q", what, shown)
	}
	for _, secret := range s.Secrets {
		if strings.Contains(shown, secret) {
			t.Errorf("%s: text with a secret: %q", what, shown)
		}
	}
}
