package servicer_test

import (
	"crypto/sha256"
	"net"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// newFloor serves the least that a signed relay can be made of, with fasthttp on both sides, and returns its address. It
// reads an envelope, verifies its signature with a table of its one signer's key, asks the node and signs the answer. It checks
// nothing else: no session, nonce, allowance, place, form of the payload or size of the answer.
func newFloor(b *testing.B, node string) (address string) {
	b.Helper()
	client := &fasthttp.HostClient{
		Addr: node, MaxConns: 256, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
		NoDefaultUserAgentHeader: true, DisableHeaderNamesNormalizing: true, DisablePathNormalizing: true,
	}
	signer := crypto.NewVerifier(applicationKey.PublicKey())
	server := &fasthttp.Server{
		Handler:               func(ctx *fasthttp.RequestCtx) { leastRelay(ctx, signer, client, node) },
		NoDefaultServerHeader: true, NoDefaultDate: true, DisableHeaderNamesNormalizing: true,
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	b.Cleanup(func() {
		client.CloseIdleConnections()
		_ = server.Shutdown()
		if err := <-served; err != nil {
			b.Error(err)
		}
	})
	return listener.Addr().String()
}

// leastRelay answers one relay.
func leastRelay(ctx *fasthttp.RequestCtx, signer *crypto.Verifier, client *fasthttp.HostClient, node string) {
	received := time.Now().UnixNano()
	var envelope types.Envelope
	var asked types.RelayRequest
	if proto.Unmarshal(ctx.PostBody(), &envelope) != nil || proto.Unmarshal(envelope.GetBody(), &asked) != nil ||
		!signer.VerifyOnce(crypto.DomainRelayRequest, envelope.GetBody(), envelope.GetSignature().GetValue()) {
		ctx.SetStatusCode(fasthttp.StatusBadRequest)
		return
	}
	request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(request)
	defer fasthttp.ReleaseResponse(response)
	request.SetRequestURI("http://" + node + "/")
	request.Header.SetMethod(fasthttp.MethodPost)
	request.Header.SetContentType("application/json")
	request.SetBodyRaw(asked.GetJsonRpc().GetBody())
	if client.Do(request, response) != nil {
		ctx.SetStatusCode(fasthttp.StatusBadGateway)
		return
	}
	hash := sha256.Sum256(envelope.GetBody())
	body, _ := proto.Marshal(&types.RelayResponse{
		RequestHash: hash[:], Servicer: asked.GetServicer(), ReceivedUnixNano: received, AnsweredUnixNano: time.Now().UnixNano(),
		UpstreamStatus: uint32(response.StatusCode()), Payload: response.Body(),
	})
	answer, _ := proto.Marshal(&types.Envelope{Body: body, Signature: &types.Signature{
		Scheme:    types.SignatureScheme_SIGNATURE_SCHEME_ED25519,
		PublicKey: servicerKey.PublicKey(),
		Value:     servicerKey.Sign(crypto.DomainRelayResponse, body),
	}})
	ctx.SetContentType(relay.ContentType)
	ctx.SetBody(answer)
}
