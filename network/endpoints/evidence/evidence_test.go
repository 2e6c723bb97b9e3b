package evidence_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/network/endpoints/evidence"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const asked = `{"jsonrpc":"2.0","id":7,"method":"eth_getBlockByNumber","params":["0x3",false]}`

const (
	agree    = types.Consistency_CONSISTENCY_AGREE
	disagree = types.Consistency_CONSISTENCY_DISAGREE
)

// session has names, as a list of endpoints has.
var session = &types.QoSSession{Header: &types.SessionHeader{Id: strings.Repeat("ab", 32), StartHeight: 1_700_000_000, RelayChain: "ethereum", Application: "ethereum"}}

// sampled is a target's sample with what was asked and answered.
func sampled(name string, consistency types.Consistency, question types.Payload, status uint32, body string) *types.QoSSample {
	digest := verify.ReadAnswer(question, status, []byte(body), types.CompareForm_COMPARE_FORM_JSON, types.Pointer{"by"}).Digest
	return &types.QoSSample{Servicer: name, ServiceUrl: "https://user:pass@" + name + ".example/v2/SECRET?key=SECRET", Outcome: types.Outcome_OUTCOME_OK,
		Consistency: consistency, AnswerDigest: digest[:], SentUnixNano: 1_700_000_000_123_456_789,
		RequestEnvelope: evidence.Request(question), ResponseEnvelope: []byte(body)}
}

func answer(result string) string { return `{"jsonrpc":"2.0","id":7,"result":` + result + `}` }

func jsonRPC() types.Payload { return types.Payload{JSONRPC: []byte(asked)} }

func roundOf(samples ...*types.QoSSample) *types.QoSRound {
	return &types.QoSRound{SessionId: session.Header.Id, Index: 3, Status: types.RoundStatus_ROUND_STATUS_DONE, Question: "block 3",
		PlannedUnixNano: 1_700_000_000_000_000_000, ReleasedUnixNano: 1_700_000_000_100_000_000, IgnoredFields: []string{"/by"}, Samples: samples}
}

// disagreement has two targets that agree, of which one's answer is kept, and one that does not.
func disagreement() *types.QoSRound {
	without := sampled("b", agree, jsonRPC(), 200, answer(`{"hash":"0x1","by":"b"}`))
	without.RequestEnvelope, without.ResponseEnvelope = nil, nil
	return roundOf(sampled("a", agree, jsonRPC(), 200, answer(`{"hash":"0x1","by":"a"}`)), without,
		sampled("c", disagree, jsonRPC(), 200, answer(`{"hash":"0x2"}`)))
}

func pieceOf(t testing.TB, round *types.QoSRound) api.Evidence {
	t.Helper()
	piece, err := evidence.Of(session, round)
	if err != nil {
		t.Fatal(err)
	}
	return piece
}

func wrong(steps []evidence.Step) (failed []string) {
	for _, step := range steps {
		if !step.OK {
			failed = append(failed, step.Subject+": "+step.Claim)
		}
	}
	return failed
}

func TestUnsignedEvidence(t *testing.T) {
	piece := pieceOf(t, disagreement())
	if steps, ok := evidence.Verify(piece); !ok {
		t.Errorf("%v", wrong(steps))
	}
	if piece.Proof != api.EvidenceProofUnsigned || piece.Note != "unsigned: shows what we received, proves it to nobody" || piece.Signature != "" ||
		piece.Fisherman != (api.EvidenceParty{}) || piece.Request != asked || len(piece.Votes) != 3 || len(piece.Sides) != 2 {
		t.Errorf("%+v", piece)
	}
	text, err := json.Marshal(piece)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"SECRET", "pass", "user"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%s", text)
		}
	}
}

func TestNoEvidence(t *testing.T) {
	agreed := roundOf(sampled("a", agree, jsonRPC(), 200, answer("1")), sampled("b", agree, jsonRPC(), 200, answer("1")))
	if _, err := evidence.Of(session, agreed); !errors.Is(err, evidence.ErrNoDisagreement) {
		t.Errorf("all agree: %v", err)
	}
	for _, side := range []int{0, 2} {
		round := disagreement()
		round.Samples[side].ResponseEnvelope = nil
		if _, err := evidence.Of(session, round); !errors.Is(err, evidence.ErrUnkept) {
			t.Errorf("without answer %d: %v", side, err)
		}
	}
}

// A REST question is kept without its headers, and an error that is agreed on has the digest of its status.
func TestRESTEvidence(t *testing.T) {
	question := types.Payload{REST: &types.RESTPayload{Method: "GET", Path: "/cosmos/bank/v1beta1/supply", Headers: []*types.HTTPHeader{{Name: "X-Key", Value: "SECRET"}}}}
	kept := evidence.Request(question)
	if strings.Contains(string(kept), "SECRET") || strings.Contains(string(kept), "X-Key") || !strings.Contains(string(kept), "/cosmos/bank/v1beta1/supply") {
		t.Errorf("%s", kept)
	}
	if question.REST.Headers == nil {
		t.Error("the payload has lost its headers")
	}
	for _, status := range []uint32{400, 404, 410, 499} {
		piece := pieceOf(t, roundOf(sampled("a", agree, question, status, `{"code":5}`), sampled("b", disagree, question, 200, `{"supply":"1"}`)))
		if steps, ok := evidence.Verify(piece); !ok {
			t.Errorf("status %d: %v", status, wrong(steps))
		}
	}
}

// Whatever is altered in a piece so that it contradicts itself is found.
func TestAlteredEvidence(t *testing.T) {
	other := strings.Repeat("00", 32)
	for name, alter := range map[string]func(*api.Evidence){
		"another answer": func(p *api.Evidence) { p.Sides[0].Answer = answer("9") },
		"another body": func(p *api.Evidence) {
			p.Sides[0].ResponseEnvelope = []byte(answer("9"))
			p.Sides[0].Answer = answer("9")
		},
		"no body":            func(p *api.Evidence) { p.Sides[0].ResponseEnvelope, p.Sides[0].Answer = nil, "" },
		"another digest":     func(p *api.Evidence) { p.Sides[0].Digest, p.Votes[0].Digest = other, other },
		"a malformed digest": func(p *api.Evidence) { p.Sides[1].Digest, p.Votes[2].Digest = "x", "x" },
		"another question":   func(p *api.Evidence) { p.Request = strings.Replace(p.Request, "0x3", "0x4", 1) },
		"one asked another":  func(p *api.Evidence) { p.Sides[1].RequestEnvelope = []byte(strings.Replace(asked, "0x3", "0x4", 1)) },
		"another rule":       func(p *api.Evidence) { p.Rule = "mine" },
		"bad pointers":       func(p *api.Evidence) { p.IgnoredFields = []string{"by"} },
		"another field":      func(p *api.Evidence) { p.IgnoredFields = []string{"/hash"} },
		"no vote":            func(p *api.Evidence) { p.Votes = p.Votes[1:] },
		"no votes":           func(p *api.Evidence) { p.Votes = nil },
		"two votes":          func(p *api.Evidence) { p.Votes = append(p.Votes, p.Votes[0]) },
		"another majority":   func(p *api.Evidence) { p.Votes[1].Digest = other },
		"a dissenter agrees": func(p *api.Evidence) { p.Votes[1].Consistency = api.AgreementDisagree },
		"sides turned": func(p *api.Evidence) {
			p.Sides[0].Consistency, p.Sides[1].Consistency = api.AgreementDisagree, api.AgreementAgree
		},
		"one side":     func(p *api.Evidence) { p.Sides = p.Sides[:1] },
		"no side":      func(p *api.Evidence) { p.Sides = nil },
		"a side twice": func(p *api.Evidence) { p.Sides = append(p.Sides, p.Sides[0]) },
		"undecidable side": func(p *api.Evidence) {
			p.Sides = append(p.Sides, api.EvidenceSide{Servicer: api.EvidenceParty{Address: "d"}, Consistency: api.AgreementUndecidable})
		},
		"another name":        func(p *api.Evidence) { p.Sides[0].Servicer.Address = "z" },
		"a key":               func(p *api.Evidence) { p.Sides[0].Servicer.PublicKey = other },
		"a fisherman":         func(p *api.Evidence) { p.Fisherman.Address = "me" },
		"a signature":         func(p *api.Evidence) { p.Signature = hex.EncodeToString([]byte("me")) },
		"no proof":            func(p *api.Evidence) { p.Proof = "" },
		"another note":        func(p *api.Evidence) { p.Note = "proven" },
		"everything is empty": func(p *api.Evidence) { *p = api.Evidence{} },
	} {
		piece := pieceOf(t, disagreement())
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

func FuzzVerify(f *testing.F) {
	piece := pieceOf(f, disagreement())
	text, _ := json.Marshal(piece)
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		var piece api.Evidence
		if json.Unmarshal(text, &piece) != nil || len(piece.Sides) > 100 {
			return
		}
		steps, ok := evidence.Verify(piece)
		if ok != !slices.ContainsFunc(steps, func(s evidence.Step) bool { return !s.OK }) {
			t.Error(fmt.Sprint(steps))
		}
	})
}
