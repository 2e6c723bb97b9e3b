package networktest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// addressed: a request is one whole HTTP/1.1 request, which asks one servicer exactly what was to be asked.
func addressed(t testing.TB, s Subject) {
	session := s.session(t)
	for _, payload := range []types.Payload{sampleQuestion, {REST: &types.RESTPayload{
		Method: http.MethodGet, Path: "/blocks/7?height=8", Headers: []*types.HTTPHeader{{Name: "X-Height", Value: "7"}},
	}}} {
		for _, servicer := range session.GetServicers() {
			request, err := s.Network.Ask(session, servicer, payload)
			if err != nil {
				t.Fatalf("ask %s: %v", servicer.GetAddress(), err)
			}
			whole(t, request.Wire())
			if !bytes.Equal(request.Wire(), request.Wire()) {
				t.Error("a request differs the second time")
			}
			to, read := s.Read(t, request.Wire())
			if to != servicer.GetAddress() {
				t.Errorf("asked %s, addressed to %s", servicer.GetAddress(), to)
			}
			if !bytes.Equal(read.JSONRPC, payload.JSONRPC) || !proto.Equal(read.REST, payload.REST) {
				t.Errorf("asked %+v, read as %+v", payload, read)
			}
		}
	}
}

// whole checks that bytes are one HTTP/1.1 request, no less and no more.
func whole(t testing.TB, serialised []byte) {
	t.Helper()
	reader := bufio.NewReader(bytes.NewReader(serialised))
	request, err := http.ReadRequest(reader)
	if err != nil {
		t.Fatalf("%q: %v", serialised, err)
	}
	if _, err := io.Copy(io.Discard, request.Body); err != nil || request.Close || !request.ProtoAtLeast(1, 1) {
		t.Errorf("%q: %v, closes %t, %s", serialised, err, request.Close, request.Proto)
	}
	if rest, _ := io.ReadAll(reader); len(rest) > 0 {
		t.Errorf("%d bytes after the request: %q", len(rest), rest)
	}
}

// noTwoAlike: the same question is asked by another request each time, so that no answer fits two.
func noTwoAlike(t testing.TB, s Subject) {
	s.signed(t)
	session := s.session(t)
	seen := make(map[string]bool)
	for range 10 {
		request := s.ask(t, session, session.GetServicers()[0])
		if seen[string(request.Wire())] || seen[string(request.Evidence())] {
			t.Error("two requests are alike")
		}
		seen[string(request.Wire())], seen[string(request.Evidence())] = true, true
	}
}

// unusableURL: a service URL that no request can be addressed to is its owner's fault, and is not repeated: it may hold
// a password or a token.
func unusableURL(t testing.TB, s Subject) {
	const secret = "SECRET-OF-A-URL"
	s.Secrets = append(s.Secrets, secret)
	session := s.session(t)
	for _, serviceURL := range []string{
		"http://[::1/" + secret, "http://[::1?key=" + secret, "http://user:" + secret + "/@node.example", "http://node.example/%zz" + secret,
		"http://node.example/" + secret + "\x7f",
	} {
		servicer := proto.CloneOf(session.GetServicers()[0])
		servicer.ServiceUrl = serviceURL
		request, err := s.Network.Ask(session, servicer, sampleQuestion)
		failure, theirs := errors.AsType[*wire.Failure](err)
		if request != nil || !theirs || failure.Outcome != types.Outcome_OUTCOME_CONNECT || failure.Blame != types.Blame_BLAME_SERVICER {
			t.Errorf("asked at an unusable URL: %v, %v", request, err)
			continue
		}
		s.judgeable(t, "unusable URL", failure)
	}
}

// atOnce: rounds overlap, so requests are made and opened by many goroutines.
func atOnce(t testing.TB, s Subject) {
	session := s.session(t)
	var askers sync.WaitGroup
	for i := range 8 {
		servicer := session.GetServicers()[i%2]
		askers.Go(func() {
			request, err := s.Network.Ask(session, servicer, sampleQuestion)
			if err != nil {
				t.Errorf("ask: %v", err)
				return
			}
			s.accepted(t, request, s.answer(t, request, servicer))
		})
	}
	askers.Wait()
}
