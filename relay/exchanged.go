package relay

import (
	"crypto/sha256"
	"fmt"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// Exchanged is a relay as its two envelopes prove it.
type Exchanged struct {
	Request  *types.RelayRequest
	Response *types.RelayResponse
	// RequestHash is the SHA-256 of the request's body; the response repeats it.
	RequestHash [sha256.Size]byte
	// Signer is the address of the key that signed the request.
	Signer string
}

// OpenExchanged opens the envelopes of a relay that others made: both signatures fit, the answer is that of the servicer
// that was asked, whose address follows from its key, and is bound to the question. Whether the signer was allowed to ask
// and the servicer was in the session is the chain's to say. Errors: ErrMalformed, ErrBadSignature, ErrWrongBinding.
func OpenExchanged(request, response []byte) (*Exchanged, error) {
	asked, err := OpenRequest(request)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	if !asked.VerifySignature() {
		return nil, fmt.Errorf("request: %w: it does not fit the request", ErrBadSignature)
	}
	outer, err := parseEnvelope(response, MaxResponseBytes)
	if err != nil {
		return nil, fmt.Errorf("response: %w", err)
	}
	servicer, key := asked.Request.GetServicer(), outer.GetSignature().GetPublicKey()
	if signer := crypto.Address(key); signer != servicer {
		return nil, fmt.Errorf("response: %w: signed by %s, not by servicer %s", ErrBadSignature, signer, servicer)
	}
	answer, err := OpenResponse(response, Binding{RequestHash: asked.BodyHash, Servicer: servicer, PublicKey: key})
	if err != nil {
		return nil, fmt.Errorf("response: %w", err)
	}
	return &Exchanged{Request: asked.Request, Response: answer, RequestHash: asked.BodyHash, Signer: asked.SignerAddress()}, nil
}
