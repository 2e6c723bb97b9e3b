package relay_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

var malformedRequests = []struct {
	name  string
	spoil func(*types.RelayRequest)
	want  string
}{
	{"no session", func(r *types.RelayRequest) { r.Session = nil }, "no session"},
	{"session id too short", func(r *types.RelayRequest) { r.Session.Id = r.Session.Id[1:] }, "session"},
	{"session id in upper case", func(r *types.RelayRequest) { r.Session.Id = strings.ToUpper(r.Session.Id) }, "session"},
	{"session id too long to quote", func(r *types.RelayRequest) { r.Session.Id = strings.Repeat("a", 9999) }, "session has 9999 bytes"},
	{"negative start height", func(r *types.RelayRequest) { r.Session.StartHeight = -1 }, "start height -1"},
	{"no chain", func(r *types.RelayRequest) { r.Session.RelayChain = "" }, "relay chain"},
	{"ill-formed chain", func(r *types.RelayRequest) { r.Session.RelayChain = "abcd" }, "relay chain"},
	{"no zone", func(r *types.RelayRequest) { r.Session.GeoZone = "" }, "geo zone"},
	{"ill-formed zone", func(r *types.RelayRequest) { r.Session.GeoZone = "EU" }, "geo zone"},
	{"no application", func(r *types.RelayRequest) { r.Session.Application = "" }, "application"},
	{"ill-formed application", func(r *types.RelayRequest) { r.Session.Application = strings.Repeat("g", 40) }, "application"},
	{"no servicer", func(r *types.RelayRequest) { r.Servicer = "" }, "servicer"},
	{"no nonce", func(r *types.RelayRequest) { r.Nonce = nil }, "nonce has 0 bytes"},
	{"short nonce", func(r *types.RelayRequest) { r.Nonce = r.Nonce[1:] }, "nonce has 15 bytes"},
	{"long nonce", func(r *types.RelayRequest) { r.Nonce = append(r.Nonce, 0) }, "nonce has 17 bytes"},
	{"no payload", func(r *types.RelayRequest) { r.Payload = nil }, "no payload"},
	{"empty payload", func(r *types.RelayRequest) { r.GetJsonRpc().Body = nil }, "no payload"},
	{"unknown field", func(r *types.RelayRequest) { r.ProtoReflect().SetUnknown([]byte{0x78, 1}) }, "not known"},
	{"unknown field in the session", func(r *types.RelayRequest) { r.Session.ProtoReflect().SetUnknown([]byte{0x78, 1}) }, "not known"},
	{"unknown field in the payload", func(r *types.RelayRequest) { r.GetJsonRpc().ProtoReflect().SetUnknown([]byte{0x78, 1}) }, "not known"},
}

func TestMalformedRequests(t *testing.T) {
	for _, test := range malformedRequests {
		t.Run(test.name, func(t *testing.T) {
			request := sampleRequest()
			test.spoil(request)
			envelope := signedEnvelope(t, askerKey, crypto.DomainRelayRequest, marshal(t, request))
			_, err := relay.OpenRequest(marshal(t, envelope))
			if !errors.Is(err, relay.ErrMalformed) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("opened: got %v, want malformed with %q", err, test.want)
			}
			if len(err.Error()) > 256 {
				t.Errorf("error has %d bytes", len(err.Error()))
			}
			if _, err := relay.SealRequest(askerKey, request); !errors.Is(err, relay.ErrMalformed) {
				t.Errorf("sealed: got %v, want malformed", err)
			}
		})
	}
	if _, err := relay.SealRequest(askerKey, nil); !errors.Is(err, relay.ErrMalformed) {
		t.Errorf("nil request: %v", err)
	}
}

func TestRequestSizeLimit(t *testing.T) {
	request := sampleRequest()
	fill := func(n int) { request.GetJsonRpc().Body = bytes.Repeat([]byte(" "), n) }
	fill(relay.MaxRequestBytes - 1024)
	sealed, err := relay.SealRequest(askerKey, request)
	if err != nil {
		t.Fatal(err)
	}
	fill(relay.MaxRequestBytes - 1024 + relay.MaxRequestBytes - len(sealed.Envelope))
	if sealed, err = relay.SealRequest(askerKey, request); err != nil || len(sealed.Envelope) != relay.MaxRequestBytes {
		t.Fatalf("at the limit: %v", err)
	}
	if _, err := relay.OpenRequest(sealed.Envelope); err != nil {
		t.Errorf("open at the limit: %v", err)
	}
	fill(len(request.GetJsonRpc().GetBody()) + 1)
	if _, err := relay.SealRequest(askerKey, request); !errors.Is(err, relay.ErrMalformed) {
		t.Errorf("seal one over: %v", err)
	}
	over := marshal(t, signedEnvelope(t, askerKey, crypto.DomainRelayRequest, marshal(t, request)))
	if _, err := relay.OpenRequest(over); len(over) != relay.MaxRequestBytes+1 || !errors.Is(err, relay.ErrMalformed) {
		t.Errorf("open %d bytes: %v", len(over), err)
	}
}

// Whichever single bit of an envelope flips, it no longer opens to a verified request of the same signer.
func TestFlippedBitsOfRequest(t *testing.T) {
	sealed := sealSample(t)
	for i := range len(sealed.Envelope) * 8 {
		flipped := bytes.Clone(sealed.Envelope)
		flipped[i/8] ^= 1 << (i % 8)
		opened, err := relay.OpenRequest(flipped)
		if err == nil && opened.VerifySignature() {
			t.Errorf("bit %d of byte %d: still verified", i%8, i/8)
		}
	}
}

// The signature stands over the bytes as received: an encoding that means the same does not verify.
func TestSignatureIsOverReceivedBytes(t *testing.T) {
	var envelope types.Envelope
	if err := proto.Unmarshal(sealSample(t).Envelope, &envelope); err != nil {
		t.Fatal(err)
	}
	// A field given twice: the last one wins, so the meaning is that of the original.
	envelope.Body = append([]byte{0x20, 0x05}, envelope.Body...)
	opened, err := relay.OpenRequest(marshal(t, &envelope))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	if !proto.Equal(opened.Request, sampleRequest()) {
		t.Fatalf("the meaning changed: %v", opened.Request)
	}
	if opened.VerifySignature() {
		t.Error("verified although the bytes differ")
	}
}

func TestRequestSignedForAnotherPurpose(t *testing.T) {
	body := marshal(t, sampleRequest())
	opened, err := relay.OpenRequest(marshal(t, signedEnvelope(t, askerKey, crypto.DomainRelayResponse, body)))
	if err != nil {
		t.Fatal(err)
	}
	if opened.VerifySignature() {
		t.Error("a signature of another domain was taken")
	}
}

func TestRequestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := seededKey(rapid.Byte().Draw(t, "seed"))
		request := sampleRequest()
		request.Session.StartHeight = rapid.Int64Min(0).Draw(t, "start")
		request.Session.GeoZone = rapid.StringMatching(`[a-z0-9-]{1,32}`).Draw(t, "zone")
		request.Session.RelayChain = rapid.StringMatching(`[0-9A-F]{4}`).Draw(t, "chain")
		request.Nonce = rapid.SliceOfN(rapid.Byte(), relay.NonceSize, relay.NonceSize).Draw(t, "nonce")
		request.ClientTimeUnixNano = rapid.Int64().Draw(t, "time")
		request.GetJsonRpc().Body = rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "payload")
		sealed, err := relay.SealRequest(key, request)
		if err != nil {
			t.Fatalf("seal: %v", err)
		}
		opened, err := relay.OpenRequest(sealed.Envelope)
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		if !proto.Equal(opened.Request, request) || !opened.VerifySignature() || opened.SignerAddress() != key.Address() ||
			opened.BodyHash != sealed.BodyHash || sealed.Servicer != request.Servicer {
			t.Fatalf("opened otherwise than sealed: %v", opened.Request)
		}
	})
}

func FuzzOpenRequest(f *testing.F) {
	sealed := sealSample(f)
	f.Add(sealed.Envelope)
	f.Add([]byte{})
	f.Add(marshal(f, &types.Envelope{Body: []byte{1}, Signature: &types.Signature{Scheme: 1}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		opened, err := relay.OpenRequest(data)
		if err != nil {
			if !errors.Is(err, relay.ErrMalformed) || opened != nil {
				t.Fatalf("%v, %v", opened, err)
			}
			return
		}
		var outer types.Envelope
		if err := proto.Unmarshal(data, &outer); err != nil || opened.BodyHash != sha256.Sum256(outer.GetBody()) {
			t.Fatalf("hash is not that of the body: %v", err)
		}
		if len(opened.Request.GetNonce()) != relay.NonceSize || len(opened.Request.GetJsonRpc().GetBody()) == 0 {
			t.Fatalf("opened an incomplete request: %v", opened.Request)
		}
		// Only holders of the asker's key make envelopes that verify as the asker's.
		if opened.SignerAddress() == askerKey.Address() && opened.VerifySignature() && opened.BodyHash != sealed.BodyHash {
			t.Fatal("forged a request")
		}
	})
}
