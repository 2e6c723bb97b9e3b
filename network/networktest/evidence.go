package networktest

import (
	"bytes"
	"testing"
)

// evidence: what is kept of an exchange convinces somebody who has nothing but that, and gives no secret away.
func evidence(t testing.TB, s Subject) {
	request, servicer, _ := s.asked(t)
	kept := request.Evidence()
	for _, secret := range s.Secrets {
		if bytes.Contains(kept, []byte(secret)) {
			t.Errorf("evidence with a secret: %q", kept)
		}
	}
	s.signed(t)
	good := s.answer(t, request, servicer)
	if err := s.Verify(kept, good.Body); err != nil {
		t.Errorf("good evidence is refused: %v", err)
	}
}

// alteredEvidence: no bit of it can be changed, and no half of it taken from another exchange.
func alteredEvidence(t testing.TB, s Subject) {
	s.signed(t)
	request, servicer, another := s.asked(t)
	kept, response := request.Evidence(), s.answer(t, request, servicer).Body
	refused := func(what string, request, response []byte) {
		t.Helper()
		err := s.Verify(request, response)
		if err == nil {
			t.Errorf("%s convinces", what)
			return
		}
		s.showable(t, what, err.Error())
	}
	flipped := func(whole []byte, place int) []byte {
		changed := bytes.Clone(whole)
		changed[place] ^= 1
		return changed
	}
	for place := range kept {
		refused("a request with one bit changed", flipped(kept, place), response)
	}
	for place := range response {
		refused("a response with one bit changed", kept, flipped(response, place))
	}
	refused("another request", s.ask(t, s.session(t), servicer).Evidence(), response)
	refused("another servicer's response", kept, s.answer(t, request, another).Body)
	refused("nothing", nil, response)
	refused("no response", kept, nil)
}
