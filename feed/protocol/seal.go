package protocol

import (
	"crypto/sha256"
	"encoding/hex"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// Version is the version of the format.
const Version = 1

// Sizes of parts of a statement, in bytes.
const (
	InstanceSize = 16
	DigestSize   = sha256.Size
	// MaxPlace is the longest name of a place.
	MaxPlace = 64
	// MaxDelivery is the largest message: what a NATS server takes by default (max_payload).
	MaxDelivery = 1 << 20
	// MaxContent is the largest round, session or gap: it leaves a message room for the other fields at their longest.
	MaxContent = MaxDelivery - 4<<10
)

// Place says where in a fisherman's feed a statement stands.
type Place struct {
	Network, RelayChain string
	// Name is the vantage point's.
	Name     string
	Instance [InstanceSize]byte
	// Sequence is 1 for the first statement about the relay chain.
	Sequence uint64
	// Previous is the digest of the statement before; it is not read for the first.
	Previous [DigestSize]byte
	// SignedUnixNano is when it is first published, nanoseconds since the Unix epoch.
	SignedUnixNano int64
}

// Sealed is a statement as it is published.
type Sealed struct {
	Subject string
	// MessageID is the same whenever the same content is sealed by the same instance.
	MessageID string
	// Delivery is the message's body.
	Delivery []byte
	// Digest is the statement's SHA-256, which the next one names.
	Digest [DigestSize]byte
}

// Seal signs content at its place. The same arguments give the same bytes, in every version of this program.
func Seal(key crypto.PrivateKey, place Place, content Content) Sealed {
	fisherman := key.Address()
	statement := place.encode(fisherman, content)
	var delivery []byte
	for i, field := range [][]byte{statement, key.PublicKey(), key.Sign(crypto.DomainFeed, statement)} {
		delivery = protowire.AppendTag(delivery, protowire.Number(i+1), protowire.BytesType)
		delivery = protowire.AppendBytes(delivery, field)
	}
	return Sealed{
		Subject:   Subject(place.Network, place.RelayChain, fisherman),
		MessageID: fisherman + "/" + hex.EncodeToString(place.Instance[:]) + "/" + content.id,
		Delivery:  delivery,
		Digest:    sha256.Sum256(statement),
	}
}

// encode returns the statement's bytes: its fields in the order of their numbers. A library's encoding may change between
// versions; a statement that is sealed again must not.
func (p *Place) encode(fisherman string, content Content) []byte {
	encoded := make([]byte, 0, len(content.body)+512)
	encoded = appendVarint(encoded, 1, Version)
	for i, text := range []string{p.Network, p.RelayChain, fisherman, p.Name} {
		encoded = protowire.AppendTag(encoded, protowire.Number(i+2), protowire.BytesType)
		encoded = protowire.AppendString(encoded, text)
	}
	encoded = protowire.AppendTag(encoded, 6, protowire.BytesType)
	encoded = protowire.AppendBytes(encoded, p.Instance[:])
	encoded = appendVarint(encoded, 7, p.Sequence)
	if p.Sequence > 1 {
		encoded = protowire.AppendTag(encoded, 8, protowire.BytesType)
		encoded = protowire.AppendBytes(encoded, p.Previous[:])
	}
	encoded = appendVarint(encoded, 9, uint64(p.SignedUnixNano))
	encoded = protowire.AppendTag(encoded, content.field, protowire.BytesType)
	encoded = protowire.AppendBytes(encoded, content.body)
	if content.withoutEnvelopes {
		encoded = appendVarint(encoded, 13, 1)
	}
	return encoded
}

// appendVarint appends a field; like every encoder of proto3, it leaves out a zero.
func appendVarint(encoded []byte, number protowire.Number, value uint64) []byte {
	if value == 0 {
		return encoded
	}
	return protowire.AppendVarint(protowire.AppendTag(encoded, number, protowire.VarintType), value)
}
