package crypto

import (
	"crypto/ed25519"

	fast "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

// Domain separates signatures by what they are for, so that none can be passed off as another.
type Domain string

// Domains of the protocol.
const (
	DomainTransaction   Domain = "pocket/tx/v1"
	DomainRelayRequest  Domain = "pocket/relay-request/v1"
	DomainRelayResponse Domain = "pocket/relay-response/v1"
	DomainEvidence      Domain = "pocket/evidence/v1"
	DomainFeed          Domain = "pocket-fisherman/feed/v1"
)

// Sign signs domain ‖ 0x00 ‖ body. The body must be exactly the bytes that are sent.
func (k PrivateKey) Sign(domain Domain, body []byte) []byte {
	return fast.Sign(fast.PrivateKey(k.key), tagged(domain, body))
}

// Verify reports whether value is publicKey's signature over domain ‖ 0x00 ‖ body. A key or value of the wrong length
// is an invalid signature, not an error. Verify accepts exactly what crypto/ed25519 accepts, in two thirds of the time
// (docs/adr/0022).
func Verify(publicKey []byte, domain Domain, body, value []byte) bool {
	rule := fast.Options{Verify: fast.VerifyOptionsStdLib}
	return len(publicKey) == ed25519.PublicKeySize &&
		fast.VerifyWithOptions(publicKey, tagged(domain, body), value, &rule)
}

func tagged(domain Domain, body []byte) []byte {
	message := make([]byte, 0, len(domain)+1+len(body))
	message = append(message, domain...)
	message = append(message, 0)
	return append(message, body...)
}
