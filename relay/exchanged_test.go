package relay_test

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// altered changes an envelope without signing it again.
func altered(t *testing.T, envelope []byte, change func(*types.Envelope)) []byte {
	t.Helper()
	outer := new(types.Envelope)
	if err := proto.Unmarshal(envelope, outer); err != nil {
		t.Fatal(err)
	}
	change(outer)
	changed, err := proto.Marshal(outer)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestOpenExchanged(t *testing.T) {
	request := sealSample(t)
	answer := func(key crypto.PrivateKey, change func(*types.RelayResponse)) []byte {
		response := sampleResponse(request.BodyHash)
		change(response)
		sealed, err := relay.SealResponse(key, response)
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	good := answer(servicerKey, func(*types.RelayResponse) {})
	opened, err := relay.OpenExchanged(request.Envelope, good)
	if err != nil {
		t.Fatal(err)
	}
	if opened.Signer != askerKey.Address() || opened.RequestHash != request.BodyHash ||
		!proto.Equal(opened.Request, sampleRequest()) || !proto.Equal(opened.Response, sampleResponse(request.BodyHash)) {
		t.Errorf("opened %+v", opened)
	}
	breakSignature := func(e *types.Envelope) { e.Signature.Value[0] ^= 1 }
	for name, test := range map[string]struct {
		request, response []byte
		want              error
	}{
		"no request":         {nil, good, relay.ErrMalformed},
		"no response":        {request.Envelope, nil, relay.ErrMalformed},
		"request altered":    {altered(t, request.Envelope, breakSignature), good, relay.ErrBadSignature},
		"response altered":   {request.Envelope, altered(t, good, breakSignature), relay.ErrBadSignature},
		"another's answer":   {request.Envelope, answer(strangerKey, func(*types.RelayResponse) {}), relay.ErrBadSignature},
		"in another's name":  {request.Envelope, answer(servicerKey, func(r *types.RelayResponse) { r.Servicer = strangerKey.Address() }), relay.ErrWrongBinding},
		"to another request": {request.Envelope, answer(servicerKey, func(r *types.RelayResponse) { r.RequestHash[0] ^= 1 }), relay.ErrWrongBinding},
	} {
		if _, err := relay.OpenExchanged(test.request, test.response); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}
