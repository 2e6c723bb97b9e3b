package servicer

import (
	"crypto/ed25519"
	"sync"

	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// maxSigners is the number of signers after which those that were not seen lately are forgotten. Twice as many are kept at
// most, of some KB each.
const maxSigners = 64

// signers keeps verifiers of the members of sessions, who sign one relay after the other.
type signers struct {
	most int

	mu sync.Mutex
	// recent are those seen since older ones were last forgotten, earlier those seen before that.
	recent, earlier map[[ed25519.PublicKeySize]byte]*crypto.Verifier
}

func newSigners(most int) *signers {
	return &signers{most: most, recent: make(map[[ed25519.PublicKeySize]byte]*crypto.Verifier)}
}

// of returns the verifier of a public key of the right length.
func (s *signers) of(publicKey []byte) *crypto.Verifier {
	key := [ed25519.PublicKeySize]byte(publicKey)
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.recent[key]; known != nil {
		return known
	}
	if len(s.recent) >= s.most {
		s.recent, s.earlier = make(map[[ed25519.PublicKeySize]byte]*crypto.Verifier), s.recent
	}
	known := s.earlier[key]
	if known == nil {
		known = crypto.NewVerifier(publicKey)
	}
	s.recent[key] = known
	return known
}
