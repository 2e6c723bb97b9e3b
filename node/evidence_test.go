package node

import (
	"errors"
	"testing"

	"github.com/pocket-fisherman/fisherman/network/pocket/evidence"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// said is a sample of a servicer that answered a question, with its envelopes.
func said(t *testing.T, header *types.SessionHeader, name string, consistency types.Consistency, result string) *types.QoSSample {
	t.Helper()
	request, err := relay.SealRequest(key("fisherman"), &types.RelayRequest{Session: header, Servicer: key(name).Address(), Nonce: make([]byte, relay.NonceSize),
		Payload: &types.RelayRequest_JsonRpc{JsonRpc: &types.JSONRPCPayload{Body: []byte(`{"jsonrpc":"2.0","id":1,"method":"x"}`)}}})
	if err != nil {
		t.Fatal(err)
	}
	response, err := relay.SealResponse(key(name), &types.RelayResponse{RequestHash: request.BodyHash[:], Servicer: key(name).Address(),
		UpstreamStatus: 200, Payload: []byte(`{"jsonrpc":"2.0","id":1,"result":` + result + `}`)})
	if err != nil {
		t.Fatal(err)
	}
	return &types.QoSSample{Servicer: key(name).Address(), Outcome: types.Outcome_OUTCOME_OK, Consistency: consistency,
		RequestEnvelope: request.Envelope, ResponseEnvelope: response}
}

// What the API hands out can be checked by whoever gets it, but for what these samples lack: a digest.
func TestEvidenceIsSigned(t *testing.T) {
	header := &types.SessionHeader{Id: id("a"), RelayChain: "0001", GeoZone: "local", Application: always}
	session, prover := &types.QoSSession{Header: header}, proverOf(key("fisherman"))
	round := &types.QoSRound{SessionId: id("a"), Samples: []*types.QoSSample{
		said(t, header, "always", types.Consistency_CONSISTENCY_AGREE, "1"), said(t, header, "liar", types.Consistency_CONSISTENCY_DISAGREE, "2"),
	}}
	piece, err := prover.Of(session, round)
	if err := errors.Join(err, prover.Sign(&piece)); err != nil {
		t.Fatal(err)
	}
	steps, _ := evidence.Verify(piece)
	for _, step := range steps {
		if step.OK == (step.Claim == "the digest is that of the answer's canonical form") {
			t.Errorf("%+v", step)
		}
	}
	round.Samples[1].ResponseEnvelope = nil
	if _, err := prover.Of(session, round); !errors.Is(err, samples.ErrUnkept) {
		t.Errorf("without an envelope: %v", err)
	}
	round.Samples = round.Samples[:1]
	if _, err := prover.Of(session, round); !errors.Is(err, samples.ErrNoDisagreement) {
		t.Errorf("without a dissenter: %v", err)
	}
}
