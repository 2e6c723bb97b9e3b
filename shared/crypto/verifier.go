package crypto

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"sync"
	"sync/atomic"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// Verifier verifies signatures of one key. With the second one it makes a table of multiples of the key, by which each takes
// little more than half of the time of Verify. The table takes 40 KB, and twice the time of one Verify to make. A Verifier
// may be used by several goroutines at once.
type Verifier struct {
	publicKey []byte
	used      atomic.Bool
	// multiples are of the key's negative; nil if the key is no point of the curve.
	multiples func() *curve.EdwardsBasepointTable
}

// NewVerifier returns the verifier of a public key. A key that is none makes all signatures invalid.
func NewVerifier(publicKey []byte) *Verifier {
	key := bytes.Clone(publicKey)
	return &Verifier{publicKey: key, multiples: sync.OnceValue(func() *curve.EdwardsBasepointTable { return negativesOf(key) })}
}

// PublicKey returns the key, which must not be changed.
func (v *Verifier) PublicKey() []byte { return v.publicKey }

// Verify reports what the function Verify reports of the key. It does not ask that function again about a signature that it
// refuses: wrong ones must not cost more than right ones.
func (v *Verifier) Verify(domain Domain, body, value []byte) bool {
	if !v.used.Swap(true) {
		return Verify(v.publicKey, domain, body, value)
	}
	return v.fits(domain, body, value)
}

// fits is the rule of crypto/ed25519: S is below the group's order, and the encoding of S·B − H(R ‖ A ‖ message)·A is R.
func (v *Verifier) fits(domain Domain, body, value []byte) bool {
	multiples := v.multiples()
	if multiples == nil || len(value) != ed25519.SignatureSize || !scalar.ScMinimalVartime(value[32:]) {
		return false
	}
	var s, h scalar.Scalar
	if _, err := s.SetBytesModOrder(value[32:]); err != nil {
		return false
	}
	hash := sha512.New()
	hash.Write(value[:32])
	hash.Write(v.publicKey)
	hash.Write([]byte(domain))
	hash.Write([]byte{0})
	hash.Write(body)
	var digest [sha512.Size]byte
	if _, err := h.SetBytesModOrderWide(hash.Sum(digest[:0])); err != nil {
		return false
	}
	var sum, ofKey curve.EdwardsPoint
	sum.MulBasepoint(curve.ED25519_BASEPOINT_TABLE, &s)
	sum.Add(&sum, ofKey.MulBasepoint(multiples, &h))
	var r curve.CompressedEdwardsY
	return bytes.Equal(r.SetEdwardsPoint(&sum)[:], value[:32])
}

// negativesOf returns the multiples of a key's negative. It reads keys as crypto/ed25519 does, odd encodings included.
func negativesOf(publicKey []byte) *curve.EdwardsBasepointTable {
	var compressed curve.CompressedEdwardsY
	var point curve.EdwardsPoint
	if _, err := compressed.SetBytes(publicKey); err != nil {
		return nil
	}
	if _, err := point.SetCompressedY(&compressed); err != nil {
		return nil
	}
	return curve.NewEdwardsBasepointTable(point.Neg(&point))
}
