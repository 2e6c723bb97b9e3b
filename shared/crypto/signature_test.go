package crypto

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
	"pgregory.net/rapid"
)

// TestSignaturesAreThoseOfTheStandardLibrary: verifying with another library gives the same results.
func TestSignaturesAreThoseOfTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		key := KeyFromSeed(seed)
		value := key.Sign(DomainRelayRequest, body)
		message := append([]byte("pocket/relay-request/v1\x00"), body...)
		if want := ed25519.Sign(ed25519.NewKeyFromSeed(seed[:]), message); !bytes.Equal(value, want) {
			t.Fatalf("signature %x, want %x", value, want)
		}
		if !Verify(key.PublicKey(), DomainRelayRequest, body, value) {
			t.Error("own signature is refused")
		}
		at, bit := rapid.IntRange(0, len(value)-1).Draw(t, "at"), rapid.IntRange(0, 7).Draw(t, "bit")
		value[at] ^= 1 << bit
		if Verify(key.PublicKey(), DomainRelayRequest, body, value) {
			t.Errorf("accepted with bit %d of byte %d turned", bit, at)
		}
		if Verify(key.PublicKey(), DomainRelayRequest, body, value[:63]) || Verify(key.PublicKey()[:31], DomainRelayRequest, body, value) {
			t.Error("accepted with a wrong length")
		}
	})
}

// TestVerifiersAgreeOnCraftedSignatures: ed25519 verifiers differ about signatures in which points of small order or
// odd encodings have a part. The owner of a key can craft such signatures; this network must agree with other verifiers
// about them.
func TestVerifiersAgreeOnCraftedSignatures(t *testing.T) {
	accepted, refused := 0, 0
	compare := func(publicKey, value, body []byte) {
		t.Helper()
		want := ed25519.Verify(publicKey, tagged(DomainRelayResponse, body), value)
		if got := Verify(publicKey, DomainRelayResponse, body, value); got != want {
			t.Errorf("key %x, signature %x over %x: %v, the standard library says %v", publicKey, value, body, got, want)
		}
		if got := NewVerifier(publicKey).fits(DomainRelayResponse, body, value); got != want {
			t.Errorf("key %x, signature %x over %x: %v by tables, the standard library says %v", publicKey, value, body, got, want)
		}
		if want {
			accepted++
		} else {
			refused++
		}
	}
	for n := range uint64(16) {
		body := binary.BigEndian.AppendUint64(nil, n)
		for i, inKey := range smallOrder(t) {
			for _, inR := range smallOrder(t) {
				compare(inKey, append(bytes.Clone(inR), make([]byte, 32)...), body) // S = 0
				if i < len(curve.EIGHT_TORSION) {
					publicKey, value := craft(t, curve.EIGHT_TORSION[i], inR, body)
					compare(publicKey, value, body)
					compare(publicKey, addOrder(value), body)
				}
			}
		}
	}
	if accepted == 0 || refused == 0 {
		t.Errorf("%d accepted and %d refused: the test says nothing", accepted, refused)
	}
}

// smallOrder returns the encodings of the points of small order: first the canonical ones, then those with a y of p or
// more.
func smallOrder(t *testing.T) [][]byte {
	t.Helper()
	var encodings [][]byte
	for _, point := range curve.EIGHT_TORSION {
		encodings = append(encodings, encode(t, point))
	}
	for _, text := range []string{
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // y = p
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // y = p + 1
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"0100000000000000000000000000000000000000000000000000000000000080", // x = -0
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	} {
		encoding, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		encodings = append(encodings, encoding)
	}
	return encodings
}

// craft returns a key that contains a point of small order, and a signature with another one in R. Whether it is valid
// depends on the body, and on whether a verifier multiplies by the cofactor.
func craft(t *testing.T, inKey *curve.EdwardsPoint, inR, body []byte) (publicKey, value []byte) {
	t.Helper()
	secret, nonce := scalarOf(t, sha512.Sum512([]byte("secret"))), scalarOf(t, sha512.Sum512([]byte("nonce")))
	publicKey = encode(t, sum(inKey, secret))
	r := encode(t, sum(decode(inR), nonce))
	hash := sha512.Sum512(append(append(bytes.Clone(r), publicKey...), tagged(DomainRelayResponse, body)...))
	product := scalar.New().Mul(scalarOf(t, hash), secret)
	value = append(r, make([]byte, 32)...)
	if err := scalar.New().Add(product, nonce).ToBytes(value[32:]); err != nil {
		t.Fatal(err)
	}
	return publicKey, value
}

// addOrder adds the group's order to S, which makes no difference to a verifier that does not check S.
func addOrder(value []byte) []byte {
	order, _ := hex.DecodeString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	changed := bytes.Clone(value)
	carry := 0
	for i, octet := range order {
		carry += int(changed[32+i]) + int(octet)
		changed[32+i] = byte(carry)
		carry >>= 8
	}
	return changed
}

func scalarOf(t *testing.T, wide [64]byte) *scalar.Scalar {
	t.Helper()
	s, err := scalar.NewFromBytesModOrderWide(wide[:])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sum is point + s·B.
func sum(point *curve.EdwardsPoint, s *scalar.Scalar) *curve.EdwardsPoint {
	product := curve.NewEdwardsPoint().MulBasepoint(curve.ED25519_BASEPOINT_TABLE, s)
	return product.Add(product, point)
}

func encode(t *testing.T, point *curve.EdwardsPoint) []byte {
	t.Helper()
	encoding, err := point.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return encoding
}

// decode returns the identity for encodings that are not points.
func decode(encoding []byte) *curve.EdwardsPoint {
	point := curve.NewEdwardsPoint()
	if point.UnmarshalBinary(encoding) != nil {
		point.Identity()
	}
	return point
}
