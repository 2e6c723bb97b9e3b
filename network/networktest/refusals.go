package networktest

import (
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Refusal is what a servicer signs instead of an answer, by what follows from it.
type Refusal int

const (
	// Disputing says that the request itself is wrong: its session, its signer, its form.
	Disputing Refusal = iota
	// OverAllowance says that more was asked than the session allows.
	OverAllowance
	// OfServicer says that the servicer cannot or will not answer, as when it is busy.
	OfServicer
	// OfNode says that the node behind the servicer failed.
	OfNode
)

// meanings are what each refusal has to be read as, before the fisherman's own rules.
var meanings = map[Refusal]struct {
	name                 string
	outcome              types.Outcome
	blame                types.Blame
	disputes, overStated bool
}{
	Disputing:     {"disputing", types.Outcome_OUTCOME_RELAY_ERROR, types.Blame_BLAME_SERVICER, true, false},
	OverAllowance: {"over allowance", types.Outcome_OUTCOME_VOID, types.Blame_BLAME_SELF, false, true},
	OfServicer:    {"of the servicer", types.Outcome_OUTCOME_RELAY_ERROR, types.Blame_BLAME_SERVICER, false, false},
	OfNode:        {"of the node", types.Outcome_OUTCOME_BACKEND_ERROR, types.Blame_BLAME_BACKEND, false, false},
}

// refusals: each is a failure whose meaning is told by flags and enums, beside a code and a label for people.
func refusals(t testing.TB, s Subject) {
	if s.Refuse == nil {
		t.Skip("this network has no refusals")
	}
	for refusal, want := range meanings {
		request, servicer, _ := s.asked(t)
		failure := s.rejected(t, want.name, request, received(s.Refuse(t, request.Wire(), servicer, refusal)))
		if failure == nil {
			continue
		}
		got := failure.Refusal
		if got == nil || got.Code == 0 || got.Label == "" || len(got.Label) > longestIdentifier {
			t.Errorf("%s: not read as a refusal: %v, %+v", want.name, failure, got)
			continue
		}
		if failure.Outcome != want.outcome || failure.Blame != want.blame || got.DisputesRequest != want.disputes || got.OverAllowance != want.overStated ||
			failure.Attempt != types.Attempt_ATTEMPT_SIGNED_ERROR {
			t.Errorf("%s: read as %v of %v, %+v", want.name, failure.Outcome, failure.Blame, got)
		}
	}
}

// boundRefusals: a refusal belongs to servicer and request like an answer; otherwise one servicer could make voids of
// another's answers.
func boundRefusals(t testing.TB, s Subject) {
	s.signed(t)
	if s.Refuse == nil {
		t.Skip("this network has no refusals")
	}
	session := s.session(t)
	servicer, another := session.GetServicers()[0], session.GetServicers()[1]
	before, now := s.ask(t, session, servicer), s.ask(t, session, servicer)
	for refusal, want := range meanings {
		foreign := received(s.Refuse(t, now.Wire(), another, refusal))
		s.blamed(t, want.name, s.rejected(t, "another servicer's refusal, "+want.name, now, foreign))
		old := received(s.Refuse(t, before.Wire(), servicer, refusal))
		s.blamed(t, want.name, s.rejected(t, "a refusal of another request, "+want.name, now, old))
	}
}
