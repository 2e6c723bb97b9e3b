package protocol_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// sound checks what has to hold of everything that Open says.
func sound(t *testing.T, request *protocol.Request, answer *wire.Answer) {
	t.Helper()
	reply, failure := request.Open(answer)
	if failure == nil {
		t.Errorf("accepted without the supplier's signature: %s", reply.Payload)
		return
	}
	if failure.Outcome == types.Outcome_OUTCOME_UNSPECIFIED || failure.Outcome == types.Outcome_OUTCOME_OK || failure.Blame == types.Blame_BLAME_UNSPECIFIED ||
		failure.Err == nil || len(failure.Error()) > 600 || strings.ContainsAny(failure.Error(), "\n\r\x1b\x00") {
		t.Errorf("%+v", failure)
	}
	if refusal := failure.Refusal; refusal != nil && (refusal.Code == 0 || refusal.Label == "" || len(refusal.Label) > 40) {
		t.Errorf("%+v", refusal)
	}
}

// FuzzOpen opens what a stranger sends.
func FuzzOpen(f *testing.F) {
	r := newRig(f)
	request := r.seal(rpc(asked))
	signed := sign(f, r.response(200, result("1")), r.supplierKey)
	f.Add(200, encode(f, signed))
	f.Add(200, encode(f, &protocol.RelayResponse{Meta: signed.GetMeta(), RelayMinerError: &protocol.RelayMinerError{Codespace: []byte("rings"), Code: 3}}))
	f.Add(429, []byte(`{"error":"x"}`))
	f.Add(500, []byte(`{"error":{}}`))
	for _, vector := range minerVectors(f) {
		f.Add(vector.Status, vector.Body)
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) { sound(t, request, delivered(status, body)) })
}

// FuzzOpenSigned opens what the supplier has signed, whatever its backend said: it is accepted only with the request's id.
func FuzzOpenSigned(f *testing.F) {
	r := newRig(f)
	request := r.seal(rpc(asked))
	f.Add(uint32(200), []byte(result("1")), true)
	f.Add(uint32(500), []byte(`{"id":null,"error":{}}`), true)
	f.Add(uint32(200), []byte("\xff\x01"), false)
	f.Fuzz(func(t *testing.T, status uint32, body []byte, whole bool) {
		inside := *r
		inside.t = t
		response := inside.response(status, string(body))
		if !whole { // the payload is no HTTP response
			response.Payload, response.PayloadHash = body, nil
		}
		sound(t, request, delivered(200, encode(t, sign(t, response, r.supplierKey))))
	})
}

// FuzzVerifyRing reads ring signatures of strangers.
func FuzzVerifyRing(f *testing.F) {
	r := newRig(f)
	relay, _ := r.received(r.seal(rpc(asked)))
	f.Add(relay.GetMeta().GetSignature())
	f.Fuzz(func(t *testing.T, signature []byte) {
		if keys, err := protocol.VerifyRing([32]byte{1}, signature); err == nil {
			t.Errorf("valid, of %x", keys)
		}
		protocol.KeyImage(signature)
	})
}

// FuzzQueries reads what a full node answers.
func FuzzQueries(f *testing.F) {
	f.Add(encode(f, &protocol.QueryGetSessionResponse{Session: &protocol.Session{Header: newRig(f).session}}))
	for _, answer := range queryVectors(f) {
		f.Add(answer)
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		var session protocol.QueryGetSessionResponse
		if proto.Unmarshal(answer, &session) == nil {
			protocol.RingAddresses(session.GetSession().GetApplication(), session.GetSession().GetHeader().GetSessionEndBlockHeight())
		}
		var params protocol.QuerySharedParamsResponse
		if proto.Unmarshal(answer, &params) == nil {
			if grid, err := protocol.GridOf(params.GetParams()); err == nil && (grid.Start(1<<40) > 1<<40 || grid.End(1<<40) < 1<<40) {
				t.Errorf("%v", params.GetParams())
			}
			_, _ = protocol.RelayPrice(1, params.GetParams(), nil)
		}
	})
}

// Whatever JSON a payload has, sealing changes nothing of it but its id, and opening puts that back.
func TestIDsComeBack(t *testing.T) {
	r := newRig(t)
	rapid.Check(t, func(t *rapid.T) {
		asked := rapid.SampledFrom([]string{"7", `"a"`, `"\u0069d"`, "null", "1e3", "-0.5", `{"x":[1]}`, `[{"id":1}]`}).Draw(t, "id")
		param := rapid.SampledFrom([]string{`"x"`, `{"id":5}`, `[[{"id":"y"}]]`, `"\",\"id\":1"`, "12345678901234567890", `"é\ud800"`}).Draw(t, "param")
		space := rapid.SampledFrom([]string{"", " ", "\n\t "}).Draw(t, "space")
		payload := func(id string) string {
			return "{" + space + `"params"` + space + ":" + param + "," + space + `"id"` + space + ":" + space + id + space + `,"method":"m"` + space + "}" + space
		}
		request, err := protocol.Seal(r.signer, r.session, r.target, rpc(payload(asked)))
		if err != nil {
			t.Fatal(err)
		}
		_, inner := r.received(request)
		var sent struct{ ID json.RawMessage }
		if err := json.Unmarshal(inner.GetBody(), &sent); err != nil {
			t.Fatal(err)
		}
		if want := payload(string(sent.ID)); string(inner.GetBody()) != want {
			t.Fatalf("sent %s, want %s", inner.GetBody(), want)
		}
		reply, failure := request.Open(r.answered(200, payload(string(sent.ID))))
		if failure != nil || !bytes.Equal(reply.Payload, []byte(payload(asked))) {
			t.Errorf("%s, %v; want %s", reply.Payload, failure, payload(asked))
		}
	})
}
