package relay

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// Limits and names that both ends of a relay agree on.
const (
	// MaxRequestBytes is the largest request envelope, in bytes, that is sealed or opened.
	MaxRequestBytes = 64 << 10
	// MaxResponseBytes is the largest response envelope, in bytes, that is sealed or opened.
	MaxResponseBytes = 1 << 20
	// MaxResponsePayloadBytes is the largest payload of a response. The rest of the envelope (hash, servicer, times,
	// key, signature, field tags) stays well below the 1 KiB that is kept for it.
	MaxResponsePayloadBytes = MaxResponseBytes - 1<<10
	// NonceSize is the length of a request's nonce in bytes.
	NonceSize = 16
	// Path is where a servicer takes relays, by POST.
	Path = "/v1/relay"
	// ContentType is the media type of both envelopes.
	ContentType = "application/x-protobuf"
)

// Sentinels on which the opener of an envelope decides.
var (
	// ErrMalformed: the bytes are not a well-formed envelope, body or payload. The error's text says what is wrong.
	ErrMalformed = errors.New("malformed")
	// ErrBadSignature: the signature does not fit the body, or is another key's than the servicer's.
	ErrBadSignature = errors.New("bad signature")
	// ErrWrongBinding: correctly signed, but for another request or in the name of another servicer.
	ErrWrongBinding = errors.New("wrong binding")
)

// BodyHash is the SHA-256 of an envelope's body: what a response is bound to. It looks no further than the outer
// message, so that a refusal can be bound to a request that is malformed inside. It is false, and the hash zero, when
// there is no body.
func BodyHash(envelope []byte) (hash [sha256.Size]byte, ok bool) {
	outer, err := readEnvelope(envelope)
	if err != nil || len(outer.GetBody()) == 0 {
		return hash, false
	}
	return sha256.Sum256(outer.GetBody()), true
}

// tagged returns what is signed of a body: its encoding behind the domain's tag.
func tagged(domain crypto.Domain, message proto.Message) ([]byte, error) {
	tag := crypto.AppendTag(make([]byte, 0, usualMessage), domain)
	signed, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(tag, message)
	if err != nil {
		return nil, fmt.Errorf("%w: the body cannot be encoded: %w", ErrMalformed, err)
	}
	return signed, nil
}

// wrap signs a tagged body and appends its envelope to what before returns for the envelope's size. Errors: ErrMalformed, for an
// envelope above the limit.
func wrap(key crypto.PrivateKey, domain crypto.Domain, signed []byte, limit int, before func(size int) []byte) (whole, envelope, body []byte, err error) {
	body = signed[len(domain)+1:]
	size := sizeOf(body)
	if err := checkSize(size, limit); err != nil {
		return nil, nil, nil, err
	}
	whole = layOut(before(size), key, body, key.SignTagged(signed))
	return whole, whole[len(whole)-size:], body, nil
}

// alone has nothing stand before an envelope.
func alone(size int) []byte { return make([]byte, 0, size) }

// checkSize returns an error for an envelope of a size above a limit.
func checkSize(size, limit int) error {
	if size > limit {
		return malformed("the envelope has %d bytes, more than %d", size, limit)
	}
	return nil
}

// parseEnvelope reads the outer message and checks its form. Unknown fields are refused: they are outside of the
// signature, so anybody on the way could have added them. What is returned may be a part of the data, which must not be
// changed while it is used.
func parseEnvelope(data []byte, limit int) (*types.Envelope, error) {
	if err := checkSize(len(data), limit); err != nil {
		return nil, err
	}
	envelope, err := readEnvelope(data)
	if err != nil {
		return nil, malformed("the envelope is not a protobuf message")
	}
	signature := envelope.GetSignature()
	switch {
	case len(envelope.GetBody()) == 0:
		return nil, malformed("the envelope has no body")
	case signature == nil:
		return nil, malformed("the envelope has no signature")
	case signature.GetScheme() != types.SignatureScheme_SIGNATURE_SCHEME_ED25519:
		return nil, malformed("signature scheme %d is not known", signature.GetScheme())
	case len(signature.GetPublicKey()) != ed25519.PublicKeySize:
		return nil, malformed("the public key has %d bytes, not %d", len(signature.GetPublicKey()), ed25519.PublicKeySize)
	case len(signature.GetValue()) != ed25519.SignatureSize:
		return nil, malformed("the signature has %d bytes, not %d", len(signature.GetValue()), ed25519.SignatureSize)
	case hasUnknown(envelope) || hasUnknown(signature):
		return nil, malformed("the envelope has fields that are not known")
	}
	return envelope, nil
}

// readEnvelope takes an envelope apart, or decodes it.
func readEnvelope(data []byte) (*types.Envelope, error) {
	if taken, ok := takeApart(data); ok {
		return taken.envelope(), nil
	}
	envelope := new(types.Envelope)
	return envelope, proto.Unmarshal(data, envelope)
}

func hasUnknown(message proto.Message) bool { return len(message.ProtoReflect().GetUnknown()) > 0 }

// usualMessage has room for most of what is signed, in bytes.
const usualMessage = 768

// maxTextBytes is the longest identifier; longer ones are not quoted in an error.
const maxTextBytes = 64

func checkText(name, value string, check func(string) error) error {
	if len(value) > maxTextBytes {
		return malformed("%s has %d bytes, more than %d", name, len(value), maxTextBytes)
	}
	if err := check(value); err != nil {
		return malformed("%s %w", name, err)
	}
	return nil
}

func malformed(format string, arguments ...any) error {
	return fmt.Errorf("%w: %w", ErrMalformed, fmt.Errorf(format, arguments...))
}
