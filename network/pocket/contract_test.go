package pocket_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/network/networktest"
	"github.com/pocket-fisherman/fisherman/network/networktest/memory"
	"github.com/pocket-fisherman/fisherman/network/pocket"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/wire"
)

// servicerSide acts for the servicers of the chain, whose keys it has by address.
type servicerSide map[string]crypto.PrivateKey

func (s servicerSide) open(t testing.TB, request []byte) *relay.OpenedRequest {
	t.Helper()
	read, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request)))
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := io.ReadAll(read.Body)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := relay.OpenRequest(envelope)
	if err != nil || !opened.VerifySignature() || read.URL.Path != relay.Path {
		t.Fatalf("at %s: %v", read.URL, err)
	}
	return opened
}

func (s servicerSide) read(t testing.TB, request []byte) (string, types.Payload) {
	opened := s.open(t, request)
	return opened.Request.GetServicer(), types.PayloadOf(opened.Request)
}

func (s servicerSide) seal(t testing.TB, request []byte, servicer *types.Actor, fill func(*types.RelayResponse)) *wire.Answer {
	t.Helper()
	hash, now := s.open(t, request).BodyHash, time.Now().UnixNano()
	response := &types.RelayResponse{RequestHash: hash[:], Servicer: servicer.GetAddress(), ReceivedUnixNano: now, AnsweredUnixNano: now}
	fill(response)
	envelope, err := relay.SealResponse(s[servicer.GetAddress()], response)
	if err != nil {
		t.Fatal(err)
	}
	return answered(http.StatusOK, relay.ContentType, envelope)
}

func (s servicerSide) answer(t testing.TB, request []byte, servicer *types.Actor, status uint32, payload []byte) *wire.Answer {
	return s.seal(t, request, servicer, func(r *types.RelayResponse) { r.UpstreamStatus, r.Payload = status, payload })
}

func (s servicerSide) refuse(t testing.TB, request []byte, servicer *types.Actor, refusal networktest.Refusal) *wire.Answer {
	code := map[networktest.Refusal]types.RelayErrorCode{
		networktest.Disputing:     types.RelayErrorCode_RELAY_ERROR_CODE_SESSION_NOT_CURRENT,
		networktest.OverAllowance: types.RelayErrorCode_RELAY_ERROR_CODE_OVER_ALLOWANCE,
		networktest.OfServicer:    types.RelayErrorCode_RELAY_ERROR_CODE_BUSY,
		networktest.OfNode:        types.RelayErrorCode_RELAY_ERROR_CODE_UPSTREAM_TIMEOUT,
	}[refusal]
	return s.seal(t, request, servicer, func(r *types.RelayResponse) { r.Error = &types.RelayError{Code: code, Message: "in words"} })
}

// Heads are the consensus engine's, which has the same contract to keep; here a memory network's pass through.
func TestNetworkKeepsTheContract(t *testing.T) {
	module := chain(t, 12, func(*genesis.Params) {})
	far := servicerSide{keyOf("servicer").Address(): keyOf("servicer"), keyOf("second servicer").Address(): keyOf("second servicer")}
	networktest.Run(t, func(*testing.T) networktest.Subject {
		heads, key := &memory.Network{}, keyOf("fisherman")
		return networktest.Subject{
			Network: pocket.New(heads, module, key),
			Publish: heads.Publish,
			Height:  12,
			Read:    far.read,
			Answer:  far.answer,
			Refuse:  far.refuse,
			Verify: func(request, response []byte) error {
				_, err := relay.OpenExchanged(request, response)
				return err
			},
			Secrets: []string{string(key.Bytes()), string(key.Bytes()[:32]), hex.EncodeToString(key.Bytes()[:32])},
		}
	})
}
