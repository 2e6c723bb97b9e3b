package relay

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func sampleEnvelope(body []byte) *types.Envelope {
	return &types.Envelope{Body: body, Signature: &types.Signature{
		Scheme: types.SignatureScheme_SIGNATURE_SCHEME_ED25519, PublicKey: bytes.Repeat([]byte{3}, 32), Value: bytes.Repeat([]byte{4}, 64),
	}}
}

// Envelopes are those of protobuf, and are taken apart without being copied.
func TestFrame(t *testing.T) {
	for _, size := range []int{1, 127, 128, 16383, 16384, MaxResponseBytes} {
		envelope := sampleEnvelope(make([]byte, size))
		want, err := proto.MarshalOptions{Deterministic: true}.Marshal(envelope)
		if err != nil {
			t.Fatal(err)
		}
		if got := frame(envelope.GetBody(), envelope.GetSignature().GetPublicKey(), envelope.GetSignature().GetValue()); !bytes.Equal(got, want) {
			t.Errorf("a body of %d bytes: another envelope", size)
		}
		if body, _, _, ok := framed(want); !ok || len(body) != size || &body[size-1] != &want[len(want)-framedBytes-1] {
			t.Errorf("a body of %d bytes: it is decoded", size)
		}
	}
}

// FuzzUnframe: an envelope that is taken apart is the one that protobuf decodes.
func FuzzUnframe(f *testing.F) {
	whole, err := proto.Marshal(sampleEnvelope([]byte("body")))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(append(bytes.Clone(whole), whole...))
	f.Add(append(bytes.Clone(whole), protowire.AppendVarint(protowire.AppendTag(nil, 1000, protowire.VarintType), 1)...))
	f.Add(append([]byte("\x0a\x84\x00"), whole[2:]...)) // a length in more bytes than it needs
	f.Fuzz(func(t *testing.T, data []byte) {
		body, publicKey, value, ok := framed(data)
		if !ok {
			return
		}
		want := new(types.Envelope)
		if err := proto.Unmarshal(data, want); err != nil {
			t.Fatal(err)
		}
		got := &types.Envelope{Body: body, Signature: &types.Signature{Scheme: 1, PublicKey: publicKey, Value: value}}
		if len(body) == 0 {
			got.Body = want.GetBody()
		}
		if !proto.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
