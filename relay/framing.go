package relay

import (
	"bytes"
	"crypto/ed25519"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// An envelope as seal writes it is its body's tag, length and bytes, and then these parts, each as long as it ever is.
const (
	bodyTag      = "\x0a"
	signatureTag = "\x12\x66\x08\x01\x12\x20" // the signature's tag and length, its scheme, and its public key's tag and length
	valueTag     = "\x1a\x40"
	framedBytes  = len(signatureTag) + ed25519.PublicKeySize + len(valueTag) + ed25519.SignatureSize
)

// frame returns an envelope, as protobuf encodes it.
func frame(body, publicKey, value []byte) []byte {
	envelope := make([]byte, 0, len(bodyTag)+protowire.SizeVarint(uint64(len(body)))+len(body)+framedBytes)
	envelope = append(envelope, bodyTag...)
	envelope = protowire.AppendBytes(envelope, body)
	envelope = append(append(envelope, signatureTag...), publicKey...)
	return append(append(envelope, valueTag...), value...)
}

// unframe returns an envelope without copying what is in it, if it is as frame writes it. Others are decoded.
func unframe(data []byte) (*types.Envelope, error) {
	if body, publicKey, value, ok := framed(data); ok {
		return &types.Envelope{Body: body, Signature: &types.Signature{
			Scheme: types.SignatureScheme_SIGNATURE_SCHEME_ED25519, PublicKey: publicKey, Value: value,
		}}, nil
	}
	envelope := new(types.Envelope)
	return envelope, proto.Unmarshal(data, envelope)
}

func framed(data []byte) (body, publicKey, value []byte, ok bool) {
	rest, ok := bytes.CutPrefix(data, []byte(bodyTag))
	if !ok {
		return nil, nil, nil, false
	}
	body, size := protowire.ConsumeBytes(rest)
	if size < 0 || len(rest)-size != framedBytes {
		return nil, nil, nil, false
	}
	if rest, ok = bytes.CutPrefix(rest[size:], []byte(signatureTag)); !ok {
		return nil, nil, nil, false
	}
	publicKey, rest = rest[:ed25519.PublicKeySize:ed25519.PublicKeySize], rest[ed25519.PublicKeySize:]
	value, ok = bytes.CutPrefix(rest, []byte(valueTag))
	return body[:len(body):len(body)], publicKey, value, ok
}
