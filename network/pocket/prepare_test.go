package pocket_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/wire"
)

// TestPreparedAnswersOpenAsOthers: what an answer is does not depend on whether it was prepared, nor on the answers that were with
// it. One that was prepared for a request proves nothing of another answer.
func TestPreparedAnswersOpenAsOthers(t *testing.T) {
	asker := asker()
	ask := func(servicer crypto.PrivateKey) fisherman.Request {
		request, err := asker.Ask(sampleSession(), actorAt(servicer, "http://servicer.example"), types.Payload{JSONRPC: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		return request
	}
	good := func(request fisherman.Request, servicer crypto.PrivateKey) *wire.Answer {
		response := sampleResponse(opened(t, request.Evidence()).BodyHash)
		response.Servicer = servicer.Address()
		sealed, err := relay.SealResponse(servicer, response)
		if err != nil {
			t.Fatal(err)
		}
		return answered(http.StatusOK, relay.ContentType, sealed)
	}
	forged := func(answer *wire.Answer) *wire.Answer {
		body := bytes.Clone(answer.Body)
		body[len(body)-1] ^= 1
		return answered(http.StatusOK, relay.ContentType, body)
	}
	for range 2 { // the second time there are tables of the keys
		var requests []fisherman.Request
		var answers []*wire.Answer
		for i := range 70 {
			key := []crypto.PrivateKey{servicerKey, strangerKey}[i%2]
			request := ask(key)
			answer := good(request, key)
			switch i % 7 {
			case 3:
				answer = forged(answer)
			case 4:
				answer = nil
			case 5:
				answer = good(ask(key), key)
			case 6:
				answer = answered(http.StatusOK, relay.ContentType, nil)
			}
			requests, answers = append(requests, request), append(answers, answer)
		}
		requests[0].(round.Preparer).Prepare(requests, answers)
		for i, request := range requests {
			if answers[i] == nil {
				continue
			}
			reply, failure := request.Open(answers[i])
			want := map[int]types.Outcome{3: types.Outcome_OUTCOME_BAD_SIGNATURE, 5: types.Outcome_OUTCOME_WRONG_BINDING, 6: types.Outcome_OUTCOME_MALFORMED}[i%7]
			switch {
			case want == types.Outcome_OUTCOME_UNSPECIFIED && (failure != nil || len(reply.Payload) == 0):
				t.Errorf("answer %d: %v", i, failure)
			case want != types.Outcome_OUTCOME_UNSPECIFIED && (failure == nil || failure.Outcome != want):
				t.Errorf("answer %d: %v, want %v", i, failure, want)
			}
			if _, failure := request.Open(forged(answers[i%2])); failure == nil || len(answers[i].Body) > 0 && failure.Outcome != types.Outcome_OUTCOME_BAD_SIGNATURE {
				t.Errorf("request %d: %v for a forged answer", i, failure)
			}
		}
	}
}
