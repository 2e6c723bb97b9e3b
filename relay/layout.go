package relay

import (
	"crypto/ed25519"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// An envelope is laid out as the protobuf library writes it: body, then signature, whose parts have one size each.
//
//	0a LENGTH BODY 12 66 08 01 12 20 PUBLIC-KEY 1a 40 VALUE
const (
	bodyTag      = 0x0a
	signatureTag = "\x12\x66\x08\x01\x12\x20"
	valueTag     = "\x1a\x40"
	// signatureSize is of everything behind the body.
	signatureSize = len(signatureTag) + ed25519.PublicKeySize + len(valueTag) + ed25519.SignatureSize
)

// sizeOf returns how many bytes the envelope of a body has.
func sizeOf(body []byte) int { return 1 + protowire.SizeBytes(len(body)) + signatureSize }

// layOut appends the envelope of a body.
func layOut(to []byte, key crypto.PrivateKey, body, value []byte) []byte {
	to = protowire.AppendBytes(append(to, bodyTag), body)
	to = key.AppendPublicKey(append(to, signatureTag...))
	return append(append(to, valueTag...), value...)
}

// parts are those of an envelope whose signature is of our scheme.
type parts struct{ body, publicKey, value []byte }

// envelope returns the envelope that has the parts.
func (p *parts) envelope() *types.Envelope {
	return &types.Envelope{Body: p.body, Signature: &types.Signature{
		Scheme: types.SignatureScheme_SIGNATURE_SCHEME_ED25519, PublicKey: p.publicKey, Value: p.value,
	}}
}

// takeApart returns the parts of an envelope that is laid out so and has a body; they are not copied. Others, which may be
// well formed, are for the protobuf library to read.
func takeApart(data []byte) (taken parts, ok bool) {
	if len(data) == 0 || data[0] != bodyTag {
		return parts{}, false
	}
	body, size := protowire.ConsumeBytes(data[1:])
	if size < 0 || len(body) == 0 || len(data) != 1+size+signatureSize {
		return parts{}, false
	}
	rest := data[1+size:]
	publicKey := rest[len(signatureTag):][:ed25519.PublicKeySize]
	value := rest[signatureSize-ed25519.SignatureSize:]
	if string(rest[:len(signatureTag)]) != signatureTag || string(rest[len(signatureTag)+len(publicKey):][:len(valueTag)]) != valueTag {
		return parts{}, false
	}
	return parts{body: body, publicKey: publicKey, value: value}, true
}
