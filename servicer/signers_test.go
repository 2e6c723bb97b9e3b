package servicer

import (
	"encoding/binary"
	"testing"
)

// Signers that come again keep their verifier; however many there are, the number that is kept is bounded.
func TestSignersAreBounded(t *testing.T) {
	const most = 4
	s := newSigners(most)
	key := func(n int) []byte { return binary.BigEndian.AppendUint64(make([]byte, 24), uint64(n)) }
	first := s.of(key(0))
	for n := range 100 {
		if s.of(key(0)) != first {
			t.Fatalf("after %d others the first one has another verifier", n)
		}
		if got := s.of(key(n)).PublicKey(); string(got) != string(key(n)) {
			t.Fatalf("signer %d has the verifier of %x", n, got)
		}
		if kept := len(s.recent) + len(s.earlier); kept > 2*most {
			t.Fatalf("%d are kept", kept)
		}
	}
}
