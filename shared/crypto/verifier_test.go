package crypto

import (
	"bytes"
	"crypto/ed25519"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// TestVerifierIsTheStandardLibrary: tables change nothing about what is accepted.
func TestVerifierIsTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := KeyFromSeed([32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed")))
		verifier := NewVerifier(key.PublicKey())
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		value := key.Sign(DomainRelayResponse, body)
		if !verifier.fits(DomainRelayResponse, body, value) || !verifier.Verify(DomainRelayResponse, body, value) {
			t.Error("a signature is refused")
		}
		if verifier.Verify(DomainRelayRequest, body, value) {
			t.Error("a signature for another purpose is accepted")
		}
		at, bit := rapid.IntRange(0, len(value)-1).Draw(t, "at"), rapid.IntRange(0, 7).Draw(t, "bit")
		value[at] ^= 1 << bit
		if verifier.fits(DomainRelayResponse, body, value) || verifier.Verify(DomainRelayResponse, body, value) {
			t.Errorf("accepted with bit %d of byte %d turned", bit, at)
		}
		for _, length := range []int{0, 32, 63} {
			if verifier.Verify(DomainRelayResponse, body, value[:length]) {
				t.Errorf("a signature of %d bytes is accepted", length)
			}
		}
	})
}

// TestVerifierOfNoKey: what is no key has no signatures, whatever is left out of it.
func TestVerifierOfNoKey(t *testing.T) {
	key := KeyFromSeed([32]byte{1})
	value := key.Sign(DomainRelayResponse, nil)
	noPoint := append([]byte{2}, make([]byte, 31)...)
	for _, publicKey := range [][]byte{nil, key.PublicKey()[:31], append(key.PublicKey(), 0), noPoint} {
		verifier := NewVerifier(publicKey)
		for range 3 {
			if verifier.Verify(DomainRelayResponse, nil, value) {
				t.Errorf("key %x: accepted", publicKey)
			}
		}
	}
}

// TestVerifierKeepsItsKey: what happens to the bytes that it was made of is nothing to it.
func TestVerifierKeepsItsKey(t *testing.T) {
	key := KeyFromSeed([32]byte{1})
	publicKey := key.PublicKey()
	verifier := NewVerifier(publicKey)
	clear(publicKey)
	verifier.used.Store(true)
	if !verifier.Verify(DomainRelayResponse, nil, key.Sign(DomainRelayResponse, nil)) || !bytes.Equal(verifier.PublicKey(), key.PublicKey()) {
		t.Error("the key has changed")
	}
}

// TestVerifierIsUsedAtOnce: tables are made once, while others verify.
func TestVerifierIsUsedAtOnce(t *testing.T) {
	key := KeyFromSeed([32]byte{1})
	verifier := NewVerifier(key.PublicKey())
	value := key.Sign(DomainRelayResponse, nil)
	var users sync.WaitGroup
	for range 8 {
		users.Go(func() {
			for range 4 {
				if !verifier.Verify(DomainRelayResponse, nil, value) {
					t.Error("a signature is refused")
				}
			}
		})
	}
	users.Wait()
}

// FuzzVerifier compares with the standard library whatever key and signature.
func FuzzVerifier(f *testing.F) {
	key := KeyFromSeed([32]byte{1})
	f.Add(key.PublicKey(), []byte("body"), key.Sign(DomainRelayResponse, []byte("body")))
	f.Add(make([]byte, 32), []byte(nil), make([]byte, 64))
	f.Fuzz(func(t *testing.T, publicKey, body, value []byte) {
		if len(publicKey) != ed25519.PublicKeySize {
			return // the standard library panics
		}
		want := ed25519.Verify(publicKey, tagged(DomainRelayResponse, body), value)
		if got := NewVerifier(publicKey).fits(DomainRelayResponse, body, value); got != want {
			t.Errorf("%v, the standard library says %v", got, want)
		}
	})
}

// BenchmarkVerify compares a verifier with the function, and says what a verifier costs to make.
func BenchmarkVerify(b *testing.B) {
	key := KeyFromSeed([32]byte{1})
	body := make([]byte, 400)
	value := key.Sign(DomainRelayResponse, body)
	verifier := NewVerifier(key.PublicKey())
	b.Run("function", func(b *testing.B) {
		for b.Loop() {
			Verify(key.PublicKey(), DomainRelayResponse, body, value)
		}
	})
	b.Run("verifier", func(b *testing.B) {
		for b.Loop() {
			verifier.Verify(DomainRelayResponse, body, value)
		}
	})
	b.Run("making", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			NewVerifier(key.PublicKey()).multiples()
		}
	})
}

// TestVerifierTakesLittleMemory: for the message of a signature, once the tables are there.
func TestVerifierTakesLittleMemory(t *testing.T) {
	key := KeyFromSeed([32]byte{1})
	body := make([]byte, 400)
	value := key.Sign(DomainRelayResponse, body)
	verifier := NewVerifier(key.PublicKey())
	taken := testing.AllocsPerRun(100, func() {
		if !verifier.Verify(DomainRelayResponse, body, value) {
			t.Error("a signature is refused")
		}
	})
	if taken > 1 {
		t.Errorf("%v pieces of memory for a signature", taken)
	}
}
