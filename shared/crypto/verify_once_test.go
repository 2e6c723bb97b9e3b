package crypto

import "testing"

// TestVerifyOnce: the first signature and later ones, right and wrong.
func TestVerifyOnce(t *testing.T) {
	key := KeyFromSeed([32]byte{1})
	right, wrong := key.Sign(DomainRelayRequest, []byte("body")), key.Sign(DomainRelayResponse, []byte("body"))
	for _, first := range [][]byte{right, wrong} {
		verifier := NewVerifier(key.PublicKey())
		for _, value := range [][]byte{first, right, wrong, right, nil} {
			want := len(value) > 0 && &value[0] == &right[0]
			if got := verifier.VerifyOnce(DomainRelayRequest, []byte("body"), value); got != want {
				t.Errorf("%x: %t", value, got)
			}
		}
	}
	if NewVerifier(nil).VerifyOnce(DomainRelayRequest, nil, right) {
		t.Error("no key has a signature")
	}
}
