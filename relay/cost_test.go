package relay_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pocket-fisherman/fisherman/internal/costs"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// dearEnvelopes are response envelopes of nearly the largest size that are made to cost much when they are opened. Their
// signatures are anybody's: a servicer can sign what it likes.
func dearEnvelopes() map[string][]byte {
	const size = relay.MaxResponseBytes - 256
	repeated := func(entry []byte) []byte { return bytes.Repeat(entry, size/len(entry)) }
	field := func(number protowire.Number, content []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), content)
	}
	number := (&types.RelayResponse{}).ProtoReflect().Descriptor().Fields().ByName("headers").Number()
	header := append(field(1, []byte("a")), field(2, nil)...)
	bodies := map[string][]byte{
		"empty headers":  repeated(field(number, nil)),
		"headers":        repeated(field(number, header)),
		"header of many": field(number, repeated(field(1, nil))),
		"payloads":       repeated(field(6, nil)),
		"large payloads": bytes.Repeat(field(6, make([]byte, 1000)), size/1003),
		"errors":         repeated(field(7, nil)),
		"error messages": field(7, repeated(field(2, []byte("x")))),
		"unknown":        repeated(protowire.AppendVarint(protowire.AppendTag(nil, 1000, protowire.VarintType), 1)),
		"unknown groups": repeated(append(protowire.AppendTag(nil, 100, protowire.StartGroupType), protowire.AppendTag(nil, 100, protowire.EndGroupType)...)),
		"deep groups":    bytes.Repeat(protowire.AppendTag(nil, 1, protowire.StartGroupType), size),
		"payload":        field(6, make([]byte, size)),
	}
	envelopes := make(map[string][]byte)
	for name, body := range bodies {
		signature := append(field(2, make([]byte, 32)), field(3, make([]byte, 64))...)
		signature = append(protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1), signature...)
		envelopes[name] = append(field(1, body), field(2, signature)...)
		envelopes[name+" outside"] = body
	}
	return envelopes
}

// Opening takes memory and time in proportion to the envelope.
func TestNoEnvelopeIsDear(t *testing.T) {
	want := sampleBinding([32]byte{})
	for name, envelope := range dearEnvelopes() {
		costs.Usual().Check(t, name, len(envelope), func() { _, _ = relay.OpenResponse(envelope, want) })
	}
}

// FuzzOpenCost: whatever is answered, opening it costs no more than the bounds.
func FuzzOpenCost(f *testing.F) {
	for _, envelope := range dearEnvelopes() {
		f.Add(envelope[:min(len(envelope), 2000)])
	}
	want := sampleBinding([32]byte{})
	f.Fuzz(func(t *testing.T, envelope []byte) {
		costs.Usual().Check(t, "input", len(envelope), func() { _, _ = relay.OpenResponse(envelope, want) })
	})
}
