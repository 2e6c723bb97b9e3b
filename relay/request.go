package relay

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// SealedRequest is a signed request, ready to be sent.
type SealedRequest struct {
	// Envelope is what goes over the wire, at most MaxRequestBytes.
	Envelope []byte
	// BodyHash is the SHA-256 of the body inside the envelope; the answer must repeat it.
	BodyHash [sha256.Size]byte
	// Servicer is the address that the request is for.
	Servicer string
}

// NewRequest addresses a payload to one servicer of a session, with a nonce of its own. Whoever asks makes its requests
// here, so that they differ in nothing but what they ask.
func NewRequest(session *types.SessionHeader, servicer string, payload types.Payload, now time.Time) *types.RelayRequest {
	request := &types.RelayRequest{
		Session:            session,
		Servicer:           servicer,
		Nonce:              make([]byte, NonceSize),
		ClientTimeUnixNano: now.UnixNano(),
	}
	rand.Read(request.Nonce) // never fails (crypto/rand)
	payload.Put(request)
	return request
}

// SealRequest signs a request. A request that OpenRequest would refuse is not sealed: ErrMalformed.
func SealRequest(key crypto.PrivateKey, request *types.RelayRequest) (*SealedRequest, error) {
	sealed, _, err := SealRequestBehind(key, request, alone)
	return sealed, err
}

// SealRequestBehind is SealRequest into memory in which something stands before the envelope: before returns that, with
// capacity for as many more bytes as the envelope has. Whole is both, and the envelope a part of it.
func SealRequestBehind(key crypto.PrivateKey, request *types.RelayRequest, before func(size int) []byte) (sealed *SealedRequest, whole []byte, err error) {
	if err := checkRequest(request); err != nil {
		return nil, nil, err
	}
	var room [usualMessage]byte
	signed := crypto.AppendTag(room[:0], crypto.DomainRelayRequest)
	if request.GetRest() == nil {
		signed = appendRequest(signed, request)
	} else if signed, err = tagged(crypto.DomainRelayRequest, request); err != nil {
		return nil, nil, err
	}
	whole, envelope, body, err := wrap(key, crypto.DomainRelayRequest, signed, MaxRequestBytes, before)
	if err != nil {
		return nil, nil, err
	}
	return &SealedRequest{Envelope: envelope, BodyHash: sha256.Sum256(body), Servicer: request.GetServicer()}, whole, nil
}

// OpenedRequest is a well-formed request whose signature is not checked yet.
type OpenedRequest struct {
	// Request is the body, every field of the right form.
	Request *types.RelayRequest
	// Signature is what came with it.
	Signature *types.Signature
	// BodyHash is the SHA-256 of the body as received.
	BodyHash [sha256.Size]byte

	body []byte
}

// OpenRequest parses a request envelope and checks the form of all its parts, but not the signature: that is the dear
// part, and a servicer has cheaper reasons to refuse. Errors: ErrMalformed. A field that is not known is malformed: a
// request must not be executed by a servicer that understands only half of it. The envelope must not be changed while what is
// returned is used.
func OpenRequest(envelope []byte) (*OpenedRequest, error) {
	outer, err := parseEnvelope(envelope, MaxRequestBytes)
	if err != nil {
		return nil, err
	}
	request := new(types.RelayRequest)
	if proto.Unmarshal(outer.GetBody(), request) != nil {
		return nil, malformed("the body is not a relay request")
	}
	if err := checkRequest(request); err != nil {
		return nil, err
	}
	return &OpenedRequest{
		Request:   request,
		Signature: outer.GetSignature(),
		BodyHash:  sha256.Sum256(outer.GetBody()),
		body:      outer.GetBody(),
	}, nil
}

// SignerAddress is the address of the key that the request claims to be signed by.
func (o *OpenedRequest) SignerAddress() string { return crypto.Address(o.Signature.GetPublicKey()) }

// VerifySignature reports whether the signature is the signer's, over the body as received.
func (o *OpenedRequest) VerifySignature() bool {
	return crypto.Verify(o.Signature.GetPublicKey(), crypto.DomainRelayRequest, o.body, o.Signature.GetValue())
}

// VerifySignatureBy is VerifySignature by a verifier that is kept of the signer's key.
func (o *OpenedRequest) VerifySignatureBy(signer *crypto.Verifier) bool {
	return bytes.Equal(signer.PublicKey(), o.Signature.GetPublicKey()) &&
		signer.VerifyOnce(crypto.DomainRelayRequest, o.body, o.Signature.GetValue())
}

func checkRequest(request *types.RelayRequest) error {
	if err := checkHeader(request.GetSession()); err != nil {
		return err
	}
	if err := checkText("servicer", request.GetServicer(), types.ValidateAddress); err != nil {
		return err
	}
	if len(request.GetNonce()) != NonceSize {
		return malformed("the nonce has %d bytes, not %d", len(request.GetNonce()), NonceSize)
	}
	rest := request.GetRest()
	if len(request.GetJsonRpc().GetBody()) == 0 && (rest.GetMethod() == "" || rest.GetPath() == "") {
		return malformed("the request has no payload")
	}
	if len(rest.GetHeaders()) > MaxHeaders {
		return malformed("there are %d headers, more than %d", len(rest.GetHeaders()), MaxHeaders)
	}
	if hasUnknown(request) || hasUnknown(request.GetSession()) || hasUnknown(request.GetJsonRpc()) || hasUnknown(rest) ||
		slices.ContainsFunc(rest.GetHeaders(), func(h *types.HTTPHeader) bool { return hasUnknown(h) }) {
		return malformed("the request has fields that are not known")
	}
	return nil
}

func checkHeader(header *types.SessionHeader) error {
	if header == nil {
		return malformed("the request names no session")
	}
	if err := checkText("session", header.GetId(), types.ValidateSessionID); err != nil {
		return err
	}
	if header.GetStartHeight() < 0 {
		return malformed("start height %d is negative", header.GetStartHeight())
	}
	if err := checkText("relay chain", header.GetRelayChain(), types.ValidateRelayChain); err != nil {
		return err
	}
	if err := checkText("geo zone", header.GetGeoZone(), types.ValidateGeoZone); err != nil {
		return err
	}
	return checkText("application", header.GetApplication(), types.ValidateAddress)
}
