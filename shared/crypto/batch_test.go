package crypto

import (
	"testing"

	"filippo.io/edwards25519/field"
	"pgregory.net/rapid"
)

// TestBatchIsVerify: each signature of a batch is found valid if and only if it is by itself, whatever the others are.
func TestBatchIsVerify(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var verifiers []*Verifier
		var keys []PrivateKey
		for i := range rapid.IntRange(1, 3).Draw(t, "keys") {
			key := KeyFromSeed([32]byte{byte(i)})
			verifier := NewVerifier(key.PublicKey())
			verifier.used.Store(rapid.IntRange(0, 4).Draw(t, "used") > 0)
			keys, verifiers = append(keys, key), append(verifiers, verifier)
		}
		var batch Batch
		size := rapid.SampledFrom([]int{0, 1, 5, mostInverted - 1, mostInverted, mostInverted + 7}).Draw(t, "size")
		proven, used, want := make([]bool, size), make([]bool, size), make([]bool, size)
		for i := range size {
			which := rapid.IntRange(0, len(keys)-1).Draw(t, "key")
			body := []byte{byte(i)}
			value := keys[which].Sign(DomainRelayResponse, body)
			switch rapid.IntRange(0, 5).Draw(t, "fault") {
			case 0:
				value[rapid.IntRange(0, len(value)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			case 1:
				value = value[:rapid.IntRange(0, len(value)).Draw(t, "length")]
			}
			used[i], want[i] = verifiers[which].used.Load(), Verify(verifiers[which].PublicKey(), DomainRelayResponse, body, value)
			batch.Add(verifiers[which], DomainRelayResponse, body, value, &proven[i])
		}
		batch.Verify()
		for i := range proven {
			if proven[i] != (want[i] && used[i]) {
				t.Fatalf("signature %d of %d: proven %t, valid %t, by a verifier with tables %t", i, size, proven[i], want[i], used[i])
			}
		}
	})
}

// TestInvert: elements times their inverses are 1, and where one is 0 nothing is.
func TestInvert(t *testing.T) {
	for _, size := range []int{0, 1, 2, mostInverted} {
		elements, inverses := make([]field.Element, size), make([]field.Element, size)
		for i := range elements {
			elements[i].Mult32(new(field.Element).One(), uint32(i)+2)
			inverses[i] = elements[i]
		}
		invert(inverses)
		for i := range elements {
			if new(field.Element).Multiply(&elements[i], &inverses[i]).Equal(new(field.Element).One()) != 1 {
				t.Errorf("element %d of %d", i, size)
			}
		}
		if size > 0 {
			elements[size/2].Zero()
			invert(elements)
			for i := range elements {
				if elements[i].Equal(new(field.Element).Zero()) != 1 {
					t.Errorf("element %d of %d has an inverse beside 0", i, size)
				}
			}
		}
	}
}

// BenchmarkBatch is the verification of a full batch, beside that of as many signatures one by one.
func BenchmarkBatch(b *testing.B) {
	body := make([]byte, 400)
	var verifiers []*Verifier
	var values [][]byte
	for i := range mostInverted {
		key := KeyFromSeed([32]byte{byte(i)})
		verifier := NewVerifier(key.PublicKey())
		verifier.used.Store(true)
		verifiers, values = append(verifiers, verifier), append(values, key.Sign(DomainRelayResponse, body))
	}
	b.Run("together", func(b *testing.B) {
		var batch Batch
		var proven [mostInverted]bool
		for b.Loop() {
			for i, verifier := range verifiers {
				batch.Add(verifier, DomainRelayResponse, body, values[i], &proven[i])
			}
		}
	})
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			for i, verifier := range verifiers {
				verifier.Verify(DomainRelayResponse, body, values[i])
			}
		}
	})
}
