package relay_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

func refuse(r *types.RelayResponse) {
	r.Payload = nil
	r.Error = &types.RelayError{Code: types.RelayErrorCode_RELAY_ERROR_CODE_BUSY, Message: "busy"}
}

func TestResponseRoundTrip(t *testing.T) {
	sealed := sealSample(t)
	for name, change := range map[string]func(*types.RelayResponse){
		"answer":               func(*types.RelayResponse) {},
		"signed error":         refuse,
		"error without text":   func(r *types.RelayResponse) { refuse(r); r.Error.Message = "" },
		"error of later times": func(r *types.RelayResponse) { refuse(r); r.Error.Code = 250 },
		"longest error text":   func(r *types.RelayResponse) { refuse(r); r.Error.Message = strings.Repeat("ü", 128) },
		"empty with a status":  func(r *types.RelayResponse) { r.Payload, r.UpstreamStatus = nil, 204 },
		"header":               func(r *types.RelayResponse) { r.Headers = []*types.HTTPHeader{{Name: "Etag", Value: "7"}} },
		"unknown field":        func(r *types.RelayResponse) { r.ProtoReflect().SetUnknown([]byte{0x78, 1}) },
		"largest payload": func(r *types.RelayResponse) {
			r.Payload = bytes.Repeat([]byte(" "), relay.MaxResponsePayloadBytes)
			r.ReceivedUnixNano, r.AnsweredUnixNano, r.UpstreamStatus = -1, -1, 999
		},
	} {
		t.Run(name, func(t *testing.T) {
			response := sampleResponse(sealed.BodyHash)
			change(response)
			envelope, err := relay.SealResponse(servicerKey, response)
			if err != nil {
				t.Fatalf("seal: %v", err)
			}
			opened, err := relay.OpenResponse(envelope, sampleBinding(sealed.BodyHash))
			if err != nil {
				t.Fatalf("open: %v", err)
			}
			if !proto.Equal(opened, response) {
				t.Errorf("opened %v, want %v", opened, response)
			}
		})
	}
}

func TestMalformedResponses(t *testing.T) {
	sealed := sealSample(t)
	for _, test := range []struct {
		name  string
		spoil func(*types.RelayResponse)
		want  string
	}{
		{"no hash", func(r *types.RelayResponse) { r.RequestHash = nil }, "hash has 0 bytes"},
		{"short hash", func(r *types.RelayResponse) { r.RequestHash = r.RequestHash[1:] }, "hash has 31 bytes"},
		{"no servicer", func(r *types.RelayResponse) { r.Servicer = "" }, "servicer"},
		{"nothing in it", func(r *types.RelayResponse) { r.Payload, r.UpstreamStatus = nil, 0 }, "neither payload nor error"},
		{"error with headers", func(r *types.RelayResponse) { refuse(r); r.Headers = []*types.HTTPHeader{{Name: "A"}} }, "both"},
		{"header of two lines", func(r *types.RelayResponse) { r.Headers = []*types.HTTPHeader{{Name: "A", Value: "b\r\nC: d"}} }, "value of header"},
		{"both payload and error", func(r *types.RelayResponse) { p := r.Payload; refuse(r); r.Payload = p }, "both"},
		{"error without code", func(r *types.RelayResponse) { refuse(r); r.Error.Code = 0 }, "no code"},
		{"error text too long", func(r *types.RelayResponse) { refuse(r); r.Error.Message = strings.Repeat("x", 257) }, "257 bytes"},
		{"error text with escape", func(r *types.RelayResponse) { refuse(r); r.Error.Message = "\x1b[2J" }, "unprintable"},
		{"error text of two lines", func(r *types.RelayResponse) { refuse(r); r.Error.Message = "a\nb" }, "unprintable"},
		{"status below", func(r *types.RelayResponse) { r.UpstreamStatus = 99 }, "status 99"},
		{"status above", func(r *types.RelayResponse) { r.UpstreamStatus = 1000 }, "status 1000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			response := sampleResponse(sealed.BodyHash)
			test.spoil(response)
			envelope := signedEnvelope(t, servicerKey, crypto.DomainRelayResponse, marshal(t, response))
			_, err := relay.OpenResponse(marshal(t, envelope), sampleBinding(sealed.BodyHash))
			if !errors.Is(err, relay.ErrMalformed) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("opened: got %v, want malformed with %q", err, test.want)
			}
			if _, err := relay.SealResponse(servicerKey, response); !errors.Is(err, relay.ErrMalformed) {
				t.Errorf("sealed: got %v, want malformed", err)
			}
		})
	}
}

func TestResponseSizeLimit(t *testing.T) {
	sealed := sealSample(t)
	response := sampleResponse(sealed.BodyHash)
	response.Payload = bytes.Repeat([]byte(" "), relay.MaxResponseBytes)
	if _, err := relay.SealResponse(servicerKey, response); !errors.Is(err, relay.ErrMalformed) {
		t.Errorf("seal: %v", err)
	}
	envelope := marshal(t, signedEnvelope(t, servicerKey, crypto.DomainRelayResponse, marshal(t, response)))
	if _, err := relay.OpenResponse(envelope, sampleBinding(sealed.BodyHash)); !errors.Is(err, relay.ErrMalformed) {
		t.Errorf("open: %v", err)
	}
}

// The order of the checks is part of the contract: form, then key and signature, then binding.
func TestResponseOfTheWrongKindOfWrong(t *testing.T) {
	sealed := sealSample(t)
	other := [32]byte{1}
	seal := func(key crypto.PrivateKey, domain crypto.Domain, change func(*types.RelayResponse)) []byte {
		response := sampleResponse(sealed.BodyHash)
		change(response)
		return marshal(t, signedEnvelope(t, key, domain, marshal(t, response)))
	}
	same := func(*types.RelayResponse) {}
	elsewhere := func(r *types.RelayResponse) { r.RequestHash = other[:] }
	otherName := func(r *types.RelayResponse) { r.Servicer = strangerKey.Address() }
	spoiled := func(r *types.RelayResponse) { r.RequestHash = nil }
	for _, test := range []struct {
		name     string
		envelope []byte
		want     error
	}{
		{"well", seal(servicerKey, crypto.DomainRelayResponse, same), nil},
		{"another request", seal(servicerKey, crypto.DomainRelayResponse, elsewhere), relay.ErrWrongBinding},
		{"another servicer's name", seal(servicerKey, crypto.DomainRelayResponse, otherName), relay.ErrWrongBinding},
		{"another key", seal(strangerKey, crypto.DomainRelayResponse, same), relay.ErrBadSignature},
		{"another key and name", seal(strangerKey, crypto.DomainRelayResponse, otherName), relay.ErrBadSignature},
		{"another key, another request", seal(strangerKey, crypto.DomainRelayResponse, elsewhere), relay.ErrBadSignature},
		{"another domain", seal(servicerKey, crypto.DomainRelayRequest, same), relay.ErrBadSignature},
		{"another domain, another request", seal(servicerKey, crypto.DomainRelayRequest, elsewhere), relay.ErrBadSignature},
		{"malformed by another key", seal(strangerKey, crypto.DomainRelayResponse, spoiled), relay.ErrMalformed},
		{"the request itself", sealed.Envelope, relay.ErrMalformed},
	} {
		response, err := relay.OpenResponse(test.envelope, sampleBinding(sealed.BodyHash))
		if !errors.Is(err, test.want) || (err == nil) != (response != nil) {
			t.Errorf("%s: got %v, %v, want %v", test.name, response, err, test.want)
		}
	}
	for _, key := range [][]byte{nil, {1}, strangerKey.PublicKey()} {
		want := sampleBinding(sealed.BodyHash)
		want.PublicKey = key
		_, err := relay.OpenResponse(seal(servicerKey, crypto.DomainRelayResponse, same), want)
		if !errors.Is(err, relay.ErrBadSignature) {
			t.Errorf("expecting key %x: got %v", key, err)
		}
	}
}

func TestFlippedBitsOfResponse(t *testing.T) {
	sealed := sealSample(t)
	envelope, err := relay.SealResponse(servicerKey, sampleResponse(sealed.BodyHash))
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(envelope) * 8 {
		flipped := bytes.Clone(envelope)
		flipped[i/8] ^= 1 << (i % 8)
		if _, err := relay.OpenResponse(flipped, sampleBinding(sealed.BodyHash)); !errors.Is(err, relay.ErrMalformed) && !errors.Is(err, relay.ErrBadSignature) {
			t.Errorf("bit %d of byte %d: %v", i%8, i/8, err)
		}
	}
}

func FuzzOpenResponse(f *testing.F) {
	sealed := sealSample(f)
	for _, change := range []func(*types.RelayResponse){func(*types.RelayResponse) {}, refuse} {
		response := sampleResponse(sealed.BodyHash)
		change(response)
		envelope, err := relay.SealResponse(servicerKey, response)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(envelope)
	}
	f.Add([]byte{})
	want := sampleBinding(sealed.BodyHash)
	f.Fuzz(func(t *testing.T, data []byte) {
		response, err := relay.OpenResponse(data, want)
		switch {
		case err == nil:
			if !bytes.Equal(response.GetRequestHash(), want.RequestHash[:]) || response.GetServicer() != want.Servicer {
				t.Fatalf("opened an unbound answer: %v", response)
			}
			if (response.GetError() == nil) == (len(response.GetPayload()) == 0) {
				t.Fatalf("opened neither or both of answer and error: %v", response)
			}
		case response != nil:
			t.Fatalf("both an answer and %v", err)
		case !errors.Is(err, relay.ErrMalformed) && !errors.Is(err, relay.ErrBadSignature) && !errors.Is(err, relay.ErrWrongBinding):
			t.Fatalf("not a sentinel: %v", err)
		}
	})
}
