package crypto

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"sync"
	"sync/atomic"

	"filippo.io/edwards25519/field"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// Verifier verifies signatures of one key. With the second one it makes tables, by which each takes half of the time of
// Verify; making them takes about as long as that, and they take 4 KB (docs/adr/0075). It may be used by several goroutines
// at once.
type Verifier struct {
	publicKey []byte
	used      atomic.Bool
	// multiples are of the key's negative; nil if the key is no point of the curve.
	multiples func() *[parts]multiples4
}

// NewVerifier returns the verifier of a public key. A key that is none makes all signatures invalid.
func NewVerifier(publicKey []byte) *Verifier {
	key := bytes.Clone(publicKey)
	return &Verifier{publicKey: key, multiples: sync.OnceValue(func() *[parts]multiples4 { return negativesOf(key) })}
}

// PublicKey returns the key, which must not be changed.
func (v *Verifier) PublicKey() []byte { return v.publicKey }

// Verify reports what the function Verify reports of the key. A signature is refused by that function only.
func (v *Verifier) Verify(domain Domain, body, value []byte) bool {
	return v.used.Swap(true) && v.fits(domain, body, value) || Verify(v.publicKey, domain, body, value)
}

// usualMessage has room for what is hashed of most answers, in bytes.
const usualMessage = 1024

// fits is the rule of crypto/ed25519: S is below the group's order, and the encoding of S·B − H(R ‖ A ‖ message)·A is R.
func (v *Verifier) fits(domain Domain, body, value []byte) bool {
	point, ok := v.point(domain, body, value)
	if !ok {
		return false
	}
	var inverse field.Element
	inverse.Invert(&point.z)
	r := point.encoding(&inverse)
	return bytes.Equal(r[:], value[:32])
}

// point returns the point whose encoding has to be R; false where the rest of a signature is wrong.
func (v *Verifier) point(domain Domain, body, value []byte) (point projective, ok bool) {
	multiples := v.multiples()
	if multiples == nil || len(value) != ed25519.SignatureSize || !scalar.ScMinimalVartime(value[32:]) {
		return point, false
	}
	var s, h scalar.Scalar
	if _, err := s.SetBytesModOrder(value[32:]); err != nil {
		return point, false
	}
	var room [usualMessage]byte
	message := append(append(room[:0], value[:32]...), v.publicKey...)
	sum := sha512.Sum512(append(AppendTag(message, domain), body...))
	if _, err := h.SetBytesModOrderWide(sum[:]); err != nil {
		return point, false
	}
	return sumOfProducts(&h, multiples, &s), true
}
