package networktest

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// own: the answer of the servicer that was asked is what it said, however often it is opened.
func own(t testing.TB, s Subject) {
	request, servicer, _ := s.asked(t)
	answer := s.answer(t, request, servicer)
	s.accepted(t, request, answer)
	s.accepted(t, request, answer)
}

// foreign: what another member of the session signed as its own is no answer of the one that was asked.
func foreign(t testing.TB, s Subject) {
	s.signed(t)
	request, _, another := s.asked(t)
	s.blamed(t, "another servicer's answer", s.rejected(t, "another servicer's answer", request, s.answer(t, request, another)))
}

// replayed: an answer belongs to one request, even of two with the same question to the same servicer.
func replayed(t testing.TB, s Subject) {
	s.signed(t)
	session := s.session(t)
	servicer := session.GetServicers()[0]
	before, now := s.ask(t, session, servicer), s.ask(t, session, servicer)
	old := s.answer(t, before, servicer)
	s.blamed(t, "an answer to another request", s.rejected(t, "an answer to another request", now, old))
	s.accepted(t, before, old)
}

// altered: no bit of an answer can be changed.
func altered(t testing.TB, s Subject) {
	s.signed(t)
	request, servicer, _ := s.asked(t)
	good := s.answer(t, request, servicer)
	for place := range good.Body {
		for _, bit := range []byte{1, 0x20, 0x80} {
			changed := *good
			changed.Body = bytes.Clone(good.Body)
			changed.Body[place] ^= bit
			s.rejected(t, "an answer with one bit changed", request, &changed)
		}
	}
	longer := *good
	longer.Body = append(bytes.Clone(good.Body), 'x')
	s.rejected(t, "an answer with a byte added", request, &longer)
	s.accepted(t, request, good)
}

// misshapen: whatever a servicer sends is opened without a panic, and is never an answer that nobody gave.
func misshapen(t testing.TB, s Subject) {
	request, servicer, _ := s.asked(t)
	good := s.answer(t, request, servicer)
	for _, answer := range []*wire.Answer{{}, {Status: good.Status}, {Status: good.Status, Header: good.Header}} {
		s.noAnswer(t, "an empty answer", request, answer)
	}
	for _, encoding := range []string{"br", "gzip", "gzip, gzip", "\x1b[2J"} {
		header := http.Header{"Content-Type": good.Header["Content-Type"], "Content-Encoding": {encoding}}
		s.rejected(t, "an answer in encoding "+encoding, request, received(&wire.Answer{Status: good.Status, Header: header, Body: good.Body}))
	}
	for cut := range good.Body {
		s.noAnswer(t, "half an answer", request, &wire.Answer{Status: good.Status, Header: good.Header, Body: good.Body[:cut]})
	}
	for _, filler := range []string{"\x00", "x", "{", "[", "\n", "\xff\x1b[2J"} {
		longest := bytes.Repeat([]byte(filler), wire.MaxBodyBytes/len(filler))
		s.noAnswer(t, "the longest body there is", request, &wire.Answer{Status: good.Status, Header: good.Header, Body: longest})
		// Content types are for each network to judge.
		s.invented(t, "another content type", request, &wire.Answer{Status: good.Status, Header: http.Header{"Content-Type": {filler}}, Body: good.Body})
	}
}

// noAnswer checks that what is no answer, or half of one, does not count. Without signatures it may be taken for what the
// node sent.
func (s *Subject) noAnswer(t testing.TB, what string, request fisherman.Request, answer *wire.Answer) {
	t.Helper()
	if s.Unsigned {
		s.invented(t, what, request, answer)
		return
	}
	s.rejected(t, what, request, received(answer))
}

// invented checks that an answer fails, or is read as what was sent and nothing else.
func (s *Subject) invented(t testing.TB, what string, request fisherman.Request, answer *wire.Answer) {
	t.Helper()
	reply, failure := request.Open(received(answer))
	if failure != nil {
		s.judgeable(t, what, failure)
		return
	}
	s.showable(t, what, reply.Remark)
	if !bytes.Contains(answer.Body, reply.Payload) && !bytes.Equal(reply.Payload, samplePayload) {
		t.Errorf("%s: read as %q", what, reply.Payload)
	}
}

// blamed checks that a failure speaks against the servicer, and is no refusal.
func (s *Subject) blamed(t testing.TB, what string, failure *wire.Failure) {
	t.Helper()
	if failure != nil && (failure.Blame != types.Blame_BLAME_SERVICER || failure.Refusal != nil) {
		t.Errorf("%s: %+v", what, failure)
	}
}
