package relay

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// maxErrorMessageBytes is the longest message of a signed error.
const maxErrorMessageBytes = 256

// Binding is what an answer must be bound to.
type Binding struct {
	// RequestHash is the BodyHash of the request that was sent.
	RequestHash [sha256.Size]byte
	// Servicer is the address that it was sent to.
	Servicer string
	// PublicKey is that servicer's key, as staked; 32 bytes.
	PublicKey []byte
	// Verifier is of that key, if one is kept; PublicKey then is not looked at.
	Verifier *crypto.Verifier
	// Proven says that the signature of this very envelope was found valid before (Prove).
	Proven bool
}

// key returns the servicer's key.
func (b *Binding) key() []byte {
	if b.Verifier != nil {
		return b.Verifier.PublicKey()
	}
	return b.PublicKey
}

// verify reports whether a signature of a response's body is the servicer's.
func (b *Binding) verify(body, signature []byte) bool {
	if b.Proven {
		return true
	}
	if b.Verifier != nil {
		return b.Verifier.Verify(crypto.DomainRelayResponse, body, signature)
	}
	return crypto.Verify(b.PublicKey, crypto.DomainRelayResponse, body, signature)
}

// SealResponse signs an answer or a refusal. A response that OpenResponse would refuse is not sealed: ErrMalformed.
func SealResponse(key crypto.PrivateKey, response *types.RelayResponse) ([]byte, error) {
	if err := checkResponse(response); err != nil {
		return nil, err
	}
	signed, err := tagged(crypto.DomainRelayResponse, response)
	if err != nil {
		return nil, err
	}
	_, envelope, _, err := wrap(key, crypto.DomainRelayResponse, signed, MaxResponseBytes, alone)
	return envelope, err
}

// Prove takes the signature of a response envelope up in a batch, if a verifier is kept of the servicer's key. It sets proven once
// the signature was found valid, with the batch's last at the latest; if it does not, opening the response says why.
func Prove(batch *crypto.Batch, envelope []byte, want Binding, proven *bool) {
	outer, ok := takeApart(envelope)
	if ok && len(envelope) <= MaxResponseBytes && want.Verifier != nil && bytes.Equal(outer.publicKey, want.key()) {
		batch.Add(want.Verifier, crypto.DomainRelayResponse, outer.body, outer.value, proven)
	}
}

// OpenResponse parses a response envelope, then checks key and signature, then what it is bound to. A signed error is
// a response like any other and opens without error. Errors, in this order: ErrMalformed, ErrBadSignature,
// ErrWrongBinding. Unlike in a request, unknown fields of the body are passed over: a newer servicer may say more.
func OpenResponse(envelope []byte, want Binding) (*types.RelayResponse, error) {
	outer, ok := takeApart(envelope)
	if !ok || len(envelope) > MaxResponseBytes {
		parsed, err := parseEnvelope(envelope, MaxResponseBytes)
		if err != nil {
			return nil, err
		}
		outer = parts{body: parsed.GetBody(), publicKey: parsed.GetSignature().GetPublicKey(), value: parsed.GetSignature().GetValue()}
	}
	if repeated(outer.body, responseHeaders) > MaxHeaders {
		return nil, malformed("the response has more than %d headers", MaxHeaders)
	}
	response := new(types.RelayResponse)
	if proto.Unmarshal(outer.body, response) != nil {
		return nil, malformed("the body is not a relay response")
	}
	if err := checkResponse(response); err != nil {
		return nil, err
	}
	if !bytes.Equal(outer.publicKey, want.key()) {
		return nil, fmt.Errorf("%w: signed by %s, not by the servicer's key", ErrBadSignature, crypto.Address(outer.publicKey))
	}
	if !want.verify(outer.body, outer.value) {
		return nil, fmt.Errorf("%w: it does not fit the response", ErrBadSignature)
	}
	if response.GetServicer() != want.Servicer {
		return nil, fmt.Errorf("%w: the answer is of servicer %s", ErrWrongBinding, response.GetServicer())
	}
	if !bytes.Equal(response.GetRequestHash(), want.RequestHash[:]) {
		return nil, fmt.Errorf("%w: the answer is to another request", ErrWrongBinding)
	}
	return response, nil
}

// responseHeaders is the number of the field types.RelayResponse.headers.
const responseHeaders protowire.Number = 8

// repeated returns how often a field stands in a message, as far as that can be read. Two bytes of a message, an empty header,
// would take a hundred in memory, so they are counted before there is anything of them.
func repeated(message []byte, field protowire.Number) (times int) {
	for len(message) > 0 {
		number, _, size := protowire.ConsumeField(message)
		if size < 0 {
			return times // the decoder says what is wrong
		}
		if number == field {
			times++
		}
		message = message[size:]
	}
	return times
}

func checkResponse(response *types.RelayResponse) error {
	if len(response.GetRequestHash()) != sha256.Size {
		return malformed("the request hash has %d bytes, not %d", len(response.GetRequestHash()), sha256.Size)
	}
	if err := checkText("servicer", response.GetServicer(), types.ValidateAddress); err != nil {
		return err
	}
	if status := response.GetUpstreamStatus(); status != 0 && (status < 100 || status > 999) {
		return malformed("upstream status %d is no HTTP status", status)
	}
	if response.GetError() != nil {
		return checkError(response)
	}
	// The answer to a REST request may be empty, but it has a status.
	if len(response.GetPayload()) == 0 && response.GetUpstreamStatus() == 0 {
		return malformed("the response has neither payload nor error")
	}
	return validateHeaders(response.GetHeaders())
}

// checkError also keeps control characters out: the message ends up in logs and on terminals.
func checkError(response *types.RelayResponse) error {
	message := response.GetError().GetMessage()
	switch {
	case len(response.GetPayload()) > 0 || len(response.GetHeaders()) > 0:
		return malformed("the response has both payload and error")
	case response.GetError().GetCode() == types.RelayErrorCode_RELAY_ERROR_CODE_UNSPECIFIED:
		return malformed("the error has no code")
	case len(message) > maxErrorMessageBytes:
		return malformed("the error's message has %d bytes, more than %d", len(message), maxErrorMessageBytes)
	case strings.ContainsFunc(message, func(r rune) bool { return !unicode.IsPrint(r) }):
		return malformed("the error's message has unprintable characters")
	}
	return nil
}
