package crypto

import (
	"bytes"

	"filippo.io/edwards25519/field"
)

// Batch verifies signatures together, which takes less time than one by one: it inverts one number for 16 of them. Each is judged by
// itself, as Verify judges it; one that is not found valid is to be verified alone. Its zero value is ready, for one goroutine.
type Batch struct {
	points [mostInverted]projective
	claims [mostInverted]claim
	taken  int
}

// claim is that a point's encoding is R.
type claim struct {
	r      []byte
	proven *bool
}

// Add takes a signature of a verifier's key up. It sets proven to true when the signature is found valid, which may be as late
// as Verify. A verifier that has verified nothing yet has no tables, so nothing is gained by it here.
func (b *Batch) Add(v *Verifier, domain Domain, body, value []byte, proven *bool) {
	if !v.used.Load() {
		return
	}
	point, ok := v.point(domain, body, value)
	if !ok {
		return
	}
	b.points[b.taken], b.claims[b.taken] = point, claim{r: value[:32], proven: proven}
	if b.taken++; b.taken == mostInverted {
		b.Verify()
	}
}

// Verify verifies those that were taken up and were not verified yet.
func (b *Batch) Verify() {
	var inverses [mostInverted]field.Element
	for i := range b.taken {
		inverses[i] = b.points[i].z
	}
	invert(inverses[:b.taken])
	for i := range b.taken {
		r := b.points[i].encoding(&inverses[i])
		if bytes.Equal(r[:], b.claims[i].r) {
			*b.claims[i].proven = true
		}
	}
	clear(b.claims[:b.taken])
	b.taken = 0
}
