package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/pokt-network/go-dleq/types"
	ring "github.com/pokt-network/ring-go"

	"github.com/pocket-fisherman/fisherman/shared/account"
)

// MaxRing is the most keys in a ring: an application with the gateways that it delegates to, or has left lately.
const MaxRing = 64

// Form of a serialised ring signature: size, challenge, key image, then a scalar and a key for each member.
const (
	ringSizeBytes   = 4
	scalarSize      = 32
	ringHeaderBytes = ringSizeBytes + scalarSize + PublicKeySize
	ringMemberBytes = scalarSize + PublicKeySize
)

// Sentinels of rings.
var (
	// ErrNotInRing is returned when the key is neither the application's nor that of a gateway of its ring.
	ErrNotInRing = errors.New("the key is not in the application's ring")
	// ErrRing is returned for what is not a ring: fewer than 2 or more than MaxRing keys, or one that is no key.
	ErrRing = errors.New("not a ring")
	// ErrRingSignature is returned for what is not a valid ring signature.
	ErrRingSignature = errors.New("not a valid ring signature")
)

// RingAddresses returns whose keys are in an application's ring in a session that ends at a height: the application, then
// the gateways that it delegates to, then, in order of their addresses, those that it left in the session or later. An
// application without gateways is in its ring twice, since a ring has at least two keys.
func RingAddresses(application *Application, sessionEnd int64) []string {
	addresses := append([]string{application.GetAddress()}, application.GetDelegateeGatewayAddresses()...)
	var left []string
	for height, gateways := range application.GetPendingUndelegations() {
		if sessionEnd < 0 || height >= uint64(sessionEnd) {
			left = append(left, gateways.GetGatewayAddresses()...)
		}
	}
	slices.Sort(left)
	for _, gateway := range left {
		if !slices.Contains(addresses, gateway) {
			addresses = append(addresses, gateway)
		}
	}
	if len(addresses) == 1 {
		addresses = append(addresses, addresses[0])
	}
	return addresses
}

// Signer signs the requests of one session: for one key and the ring of the session's application. What does not change
// from one signature to the next is computed once. Many goroutines may use it.
type Signer struct {
	key   types.Scalar
	ring  [][]byte
	slots sync.Pool // of *signingSlot
}

// signingSlot is what one signature at a time is made with: the library writes into its points.
type signingSlot struct {
	ring    *ring.Ring
	context *ring.SignerContext
}

// NewSigner returns the signer of a key for a ring of compressed public keys, the application's first. Errors: ErrRing,
// ErrNotInRing.
func NewSigner(key *PrivateKey, keys [][]byte) (*Signer, error) {
	scalar, err := ring.Secp256k1().DecodeToScalar(key.Bytes())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	s := &Signer{key: scalar, ring: make([][]byte, len(keys))}
	for i, member := range keys {
		s.ring[i] = slices.Clone(member)
	}
	if !slices.ContainsFunc(keys, func(member []byte) bool { return slices.Equal(member, key.PublicKey()) }) {
		if _, err := newRing(s.ring); err != nil {
			return nil, err
		}
		return nil, ErrNotInRing
	}
	slot, err := s.newSlot()
	if err != nil {
		return nil, err
	}
	s.slots.Put(slot)
	return s, nil
}

func (s *Signer) newSlot() (*signingSlot, error) {
	members, err := newRing(s.ring)
	if err != nil {
		return nil, err
	}
	context, err := members.NewSignerContext(s.key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotInRing, err)
	}
	return &signingSlot{ring: members, context: context}, nil
}

// newRing makes the library's ring of keys. Errors: ErrRing.
func newRing(keys [][]byte) (*ring.Ring, error) {
	if len(keys) < 2 || len(keys) > MaxRing {
		return nil, fmt.Errorf("%w: %d keys", ErrRing, len(keys))
	}
	curve, points := ring.Secp256k1(), make([]types.Point, len(keys))
	for i, key := range keys {
		if err := account.CheckPublicKey(key); err != nil {
			return nil, fmt.Errorf("%w: key %d: %w", ErrRing, i, err)
		}
		point, err := curve.DecodeToPoint(key)
		if err != nil {
			return nil, fmt.Errorf("%w: key %d: %w", ErrRing, i, err)
		}
		points[i] = point
	}
	made, err := ring.NewFixedKeyRingFromPublicKeys(curve, points)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRing, err)
	}
	return made, nil
}

// Sign returns the serialised ring signature of a hash.
func (s *Signer) Sign(hash [32]byte) ([]byte, error) {
	slot, _ := s.slots.Get().(*signingSlot)
	if slot == nil {
		var err error
		if slot, err = s.newSlot(); err != nil {
			return nil, err
		}
	}
	defer s.slots.Put(slot)
	signature, err := slot.ring.SignWithContext(hash, s.key, slot.context)
	if err != nil {
		return nil, fmt.Errorf("ring signature: %w", err)
	}
	serialised, err := signature.Serialize()
	if err != nil {
		return nil, fmt.Errorf("ring signature: %w", err)
	}
	return serialised, nil
}

// VerifyRing returns the keys of which one has signed a hash. Errors: ErrRingSignature.
func VerifyRing(hash [32]byte, signature []byte) (keys [][]byte, err error) {
	if len(signature) < ringHeaderBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrRingSignature, len(signature))
	}
	size := binary.BigEndian.Uint32(signature)
	if size < 2 || size > MaxRing || len(signature) != ringHeaderBytes+int(size)*ringMemberBytes {
		return nil, fmt.Errorf("%w: %d keys in %d bytes", ErrRingSignature, size, len(signature))
	}
	read := new(ring.RingSig)
	if err := read.Deserialize(ring.Secp256k1(), signature); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRingSignature, err)
	}
	if !read.Verify(hash) {
		return nil, ErrRingSignature
	}
	for at := ringHeaderBytes; at < len(signature); at += ringMemberBytes {
		keys = append(keys, slices.Clone(signature[at+scalarSize:at+ringMemberBytes]))
	}
	return keys, nil
}

// KeyImage returns what all ring signatures of one key share, whatever the ring: by it a supplier recognises the signer.
// It is nil for what is not a ring signature.
func KeyImage(signature []byte) []byte {
	if len(signature) < ringHeaderBytes {
		return nil
	}
	return slices.Clone(signature[ringSizeBytes+scalarSize : ringHeaderBytes])
}
