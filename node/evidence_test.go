package node

import (
	"errors"
	"fmt"
	"testing"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/fisherman/evidence"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
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

// disputes is a fisherman with sessions a to d of three checks each; "liar" contradicts "always" in the first two, and in
// the third of session d its envelopes are not kept.
func disputes(t *testing.T) evidenceReader {
	t.Helper()
	store, err := local.Open(t.TempDir(), local.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	for i, letter := range []string{"a", "b", "c", "d"} {
		header := &types.SessionHeader{Id: id(letter), StartHeight: int64(10 * i), RelayChain: "0001", GeoZone: "local", Application: always}
		if err := store.PutSession(t.Context(), &types.QoSSession{Header: header, Blocks: 10, LatencySla: durationpb.New(1)}); err != nil {
			t.Fatal(err)
		}
		for check := range uint32(3) {
			round := &types.QoSRound{SessionId: id(letter), Index: check, Status: types.RoundStatus_ROUND_STATUS_DONE, Samples: []*types.QoSSample{
				said(t, header, "always", types.Consistency_CONSISTENCY_AGREE, "1"), said(t, header, "liar", types.Consistency_CONSISTENCY_DISAGREE, "2"),
			}}
			switch {
			case check == 2 && letter == "d":
				round.Samples[1].ResponseEnvelope = nil
			case check == 2:
				round.Samples = round.Samples[:1]
			}
			if err := store.PutRound(t.Context(), round); err != nil {
				t.Fatal(err)
			}
		}
	}
	made, err := fisherman.New(fisherman.Config{BlockInterval: 1}, nil, nil, nil, nil, store)
	if err != nil {
		t.Fatal(err)
	}
	return evidenceReader{fisherman: made, key: key("fisherman")}
}

// places lists a page's checks, as in "d1 d0", and where the next begins.
func places(page qos.EvidencePage) (text string) {
	for _, piece := range page.Evidence {
		text += fmt.Sprintf("%s%d ", piece.Session.ID[:1], piece.Check)
	}
	if page.Next != nil {
		text += fmt.Sprintf("before %s%d ", page.Next.Session[:1], page.Next.Check)
	}
	if page.Unkept > 0 {
		text += fmt.Sprintf("unkept %d ", page.Unkept)
	}
	return text
}

func TestEvidenceAdmitsWhatTheFilterSays(t *testing.T) {
	reader, one, seven := disputes(t), uint32(1), uint32(7)
	for _, test := range []struct {
		name   string
		filter rpc.EvidenceFilter
		want   string
		err    error
	}{
		{name: "newest first", filter: rpc.EvidenceFilter{Limit: 100}, want: "d1 d0 c1 c0 b1 b0 a1 a0 unkept 1 "},
		{name: "first page", filter: rpc.EvidenceFilter{Limit: 3}, want: "d1 d0 c1 before c1 unkept 1 "},
		{name: "next page", filter: rpc.EvidenceFilter{Limit: 3, Before: &qos.EvidencePlace{Session: id("c"), Check: 1}}, want: "c0 b1 b0 before b0 "},
		{name: "last page", filter: rpc.EvidenceFilter{Limit: 2, Before: &qos.EvidencePlace{Session: id("b"), Check: 0}}, want: "a1 a0 "},
		{name: "nothing older", filter: rpc.EvidenceFilter{Limit: 2, Before: &qos.EvidencePlace{Session: id("a"), Check: 0}}},
		{name: "pruned meanwhile", filter: rpc.EvidenceFilter{Limit: 2, Before: &qos.EvidencePlace{Session: id("0"), Check: 0}}},
		{name: "one session", filter: rpc.EvidenceFilter{Limit: 9, SessionID: id("b")}, want: "b1 b0 "},
		{name: "one check", filter: rpc.EvidenceFilter{Limit: 9, Check: &one}, want: "d1 c1 b1 a1 "},
		{name: "no such check", filter: rpc.EvidenceFilter{Limit: 9, Check: &seven}},
		{name: "the liar's", filter: rpc.EvidenceFilter{Limit: 2, Servicer: key("liar").Address()}, want: "d1 d0 before d0 unkept 1 "},
		{name: "a stranger's", filter: rpc.EvidenceFilter{Limit: 2, Servicer: late}},
		{name: "unknown session", filter: rpc.EvidenceFilter{Limit: 2, SessionID: id("0")}, err: modules.ErrUnknownSession},
	} {
		t.Run(test.name, func(t *testing.T) {
			page, err := reader.page(t.Context(), test.filter)
			if !errors.Is(err, test.err) || places(page) != test.want {
				t.Errorf("%q, %v; want %q, %v", places(page), err, test.want, test.err)
			}
		})
	}
}

// What the API hands out can be checked by whoever gets it, but for what these samples lack: a digest.
func TestEvidenceIsSigned(t *testing.T) {
	page, err := disputes(t).page(t.Context(), rpc.EvidenceFilter{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	steps, _ := evidence.Verify(page.Evidence[0])
	for _, step := range steps {
		if step.OK == (step.Claim == "the digest is that of the answer's canonical form") {
			t.Errorf("%+v", step)
		}
	}
}

func TestEvidenceOfANodeWithoutFisherman(t *testing.T) {
	if _, err := (evidenceReader{}).page(t.Context(), rpc.EvidenceFilter{Limit: 1}); !errors.Is(err, rpc.ErrNoFisherman) {
		t.Errorf("error %v", err)
	}
}
