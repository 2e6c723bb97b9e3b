package node

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	answered "github.com/pocket-fisherman/fisherman/network/shannon/evidence"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// supplierKey is a key of the live Pocket network.
func supplierKey(t *testing.T, n byte) *protocol.PrivateKey {
	t.Helper()
	made, err := protocol.NewPrivateKey(bytes.Repeat([]byte{n}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// supplied is a supplier's sample, as a fisherman stores it of an answer.
func supplied(t *testing.T, header *protocol.SessionHeader, n byte, consistency types.Consistency, result string) *types.QoSSample {
	t.Helper()
	app, supplier := supplierKey(t, 1), supplierKey(t, n)
	signer, err := protocol.NewSigner(app, [][]byte{app.PublicKey(), app.PublicKey()})
	if err != nil {
		t.Fatal(err)
	}
	asked := types.Payload{JSONRPC: []byte(`{"jsonrpc":"2.0","id":1,"method":"x"}`)}
	request, err := protocol.Seal(signer, header, protocol.Target{Address: supplier.Address(), PublicKey: supplier.PublicKey(), KeyHeight: 30, URL: "https://s.example"}, asked)
	if err != nil {
		t.Fatal(err)
	}
	var relay protocol.RelayRequest
	var inner protocol.POKTHTTPRequest
	var sent struct{ ID json.Number }
	if err := errors.Join(proto.Unmarshal(request.Body, &relay), proto.Unmarshal(relay.GetPayload(), &inner), json.Unmarshal(inner.GetBody(), &sent)); err != nil {
		t.Fatal(err)
	}
	payload, err := proto.Marshal(&protocol.POKTHTTPResponse{StatusCode: http.StatusOK, Body: []byte(`{"jsonrpc":"2.0","id":` + sent.ID.String() + `,"result":` + result + `}`)})
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(payload)
	response := &protocol.RelayResponse{Meta: &protocol.RelayResponseMetadata{SessionHeader: header}, Payload: payload, PayloadHash: hash[:]}
	signed, err := response.SignedHash()
	if err != nil {
		t.Fatal(err)
	}
	response.Meta.SupplierOperatorSignature = supplier.Sign(signed[:])
	body, err := proto.Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	reply, failure := request.Open(&wire.Answer{Status: http.StatusOK, Header: http.Header{}, Body: body})
	if failure != nil {
		t.Fatal(failure)
	}
	digest := verify.ReadAnswer(asked, reply.Status, reply.Payload, types.CompareForm_COMPARE_FORM_JSON).Digest
	return &types.QoSSample{Servicer: supplier.Address(), ServiceUrl: "https://s.example", Outcome: types.Outcome_OUTCOME_OK, Consistency: consistency,
		AnswerDigest: digest[:], RequestEnvelope: request.Evidence(), ResponseEnvelope: body}
}

// Of a group of the live Pocket network the piece that is handed out holds, whatever the group is called, and though it is
// not configured any more.
func TestEvidenceOfSuppliers(t *testing.T) {
	header := &protocol.SessionHeader{ApplicationAddress: supplierKey(t, 1).Address(), ServiceId: "eth", SessionId: strings.Repeat("ab", 32),
		SessionStartBlockHeight: 21, SessionEndBlockHeight: 40}
	session := &types.QoSSession{Header: &types.SessionHeader{Id: header.GetSessionId(), StartHeight: 21, RelayChain: "my group", Application: header.GetApplicationAddress()}}
	round := &types.QoSRound{SessionId: header.GetSessionId(), Samples: []*types.QoSSample{
		supplied(t, header, 10, types.Consistency_CONSISTENCY_AGREE, "1"), supplied(t, header, 11, types.Consistency_CONSISTENCY_DISAGREE, "2"),
	}}
	piece, err := unsigned().Of(session, round)
	if err != nil {
		t.Fatal(err)
	}
	steps, ok := answered.Verify(piece)
	if !ok || piece.Proof != api.EvidenceProofAnswerSigned || piece.Session.RelayChain != "eth" || piece.Signature != "" {
		t.Errorf("%+v: %+v", piece, steps)
	}
	round.Samples[1].ResponseEnvelope = nil
	if _, err := unsigned().Of(session, round); !errors.Is(err, samples.ErrUnkept) {
		t.Errorf("without a relay: %v", err)
	}
	round.Samples = round.Samples[:1]
	if _, err := unsigned().Of(session, round); !errors.Is(err, samples.ErrNoDisagreement) {
		t.Errorf("without a dissenter: %v", err)
	}
}
