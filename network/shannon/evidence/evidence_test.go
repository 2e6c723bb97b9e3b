package evidence_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	file "github.com/pocket-fisherman/fisherman/network/pocket/evidence"
	"github.com/pocket-fisherman/fisherman/network/shannon/evidence"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

var update = flag.Bool("update", false, "write the golden file anew; ring signatures are random")

const (
	asked    = `{"jsonrpc":"2.0","id":7,"method":"eth_getBlockByNumber","params":["0x3",false]}`
	agree    = types.Consistency_CONSISTENCY_AGREE
	disagree = types.Consistency_CONSISTENCY_DISAGREE
)

func keyOf(t testing.TB, n byte) *protocol.PrivateKey {
	t.Helper()
	number := sha256.Sum256([]byte{n})
	key, err := protocol.NewPrivateKey(number[:])
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func headerOf(t testing.TB) *protocol.SessionHeader {
	return &protocol.SessionHeader{ApplicationAddress: keyOf(t, 1).Address(), ServiceId: "eth", SessionId: strings.Repeat("ab", 32),
		SessionStartBlockHeight: 21, SessionEndBlockHeight: 40}
}

func sessionOf(t testing.TB) *types.QoSSession {
	header := headerOf(t)
	return &types.QoSSession{Header: &types.SessionHeader{Id: header.SessionId, StartHeight: header.SessionStartBlockHeight, RelayChain: "eth-on-pocket",
		Application: header.ApplicationAddress}}
}

// relay is a supplier's sample: sealed, answered by its key, opened and judged as a fisherman does it.
func relay(t testing.TB, supplier byte, consistency types.Consistency, payload types.Payload, status uint32, answer string) *types.QoSSample {
	t.Helper()
	app, gateway, key := keyOf(t, 1), keyOf(t, 2), keyOf(t, supplier)
	signer, err := protocol.NewSigner(gateway, [][]byte{app.PublicKey(), gateway.PublicKey()})
	if err != nil {
		t.Fatal(err)
	}
	url := "https://supplier" + string('a'+supplier-10) + ".example/v1"
	request, err := protocol.Seal(signer, headerOf(t), protocol.Target{Address: key.Address(), PublicKey: key.PublicKey(), KeyHeight: 30, URL: url}, payload)
	if err != nil {
		t.Fatal(err)
	}
	response := respond(t, request.Body, key, status, answer)
	reply, failure := request.Open(&wire.Answer{Status: http.StatusOK, Header: http.Header{}, Body: response})
	if failure != nil {
		t.Fatal(failure)
	}
	digest := verify.ReadAnswer(payload, reply.Status, reply.Payload, types.CompareForm_COMPARE_FORM_JSON, types.Pointer{"by"}).Digest
	return &types.QoSSample{Servicer: key.Address(), ServiceUrl: url, Outcome: types.Outcome_OUTCOME_OK, Consistency: consistency, AnswerDigest: digest[:],
		SentUnixNano: 1_700_000_000_123_456_789, RequestEnvelope: request.Evidence(), ResponseEnvelope: response}
}

// respond is a supplier's response; of the answer, ID is the request's id.
func respond(t testing.TB, body []byte, key *protocol.PrivateKey, status uint32, answer string) []byte {
	t.Helper()
	var relay protocol.RelayRequest
	var inner protocol.POKTHTTPRequest
	var sent struct{ ID json.Number }
	if err := errors.Join(proto.Unmarshal(body, &relay), proto.Unmarshal(relay.GetPayload(), &inner)); err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal(inner.GetBody(), &sent)
	payload, err := proto.Marshal(&protocol.POKTHTTPResponse{StatusCode: status, Body: []byte(strings.Replace(answer, "ID", sent.ID.String(), 1))})
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(payload)
	response := &protocol.RelayResponse{Meta: &protocol.RelayResponseMetadata{SessionHeader: relay.GetMeta().GetSessionHeader()}, Payload: payload, PayloadHash: hash[:]}
	signed, err := response.SignedHash()
	if err != nil {
		t.Fatal(err)
	}
	response.Meta.SupplierOperatorSignature = key.Sign(signed[:])
	marshalled, err := proto.Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	return marshalled
}

func jsonRPC() types.Payload { return types.Payload{JSONRPC: []byte(asked)} }

func result(value string) string { return `{"jsonrpc":"2.0","id":ID,"result":` + value + `}` }

func roundOf(samples ...*types.QoSSample) *types.QoSRound {
	return &types.QoSRound{Index: 3, Status: types.RoundStatus_ROUND_STATUS_DONE, Question: "block 3",
		PlannedUnixNano: 1_700_000_000_000_000_000, ReleasedUnixNano: 1_700_000_000_100_000_000, IgnoredFields: []string{"/by"}, Samples: samples}
}

// disagreement has two suppliers that agree, of which one's relay is kept, and one that does not.
func disagreement(t testing.TB) *types.QoSRound {
	without := relay(t, 11, agree, jsonRPC(), 200, result(`{"hash":"0x1","by":"b"}`))
	without.RequestEnvelope, without.ResponseEnvelope = nil, nil
	return roundOf(relay(t, 10, agree, jsonRPC(), 200, result(`{"hash":"0x1","by":"a"}`)), without, relay(t, 12, disagree, jsonRPC(), 200, result(`{"hash":"0x2"}`)))
}

func pieceOf(t testing.TB, round *types.QoSRound) api.Evidence {
	t.Helper()
	piece, err := evidence.Of(sessionOf(t), round)
	if err != nil {
		t.Fatal(err)
	}
	return piece
}

func wrong(steps []evidence.Step) (failed []string) {
	for _, step := range steps {
		if !step.OK {
			failed = append(failed, step.Subject+": "+step.Claim+": "+step.Detail)
		}
	}
	return failed
}

func TestEvidence(t *testing.T) {
	piece := pieceOf(t, disagreement(t))
	steps, ok := evidence.Verify(piece)
	if !ok {
		t.Errorf("%v", wrong(steps))
	}
	bound := 0
	for _, step := range steps {
		if step.Claim == "the answer has the random id of the request" {
			bound++
		}
	}
	if bound != 2 || piece.Proof != api.EvidenceProofAnswerSigned || piece.Note != evidence.Note || piece.Signature != "" || len(piece.Votes) != 3 || len(piece.Sides) != 2 ||
		piece.Request != strings.Replace(asked, ":7", ":1", 1) || piece.Sides[0].KeyHeight != 30 || piece.Sides[1].Servicer.PublicKey != hex.EncodeToString(keyOf(t, 12).PublicKey()) {
		t.Errorf("%d bound, %+v", bound, piece)
	}
}

// A REST answer is bound to nothing, and the piece says so.
func TestRESTEvidence(t *testing.T) {
	question := types.Payload{REST: &types.RESTPayload{Method: "GET", Path: "/cosmos/bank/v1beta1/supply?x=y"}}
	for _, status := range []uint32{200, 404, 410} {
		piece := pieceOf(t, roundOf(relay(t, 10, agree, question, status, `{"code":5}`), relay(t, 11, disagree, question, 200, `{"supply":"1"}`)))
		steps, ok := evidence.Verify(piece)
		if !ok || piece.Note != evidence.NoteREST || !strings.Contains(piece.Request, `/cosmos/bank/v1beta1/supply?x=y`) || strings.Contains(piece.Request, "example") {
			t.Errorf("status %d: %v, %+v", status, wrong(steps), piece)
		}
		if slices.ContainsFunc(steps, func(s evidence.Step) bool { return strings.Contains(s.Claim, "id of the request") }) {
			t.Error("it says that a REST answer is bound")
		}
	}
}

// The form is a contract: evidence that was handed out stays readable, and holds.
func TestGoldenEvidence(t *testing.T) {
	path := filepath.Join("testdata", "evidence.golden.json")
	if *update {
		question := types.Payload{REST: &types.RESTPayload{Method: "GET", Path: "/supply"}}
		text, err := file.Encode([]api.Evidence{pieceOf(t, disagreement(t)),
			pieceOf(t, roundOf(relay(t, 10, agree, question, 200, `{"supply":"1"}`), relay(t, 11, disagree, question, 200, `{"supply":"2"}`)))})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pieces, err := file.Decode(text)
	if err != nil || len(pieces) != 2 {
		t.Fatalf("%d pieces, %v", len(pieces), err)
	}
	for _, piece := range pieces {
		if steps, ok := evidence.Verify(piece); !ok {
			t.Errorf("%v", wrong(steps))
		}
	}
	again, err := file.Encode(pieces)
	if err != nil || !bytes.Equal(again, text) {
		t.Errorf("encoded again: %s, %v", again, err)
	}
}

func TestNoEvidence(t *testing.T) {
	agreed := roundOf(relay(t, 10, agree, jsonRPC(), 200, result("1")), relay(t, 11, agree, jsonRPC(), 200, result("1")))
	if _, err := evidence.Of(sessionOf(t), agreed); !errors.Is(err, evidence.ErrNoDisagreement) {
		t.Errorf("all agree: %v", err)
	}
	for _, side := range []int{0, 2} {
		round := disagreement(t)
		round.Samples[side].ResponseEnvelope = nil
		if _, err := evidence.Of(sessionOf(t), round); !errors.Is(err, evidence.ErrUnkept) {
			t.Errorf("without relay %d: %v", side, err)
		}
		round = disagreement(t)
		round.Samples[side].RequestEnvelope = []byte("\xff")
		if _, err := evidence.Of(sessionOf(t), round); err == nil {
			t.Error("made of a relay that is none")
		}
	}
}

// Whatever is altered in a piece is found, but for what nobody signed.
func TestAlteredEvidence(t *testing.T) {
	other := strings.Repeat("00", 32)
	stranger := keyOf(t, 50)
	for name, alter := range map[string]func(*api.Evidence){
		"another answer shown": func(p *api.Evidence) { p.Sides[0].Answer = "9" },
		"a bit of a response":  func(p *api.Evidence) { flip(p.Sides[0].ResponseEnvelope, -10) },
		"a bit of a signature": func(p *api.Evidence) {
			flip(p.Sides[1].ResponseEnvelope, bytes.Index(p.Sides[1].ResponseEnvelope, []byte{0x12, 0x40})+9)
		},
		"no response":        func(p *api.Evidence) { p.Sides[0].ResponseEnvelope = nil },
		"a bit of a request": func(p *api.Evidence) { flip(p.Sides[0].RequestEnvelope, -3) },
		"no request":         func(p *api.Evidence) { p.Sides[0].RequestEnvelope = nil },
		"requests exchanged": func(p *api.Evidence) {
			p.Sides[0].RequestEnvelope, p.Sides[1].RequestEnvelope = p.Sides[1].RequestEnvelope, p.Sides[0].RequestEnvelope
		},
		"responses exchanged": func(p *api.Evidence) {
			p.Sides[0].ResponseEnvelope, p.Sides[1].ResponseEnvelope = p.Sides[1].ResponseEnvelope, p.Sides[0].ResponseEnvelope
		},
		"an older answer of the supplier": func(p *api.Evidence) {
			p.Sides[0].ResponseEnvelope = relay(t, 10, agree, jsonRPC(), 200, result(`{"hash":"0x1","by":"a"}`)).ResponseEnvelope
		},
		"another key":         func(p *api.Evidence) { p.Sides[0].Servicer.PublicKey = hex.EncodeToString(stranger.PublicKey()) },
		"a stranger's name":   func(p *api.Evidence) { p.Sides[0].Servicer.Address = stranger.Address() },
		"no key":              func(p *api.Evidence) { p.Sides[0].Servicer.PublicKey = "" },
		"another digest":      func(p *api.Evidence) { p.Sides[0].Digest, p.Votes[0].Digest, p.Votes[1].Digest = other, other, other },
		"another question":    func(p *api.Evidence) { p.Request = strings.Replace(p.Request, "0x3", "0x4", 1) },
		"another rule":        func(p *api.Evidence) { p.Rule = "mine" },
		"bad pointers":        func(p *api.Evidence) { p.IgnoredFields = []string{"by"} },
		"another field":       func(p *api.Evidence) { p.IgnoredFields = []string{"/hash"} },
		"no vote":             func(p *api.Evidence) { p.Votes = p.Votes[1:] },
		"two votes":           func(p *api.Evidence) { p.Votes = append(p.Votes, p.Votes[0]) },
		"another URL":         func(p *api.Evidence) { p.Votes[0].ServiceURL = "https://other.example" },
		"another majority":    func(p *api.Evidence) { p.Votes[1].Digest = other },
		"a dissenter agrees":  func(p *api.Evidence) { p.Votes[1].Consistency = api.AgreementDisagree },
		"one side":            func(p *api.Evidence) { p.Sides = p.Sides[:1] },
		"no side":             func(p *api.Evidence) { p.Sides = nil },
		"a side twice":        func(p *api.Evidence) { p.Sides = append(p.Sides, p.Sides[0]) },
		"another session":     func(p *api.Evidence) { p.Session.ID = other },
		"another start":       func(p *api.Evidence) { p.Session.StartHeight++ },
		"another application": func(p *api.Evidence) { p.Session.Application = stranger.Address() },
		"a fisherman":         func(p *api.Evidence) { p.Fisherman.Address = "me" },
		"a signature":         func(p *api.Evidence) { p.Signature = "me" },
		"no proof":            func(p *api.Evidence) { p.Proof = "" },
		"another note":        func(p *api.Evidence) { p.Note = "proven" },
		"the note of REST":    func(p *api.Evidence) { p.Note = evidence.NoteREST },
		"everything is empty": func(p *api.Evidence) { *p = api.Evidence{} },
		"an answer without id": func(p *api.Evidence) {
			p.Sides[0].ResponseEnvelope = respond(t, p.Sides[0].RequestEnvelope, keyOf(t, 10), 200, `{"result":{"hash":"0x1","by":"a"}}`)
		},
	} {
		piece := pieceOf(t, disagreement(t))
		alter(&piece)
		steps, ok := evidence.Verify(piece)
		if ok {
			t.Errorf("%s convinces", name)
		}
		for _, step := range steps {
			if len(step.Subject) > 200 || len(step.Detail) > 200 {
				t.Errorf("%s: %+v", name, step)
			}
		}
	}
}

// flip alters one bit; a place below 0 counts from the end.
func flip(text []byte, at int) {
	if at < 0 {
		at += len(text)
	}
	text[at] ^= 1
}

func FuzzVerify(f *testing.F) {
	text, err := json.Marshal(pieceOf(f, disagreement(f)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		var piece api.Evidence
		if json.Unmarshal(text, &piece) != nil || len(piece.Sides) > 100 {
			return
		}
		steps, ok := evidence.Verify(piece)
		if ok == (len(wrong(steps)) > 0) {
			t.Errorf("%v", steps)
		}
	})
}

// FuzzRelay reads relays of strangers: one convinces only if it says what the supplier has signed, however it is encoded.
func FuzzRelay(f *testing.F) {
	piece := pieceOf(f, disagreement(f))
	genuine, err := protocol.ReadExchange(piece.Sides[0].RequestEnvelope, piece.Sides[0].ResponseEnvelope)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(piece.Sides[0].RequestEnvelope, piece.Sides[0].ResponseEnvelope)
	f.Fuzz(func(t *testing.T, request, response []byte) {
		altered := piece
		altered.Sides = slices.Clone(piece.Sides)
		altered.Sides[0].RequestEnvelope, altered.Sides[0].ResponseEnvelope = request, response
		if _, ok := evidence.Verify(altered); !ok {
			return
		}
		read, err := protocol.ReadExchange(request, response)
		if err != nil || !bytes.Equal(read.Body, genuine.Body) || !bytes.Equal(read.Request.GetPayload(), genuine.Request.GetPayload()) {
			t.Errorf("a stranger's relay convinces: %v", err)
		}
	})
}
